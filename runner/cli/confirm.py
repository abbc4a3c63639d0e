"""Asking before something is lost (docker/cli internal/prompt)."""

from __future__ import annotations

import sys

from runner.cli.errors import Declined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


def confirm(question: str) -> None:
    """Return when the user says y. Raises Declined when not, also at the end of the input."""
    try:  # the question too: who reads it may answer with Ctrl-C before write has returned
        sys.stdout.write(f"{question} [y/N] ")
        sys.stdout.flush()
        answer = _read_line(sys.stdin)
    except KeyboardInterrupt:
        sys.stdout.write("\n")
        raise Declined from None
    if answer.strip().lower() != "y":
        raise Declined


def _read_line(stdin: TextIO | None) -> str:
    """A line; none where the caller has closed its stdin."""
    return stdin.readline() if stdin is not None else ""
