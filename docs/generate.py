"""Makes the parts of the documentation that are not written by hand.

    python docs/generate.py map             docs/moby-map.md, from the table of the road
    sudo python docs/generate.py diagrams   docs/diagrams/*.svg, from scenarios that are played now

A test holds moby-map.md against the table. The diagrams are of real traces, so that they differ
from run to run in their times, and in nothing else.
"""

from __future__ import annotations

import html
import os
import re
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runner.demo.road import Road
from runner.demo.scenarios import SCENARIOS
from runner.demo.stage import Audience, Stage
from runner.trace.road import LANES, ROAD, ROLES, SECTIONS, short_name, stop_of
from runner.trace.tree import failures, last, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.trace.road import Stop

    Span = dict[str, Any]

DOCS: Final = Path(__file__).parent
MAP: Final = DOCS / "moby-map.md"
_LANE_NAMES: Final = ("CLI", "API", "engine", "containerd", "shim, runc", "kernel")

# --- the map ----------------------------------------------------------------------------------

_HEAD: Final = """\
# From moby's functions to ours

Made from `runner/trace/road.py` by `python docs/generate.py map`; do not edit. Paths are those of
moby 28.5, and where they begin so those of docker/cli 28.5. A step's name is the one that it has in
`--trace`, in the demo and in Jaeger. Where dockerd has a span of its own for a step the name is the
same; else it is the name of moby's function. “Part of” says that the step is only a part of that
function: then its name is ours.
"""
_COLUMNS: Final = """
| step | what it does | moby | ours | what differs, and why |
| --- | --- | --- | --- | --- |
"""
_TAIL: Final = """
Steps without a function of moby's are what containerd, its shim, runc and the kernel do: dockerd
sees as little of them as we do. For a trace we look at their processes from outside (“observed
by”).
Calls of containerd's are named by service and method, such as
`containerd.services.tasks.v1.Tasks/Create`, in both.

What else differs from dockerd is told in [architecture.md][differs].

[differs]: architecture.md#where-it-differs-from-dockerd-on-purpose
"""
_OBSERVER: Final = "runner.engine.observe:"


def moby_map() -> str:
    """The document."""
    return _HEAD + "".join(_rows()) + _TAIL


def _rows() -> Iterator[str]:
    for name, stop in ROAD.items():
        if section := SECTIONS.get(name):
            yield f"\n## {section}\n{_COLUMNS}"
        yield _row(name, stop)


def _row(name: str, stop: Stop) -> str:
    module, _, function = stop.ours.partition(":")
    file = f"../{module.replace('.', '/')}.py"
    ours = f"[`{module.removeprefix('runner.')}` `{function}`]({file})"
    if stop.ours.startswith(_OBSERVER):
        ours = f"observed by {ours}"
    moby = f"`{stop.moby}`" if stop.moby else ""
    if stop.part:
        moby = f"part of {moby}"
    return f"| {name} | {stop.says} | {moby} | {ours} | {stop.differs} |\n"


# --- the diagrams -----------------------------------------------------------------------------

_WIDTH: Final = 1320
_ROW: Final = 25
_TOP: Final = 46
_LETTER: Final = 7.0
"""The width of one, about."""
_ASKED_BY: Final = {"containerd-shim-runc-v2": "containerd", "execve": "shim"}
_TOLD: Final = (
    *("daemon.createSpec", "daemon.handleContainerExit", "daemon.restore"),
    *("libcontainerd.deleteStale", "restartmanager.wait", "runc create"),
)
"""Steps that cross no border, and are worth a line."""
_STYLE: Final = """
  text { font: 13px system-ui, sans-serif; fill: #15181d; stroke: #ffffff; stroke-width: 4;
    paint-order: stroke; stroke-linejoin: round }
  .lane { font-weight: 700; font-size: 16px; text-anchor: middle }
  .answer { fill: #5b6470 } .failed { fill: #b3121d; font-weight: 700 } .mended { fill: #8a5200 }
  line, path { stroke: #3c5a86; stroke-width: 1.6; fill: none } .back { stroke-dasharray: 6 4 }
  .axis { stroke: #c9d0d9; stroke-dasharray: 2 5 } .ground { fill: #ffffff; stroke: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #eceff4; stroke: #14171c } .answer { fill: #9aa4b2 } .failed { fill: #ff8080 }
    .mended { fill: #ffc46b } line, path { stroke: #7db4ff } .axis { stroke: #3a414c }
    .ground { fill: #14171c }
  }
"""
_HEAD_OF_ARROWS: Final = """\
<defs><marker id="head" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">
<path d="M1 1 L7 4 L1 7"/></marker></defs>"""


def diagram(road: Road) -> str:
    """A sequence diagram of what crossed a border, and of what failed."""
    messages = list(_messages(road.steps()))
    height = _TOP + _ROW * len(messages) + 14
    x = {lane: _WIDTH * (number + 0.5) / len(LANES) for number, lane in enumerate(LANES)}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}">',
        f"<style>{_STYLE}</style>",
        _HEAD_OF_ARROWS,
        f'<rect class="ground" width="{_WIDTH}" height="{height}"/>',
    ]
    for lane, name in zip(LANES, _LANE_NAMES, strict=True):
        parts.append(f'<text class="lane" x="{x[lane]:.0f}" y="24">{name}</text>')
        parts.append(
            f'<line class="axis" x1="{x[lane]:.0f}" x2="{x[lane]:.0f}" y1="34" y2="{height}"/>'
        )
    for number, message in enumerate(messages):
        parts += _drawn(message, x, _TOP + _ROW * (number + 1) - 8)
    return "\n".join([*parts, "</svg>\n"])


