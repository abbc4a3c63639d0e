"""The engine's own log on stderr: lines for people or JSON for machines."""

from __future__ import annotations

import logging
import re
import time
from typing import Final, Literal

import msgspec
from aiohttp.http_exceptions import HttpProcessingError

from runner import trace

LogFormat = Literal["text", "json"]

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
}
"""dockerd's names."""

_CONTAINER_ID: Final = re.compile(r"\b[0-9a-f]{64}\b")
_NOISY: Final = ("aiohttp", "asyncio", "grpc", "pyroute2")


def set_up_logging(level: str, log_format: LogFormat) -> None:
    """Send everything from `level` (dockerd's names) up to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(_JSONFormatter() if log_format == "json" else _TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(LEVELS[level], logging.WARNING))
    logging.getLogger("aiohttp.server").addFilter(_is_worth_telling)


def _is_worth_telling(record: logging.LogRecord) -> bool:
    """Not that a client has gone, nor that it has sent what is no HTTP: that is answered with 400,
    as net/http does."""
    told = record.exc_info[1] if record.exc_info else None
    return not isinstance(told, HttpProcessingError | ConnectionError)


def _fields(record: logging.LogRecord) -> dict[str, str]:
    """What a line says: time, level, module, message; the container that it is about, if any."""
    message = record.getMessage()
    fields = {
        "time": _timestamp(record.created),
        "level": "warning" if record.levelno == logging.WARNING else record.levelname.lower(),
        "module": record.name.removeprefix("runner."),
        "msg": message,
    }
    if container := _container_of(record, message):
        fields["container"] = container
    if record.exc_info:
        fields["error"] = logging.Formatter().formatException(record.exc_info)
    return fields


def _container_of(record: logging.LogRecord, message: str) -> str:
    """Named by who logs, by whoever the work is for, or in the message itself."""
    if named := getattr(record, "container", "") or trace.subject():
        return str(named)
    found = _CONTAINER_ID.search(message)
    return found[0] if found else ""


def _timestamp(seconds: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1_000_000):06d}Z"


class _JSONFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return msgspec.json.encode(_fields(record)).decode()


class _TextFormatter(logging.Formatter):
    """`time=… level=… msg="…"`, as dockerd's; a traceback follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        fields = _fields(record)
        traceback = fields.pop("error", "")
        line = " ".join(f"{name}={_quoted(value)}" for name, value in fields.items())
        return f"{line}\n{traceback}" if traceback else line


def _quoted(value: str) -> str:
    plain = re.fullmatch(r"[\w.:/-]+", value)
    return value if plain else msgspec.json.encode(value).decode()
