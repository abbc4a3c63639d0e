"""The OpenAPI description of what this engine serves.

operation.py    the words in which a route is described
operations.py   what has to be said by hand: parameters, bodies, statuses
document.py     both with the table of routes and the types, as one OpenAPI document
"""
