"""Lists of objects: a table, JSON lines or a template (docker/cli formatter.Context)."""

from __future__ import annotations

import sys

from runner.cli.errors import CliError
from runner.cli.format.columns import align, width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from runner.cli.format.kind import Kind, Row
    from runner.cli.template import Template


class Listing:
    """A format, ready to show rows of a kind."""

    def __init__(self, kind: Kind, source: str, columns: tuple[str, ...]) -> None:
        """`columns` are those of the default table, which an empty source and "table" mean."""
        self._kind = kind
        self._source = source
        self._columns = columns if source in ("", "table") else ()

    def show(self, rows: Iterable[Row]) -> None:
        """Print the rows. Raises CliError when the template does not fit, nothing printed."""
        sys.stdout.write(self.render(rows))

    def render(self, rows: Iterable[Row]) -> str:
        """The rows as text. Raises CliError when the template does not fit."""
        if self._columns:
            headers = self._kind.headers
            return _table([self._line(headers), *map(self._line, rows)])
        return _templated(self._kind, self._source, rows)

    def _line(self, row: Row) -> str:
        return "\t".join(row[name] for name in self._columns)


def lines(rows: Iterable[Row], column: str) -> None:
    """Print one column and nothing else: what --quiet asks for."""
    sys.stdout.writelines(f"{row[column]}\n" for row in rows)


def _table(lines: list[str]) -> str:
    return align(lines, minimum=10, padding=3)


def _templated(kind: Kind, source: str, rows: Iterable[Row]) -> str:
    from runner.cli.template import ExecutionError
    from runner.cli.template import rows as values

    template = parse_layout(source)
    try:
        lines = [template.render(values.row(kind, row)) for row in rows]
    except ExecutionError as err:
        raise CliError(f"template parsing error: {err}") from err
    if not source.startswith("table"):
        return "".join(f"{line}\n" for line in lines)
    # the template's own newlines begin new lines of the table
    text = "\n".join([template.render_header(values.header(kind)), *lines])
    return _table(text.split("\n"))


def parse_layout(source: str) -> Template:
    """The template in a --format of a list, `table` cut off. Raises CliError."""
    from runner.cli.template import ParseError, Template

    body = "{{json .}}" if source == "json" else source.removeprefix("table")
    try:
        return Template(body.strip(" ").replace("\\t", "\t").replace("\\n", "\n"))
    except ParseError as err:
        raise CliError(f"template parsing error: {err}") from err


def used_columns(kind: Kind, source: str, row: Row) -> set[str]:
    """Which columns of an empty row the template asks for.

    Raises CliError when the template is malformed or does not fit such rows: docker's `ps` tries
    it so before it asks the engine.
    """
    from runner.cli.template import ExecutionError, ParseError, Template
    from runner.cli.template import rows as values

    recorded = _Recorded(row)
    try:
        Template(source).render(values.row(kind, recorded))
    except ParseError as err:
        raise CliError(f"failed to parse template: {err}") from err
    except ExecutionError as err:
        raise CliError(f"failed to execute template: {err}") from err
    return recorded.used


class _Recorded(dict[str, "Any"]):
    """A row that remembers which of its members were looked at."""

    def __init__(self, row: Row) -> None:
        super().__init__(row)
        self.used: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.used.add(name)
        return super().__getitem__(name)


def ellipsis(text: str, room: int) -> str:
    """At most so many columns of text, the last an ellipsis when any were cut."""
    if width(text) <= room:
        return text
    kept = text[: room - 1]
    while width(kept) > room - 1:
        kept = kept[:-1]
    return kept + "…"


def short_id(identity: str) -> str:
    """The first twelve characters, without the algorithm."""
    return identity.partition(":")[2][:12] if ":" in identity else identity[:12]


def local_time(seconds: int) -> str:
    """A moment as Go's Time.String shows it: 2026-01-02 15:04:05 +0000 UTC."""
    import time

    return time.strftime("%Y-%m-%d %H:%M:%S %z %Z", time.localtime(seconds))


def joined_labels(labels: dict[str, str] | None) -> str:
    """Labels in one column, in order."""
    return ",".join(sorted(f"{name}={value}" for name, value in (labels or {}).items()))
