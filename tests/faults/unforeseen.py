"""What an engine's log says of errors that nobody has thought of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEAD: Final = "Traceback (most recent call last):"
_GROUP: Final = "+ Exception Group "
_NAMED: Final = re.compile(r"(?:\w+\.)*\w+(?:Error|Exception|Group)\b")


def unforeseen(text: str) -> list[str]:
    """The lines that name an error: the end of each traceback, whatever the error is called (ours
    have errdefs' names), and what is written of one that has no stack."""
    lines = text.splitlines()
    ends = {_end(lines, at) for at, line in enumerate(lines) if line.endswith(_HEAD)}
    return [line for at, line in enumerate(lines) if at in ends or _NAMED.match(line)]


def _end(lines: Sequence[str], head: int) -> int:
    """Where the traceback ends that begins there; its frames are indented."""
    indent = len(lines[head].removesuffix(_HEAD).replace(_GROUP, "| "))
    after = range(head + 1, len(lines))
    return next(
        (at for at in after if lines[at][indent:].strip() and lines[at][indent] != " "), head
    )