def _messages(steps: list[Span]) -> Iterator[Span]:
    """Calls and answers, in the order of time."""
    lanes = {step["span_id"]: stop_of(step).lane for step in steps if not _is_demo(step)}
    by_id = {step["span_id"]: step for step in steps}
    counted = failures(steps)
    found = []
    for step in steps:
        if _is_demo(step):
            continue
        attributes, to = step["attributes"], lanes[step["span_id"]]
        from_ = _asked_from(step, lanes)
        hidden = to == "cli" and "kind" in attributes
        if hidden or not _is_told(step, from_, to):
            continue
        failed = counted.get(step["span_id"])
        above = by_id.get(step["parent_id"])
        message = {"step": step, "from": from_, "to": to, "failed": failed, "back": False}
        if above is not None and attributes.get("kind") == "server":
            message["status"] = above["attributes"].get("status")  # what the client has seen
        found.append((step["began_ns"], message))
        if from_ != to and step["duration"] and step["name"] not in _ASKED_BY:
            ended = step["began_ns"] + int(step["duration"] * 1e9)
            found.append((ended, message | {"from": to, "to": from_, "back": True}))
    yield from (message for _, message in sorted(found, key=lambda pair: pair[0]))


def _is_demo(step: Span) -> bool:
    """Whether it is the demo itself, which asks for nothing in any lane."""
    return bool(step["name"].startswith("demo "))


def _asked_from(step: Span, lanes: dict[str, str]) -> str:
    own = lanes[step["span_id"]]
    if "lane" in step["attributes"]:
        return own
    return _ASKED_BY.get(step["name"]) or lanes.get(step["parent_id"], own)


def _is_told(step: Span, from_: str, to: str) -> bool:
    role = step["attributes"].get("role")
    return (
        from_ != to
        or role in ("undo", "retry", "restart")
        or step["name"] in _TOLD
        or "lane" in step["attributes"]
        or step["name"].startswith("runner ")
    )


def _drawn(message: Span, x: dict[str, float], y: int) -> Iterator[str]:
    from_, to = x[message["from"]], x[message["to"]]
    if from_ == to:
        yield f'<path d="M{to:.0f} {y - 9} h12 v9 h-10" marker-end="url(#head)"/>'
    else:
        back = ' class="back"' if message["back"] else ""
        line = f'x1="{from_:.0f}" x2="{to:.0f}" y1="{y}" y2="{y}"'
        yield f'<line{back} {line} marker-end="url(#head)"/>'
    kind = "answer" if message["back"] else ""
    if message["failed"] is not None and (message["back"] or from_ == to):
        kind = "failed" if message["failed"] else "mended"
    left = min(from_, to) + (20 if from_ == to else 16 if message["back"] else 8)
    room = int((_WIDTH - left) / _LETTER)
    words = textwrap.shorten(_words(message), room, placeholder="…")
    yield f'<text class="{kind}" x="{left:.0f}" y="{y - 5}">{html.escape(words)}</text>'


_REQUEST: Final = re.compile(r"(GET|POST|DELETE) /.*/")
"""What is left out of a request's name where there is little room: all but its last word."""


def _words(message: Span) -> str:
    step, attributes = message["step"], message["step"]["attributes"]
    name = shortened(short_name(step["name"]))
    if not message["back"]:
        asked = _REQUEST.sub(r"\1 …/", name)
        if "seconds" in attributes:
            asked += f" {attributes['seconds']} s"
        return f"{asked} {ROLES.get(attributes.get('role', ''), '')}".rstrip()
    name = name.removesuffix("/{name}").rpartition("/")[2]
    took = f"{step['duration'] * 1000:.1f} ms"
    if status := message.get("status"):
        return f"{name}: {status} ({took})"
    if step["error"]:
        return f"{name}: {'✗ ' if message['failed'] else ''}{last(shortened(step['error']))}"
    return f"{name}: {_answer(name, attributes)} ({took})"


def _answer(name: str, attributes: dict[str, Any]) -> str:
    if attributes.get("cancelled"):
        return "no longer wanted"
    answer = attributes.get("answer") or {}
    if name == "Wait":
        return f"exit code {answer.get('exit_status', 0)}"
    if "pid" in answer and name in ("Create", "Start"):
        return f"pid {answer['pid']}"
    return "done"


def play_all(folder: Path) -> None:
    """Play every scenario and write its picture."""
    folder.mkdir(exist_ok=True)
    with Stage(containerd=os.environ.get("CONTAINERD_ADDRESS", "")) as stage:
        for scenario in SCENARIOS.values():
            road = Road()
            stage.audience = Audience(step=road.hear)
            with stage.scenario(scenario.name):
                scenario.run(stage)
            (folder / f"{scenario.name}.svg").write_text(_without_places(diagram(road)))


def _without_places(text: str) -> str:
    """Names of this run's own, which say nothing to a reader."""
    return re.sub(r"runner-demo-[0-9a-f]{6}", "runner-demo", text)


def main() -> int:
    """Make what is asked for."""
    match sys.argv[1:]:
        case ["map"]:
            MAP.write_text(moby_map())
        case ["diagrams"]:
            play_all(DOCS / "diagrams")
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
