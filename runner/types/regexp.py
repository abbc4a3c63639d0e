"""Go's regular expressions (regexp), which are RE2's: in time linear in the text.

Clients give them, and with Python's own a single one of them could hold up the engine for hours.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import re2

_OPTIONS: Final = re2.Options()
_OPTIONS.log_errors = False
_WORDS: Final = {  # RE2 in C++ says some things otherwise than in Go
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "bad repetition operator": "invalid nested repetition operator",
    "no argument for repetition operator": "missing argument to repetition operator",
    "trailing \\": "trailing backslash at end of expression",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid named capture group": "invalid named capture",
    "invalid repetition size": "invalid repeat count",
}


@lru_cache(maxsize=64)
def compile_regexp(expression: str) -> Any:
    """The compiled expression, which has `search`. Raises ValueError with Go's words."""
    try:
        return re2.compile(expression, _OPTIONS)
    except re2.error as err:
        raise ValueError(_as_go(err.args[0])) from None


def _as_go(error: bytes | str) -> str:
    text = error.decode("utf-8", "replace") if isinstance(error, bytes) else error
    code, _, what = text.partition(": ")
    return f"error parsing regexp: {_WORDS.get(code, code)}: `{what}`"
