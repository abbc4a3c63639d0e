"""The Engine API's client: blocking, one request at a time, and cheap to import.

Commands live for a few dozen milliseconds, so this package imports only what the interpreter has
in itself: no asyncio, http, json, re or typing. It works against dockerd as against runner.
"""
