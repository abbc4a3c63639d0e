"""dockerd's daemon/ in Python: one module for each verb, over `Container` objects.

`engine.Engine` is the composition root; verbs are plain async functions that take it.
"""
