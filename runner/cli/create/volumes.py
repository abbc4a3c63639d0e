"""-v, --tmpfs: bind specifications and anonymous volumes (docker/cli volumespec)."""

from __future__ import annotations

from runner.cli.errors import CliError
from runner.cli.values.mount import absolute_source


def split(specifications: list[str]) -> tuple[list[str], dict[str, dict[str, str]]]:
    """What goes to HostConfig.Binds, and the anonymous volumes of Config.Volumes.

    Raises CliError with docker's text.
    """
    binds: list[str] = []
    anonymous: dict[str, dict[str, str]] = {}
    for text in dict.fromkeys(specifications):
        source = _source(text)
        if not source:
            anonymous[text] = {}
        elif _is_path(source) and ":" in text:
            host, _, rest = text.partition(":")
            binds.append(f"{absolute_source(host)}:{rest}")
        else:
            binds.append(text)
    return binds, anonymous


def tmpfs(specifications: list[str]) -> dict[str, str]:
    """Path to options; the engine reads the options at mount time."""
    return {path: options for path, _, options in (text.partition(":") for text in specifications)}


def _source(text: str) -> str:
    """The source of `source:target[:options]`, empty for an anonymous volume."""
    if not text:
        raise CliError("invalid empty volume spec")
    if len(text) <= 2:
        return ""
    sections = _sections(text)
    if "" in sections:
        raise CliError(f"invalid spec: {text}: empty section between colons")
    if len(sections) > 3:
        raise CliError(f"invalid spec: {text}: too many colons")
    return sections[0] if len(sections) > 1 else ""


def _sections(text: str) -> list[str]:
    """The parts between colons; a letter before a colon is a Windows drive and stays with it."""
    sections = [""]
    for char in text:
        if char == ":" and not (len(sections[-1]) == 1 and sections[-1].isalpha()):
            sections.append("")
        else:
            sections[-1] += char
    return sections


def _is_path(source: str) -> bool:
    return source[0] in "./~" or source.startswith("\\\\") or source[1:2] == ":"
