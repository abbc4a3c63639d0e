"""Where this machine gets its Debian packages from, read from its own apt sources."""

from __future__ import annotations

import dataclasses
import functools
import re
from pathlib import Path
from typing import Final


class ToolchainError(Exception):
    """A tool cannot be had on this machine; the text says why."""


class NoArchiveError(ToolchainError):
    """The machine gets its packages from elsewhere (Ubuntu): what needs a tool is skipped."""


@dataclasses.dataclass(frozen=True)
class ArchiveSource:
    """Where this machine gets Debian's main archive from."""

    uri: str
    signed_by: str = ""

    def stanza(self, suite: str) -> str:
        """A deb822 source for another suite of the same archive."""
        lines = ["Types: deb", f"URIs: {self.uri}", f"Suites: {suite}", "Components: main"]
        if self.signed_by:
            lines.append(f"Signed-By: {self.signed_by}")
        return "\n".join(lines) + "\n"


@functools.cache
def archive_source(root: Path = Path("/etc/apt")) -> ArchiveSource:
    """The machine's own Debian archive, read from its apt sources."""
    candidates = [*sorted(root.glob("sources.list.d/*.sources")), root / "sources.list"]
    candidates += sorted(root.glob("sources.list.d/*.list"))
    for file in candidates:
        if not file.is_file():
            continue
        parse = parse_deb822 if file.suffix == ".sources" else parse_one_line
        if source := parse(file.read_text()):
            return source
    raise NoArchiveError("no Debian main archive among this machine's apt sources")


_SUITE: Final = re.compile(r"(bookworm|trixie|forky|sid|bullseye|stable|testing|unstable)/?")


def parse_deb822(text: str) -> ArchiveSource | None:
    """The first stanza that serves a whole Debian release with its main component."""
    for stanza in re.split(r"\n\s*\n", text):
        lines = [line for line in stanza.splitlines() if not line.startswith("#")]
        fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", "\n".join(lines), re.MULTILINE))
        if fields.get("Enabled", "yes").lower() == "no" or "deb" not in fields.get("Types", ""):
            continue
        suites, components = fields.get("Suites", "").split(), fields.get("Components", "").split()
        if "main" in components and any(_SUITE.fullmatch(suite) for suite in suites):
            uri = fields.get("URIs", "").split()[0]
            return ArchiveSource(uri, fields.get("Signed-By", ""))
    return None


_ONE_LINE: Final = re.compile(
    r"deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<rest>.*)"
)


def parse_one_line(text: str) -> ArchiveSource | None:
    """The same from the old one-line format."""
    for line in text.splitlines():
        match = _ONE_LINE.match(line.strip())
        if match is None or not _SUITE.fullmatch(match["suite"]):
            continue
        if "main" in match["rest"].split():
            signed_by = re.search(r"signed-by=(\S+)", match["options"] or "")
            return ArchiveSource(match["uri"], signed_by[1] if signed_by else "")
    return None
