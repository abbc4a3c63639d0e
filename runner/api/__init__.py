"""The Engine API server: decodes a request, calls the engine's verb, encodes its answer.

    app.py        the application       routing.py, call.py, form.py, body.py   take requests apart
    server.py     sockets               respond.py, progress.py, hijack.py      the ways to answer
    serve.py      `runner serve`        compat.py, version.py                   older clients

The other modules have the handlers, one file for each resource, and a table of their routes.
"""
