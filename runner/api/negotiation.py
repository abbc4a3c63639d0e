"""What a client takes (gddo httputil.NegotiateContentEncoding, as moby uses it)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Iterable

_ACCEPTED: Final = re.compile(r"\s*([^\s;]+)\s*(?:;\s*q=([01](?:\.\d*)?)\s*)?")
_MATCHING: Final = frozenset({"gzip", "*"})


def content_encoding(headers: Iterable[str]) -> web.ContentCoding | None:
    """gzip if a client's Accept-Encoding headers ask for it, else none.

    dockerd also deflates; a client that only asks for that gets the data as they are.
    """
    accepted = (_ACCEPTED.fullmatch(item) for header in headers for item in header.split(","))
    qualities = [
        float(found[2] or 1) for found in accepted if found and found[1].lower() in _MATCHING
    ]
    return web.ContentCoding.gzip if max(qualities, default=0) > 0 else None
