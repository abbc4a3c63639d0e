"""IDs of containers and volumes (moby pkg/stringid)."""

from __future__ import annotations

import secrets
from typing import Final

SHORT_LENGTH: Final = 12


def generate_id() -> str:
    """64 hexadecimal digits; the short form is never a plain number, which tools could misread."""
    while (candidate := secrets.token_hex(32))[:SHORT_LENGTH].isdigit():
        pass
    return candidate


def truncate_id(identifier: str) -> str:
    """The short form: 12 digits, the algorithm's name left out (stringid.TruncateID)."""
    return identifier.rpartition(":")[2][:SHORT_LENGTH]
