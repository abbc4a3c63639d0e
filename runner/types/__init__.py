"""What client, api and engine share: the Engine API's types and the error classes.

Nothing here does I/O and nothing here imports another package of runner.
"""
