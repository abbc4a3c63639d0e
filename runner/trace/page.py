"""A trace as one page that needs nothing else: neither network, nor server, nor files beside it."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runner.trace.road import described
from runner.trace.source import source_of

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER: Final = Path(__file__).parent / "page"
"""The page's parts, as the demo serves them."""
_MODULES: Final = ("model.js", "diagram.js", "detail.js", "player.js", "main.js")
"""In an order in which each knows those before it."""
_STYLE: Final = '<link rel="stylesheet" href="page/page.css">'
_SCRIPT: Final = '<script type="module" src="page/main.js"></script>'
_TITLE: Final = "<title>runner: the boundary</title>"
_IMPORT: Final = re.compile(r"^import .*\n", re.MULTILINE)
_EXPORT: Final = re.compile(r"^export ", re.MULTILINE)


def render(spans: Sequence[dict[str, Any]]) -> str:
    """The page."""
    codes = {span["code"]["function"]: span["code"] for span in spans if span.get("code")}
    title = next((span["name"] for span in spans if not span["parent_id"]), "a trace")
    trace = {
        "title": title,
        "spans": [described(span) for span in spans],
        "sources": {name: source_of(code["file"], name) for name, code in codes.items()},
    }
    data = json.dumps(trace).replace("<", "\\u003c")
    script = "\n".join(_module(name) for name in _MODULES)
    page = (FOLDER / "index.html").read_text()
    embedded = f'<script type="application/json" id="trace">{data}</script>'
    inlined_for = {
        _STYLE: f"<style>\n{(FOLDER / 'page.css').read_text()}</style>",
        _SCRIPT: f'{embedded}\n<script type="module">\n{script}</script>',
        _TITLE: f"<title>{html.escape(title)}</title>",
    }
    for tag, inlined in inlined_for.items():
        before, found, after = page.partition(tag)
        assert found, tag
        page = before + inlined + after
    return page


def _module(name: str) -> str:
    """A module as part of one script."""
    return _EXPORT.sub("", _IMPORT.sub("", (FOLDER / name).read_text()))
