"""The one place where our error classes become HTTP (moby api/server/httpstatus, httputils).

NotFound 404 · InvalidParameter 400 · Conflict 409 · Unauthorized 401 · Forbidden 403
NotModified 304 · NotImplementedYet 501 · Unavailable 503 · all others 500
"""

from __future__ import annotations

import errno
import logging
import os
import re
from typing import Final, TypeGuard

from aiohttp import web

from runner.types import errors, wire

log = logging.getLogger(__name__)

_SURROGATE: Final = re.compile("[\ud800-\udfff]")

_STATUSES: Final[tuple[tuple[type[errors.RunnerError], int], ...]] = (
    (errors.NotFound, 404),
    (errors.InvalidParameter, 400),
    (errors.Conflict, 409),
    (errors.Unauthorized, 401),
    (errors.Unavailable, 503),
    (errors.Forbidden, 403),
    (errors.NotModified, 304),
    (errors.NotImplementedYet, 501),
)

_MACHINES: Final = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO}
)


def status_of(error: BaseException) -> int:
    """The status that dockerd answers for such an error."""
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return status
    return 500


def message_of(error: BaseException) -> str:
    """What the client may read. Of an error that is not ours, its class goes along.

    What the client has sent may come back in it, bytes that are no UTF-8 among it.
    """
    return _SURROGATE.sub("\ufffd", _text(error))


def _text(error: BaseException) -> str:
    if isinstance(error, errors.RunnerError):
        return error.message
    if is_the_machines(error):
        return f"{error.filename or 'the engine'}: {os.strerror(error.errno or 0).lower()}"
    return f"internal error: {type(error).__name__}: {error}"


def is_the_machines(error: BaseException) -> TypeGuard[OSError]:
    """Whether the machine has run out of something: anywhere, and no fault of the code there."""
    return isinstance(error, OSError) and error.errno in _MACHINES


def error_response(error: BaseException, *, plain_text: bool = False) -> web.Response:
    """The answer to a request that failed before anything of an answer was sent.

    `plain_text` is for clients so old that they would show JSON to their user.
    """
    status = status_of(error)
    if status == 304:
        return web.Response(status=304)
    if plain_text:
        headers = {"X-Content-Type-Options": "nosniff"}
        return web.Response(status=status, text=message_of(error) + "\n", headers=headers)
    body = wire.encode({"message": message_of(error)}) + b"\n"
    return web.Response(status=status, body=body, content_type="application/json")


def report(error: BaseException, what: str) -> None:
    """Log what the operator should know: failures of ours, with a traceback if unforeseen."""
    if is_the_machines(error):
        log.error("Handler for %s failed: %s", what, message_of(error))
    elif not isinstance(error, errors.RunnerError):
        log.error("Handler for %s failed unexpectedly", what, exc_info=error)
    elif status_of(error) >= 500:
        log.error("Handler for %s returned error: %s", what, error)
