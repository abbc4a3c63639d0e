"""Lists of objects: a table, JSON lines or a template (docker/cli formatter.Context)."""

from __future__ import annotations

import sys

from runner.cli.format.columns import align
from runner.cli.format.template import Template, escape_html, json_text, unescape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    Row = dict[str, Any]


class Listing:
    """A format, ready to show rows of named texts."""

    def __init__(self, source: str, headers: dict[str, str]) -> None:
        """Raises CliError when the template is beyond what is supported."""
        self._headers = headers
        self._table = source.startswith("table")
        self._json = source == "json"
        body = source.removeprefix("table") if self._table else source
        self._template = Template(unescape(body.strip(" ")) if not self._json else "")

    def uses(self, field: str) -> bool:
        """Whether the template shows the field, so that it must be asked for."""
        return field in self._template.fields()

    def show(self, rows: Iterable[Row]) -> None:
        """Print the rows."""
        if self._json:
            lines = [_json_line(row) for row in rows]
        else:
            lines = [self._template.render(row) for row in rows]
        if self._table:
            lines.insert(0, self._template.render(self._headers))
            sys.stdout.write(align(lines, minimum=10, padding=3))
        else:
            sys.stdout.writelines(f"{line}\n" for line in lines)


def _json_line(row: Row) -> str:
    return escape_html(json_text({name: row[name] for name in sorted(row)}))


def ellipsis(text: str, length: int) -> str:
    """At most so many characters, the last an ellipsis when any were cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


def short_id(identity: str) -> str:
    """The first twelve characters, without the algorithm."""
    return identity.partition(":")[2][:12] if ":" in identity else identity[:12]


def local_time(seconds: int) -> str:
    """A moment as Go's Time.String shows it: 2026-01-02 15:04:05 +0000 UTC."""
    import time

    return time.strftime("%Y-%m-%d %H:%M:%S %z %Z", time.localtime(seconds))
