"""The tree: its shape, and which errors count."""

from __future__ import annotations

import re
from typing import Any

from runner.trace import tree


def span(number: int, parent: int, name: str, error: str | None = None, **more: Any) -> Any:
    return {
        "trace_id": "t" * 32,
        "span_id": f"{number:016x}",
        "parent_id": f"{parent:016x}" if parent else "",
        "name": name,
        "began_ns": number,
        "duration": 0.0015,
        "error": error,
        "attributes": more,
    }


REASON = "exec: not found"
SPANS = [
    span(1, 0, "runner run", f"Error response from daemon: failed: {REASON}"),
    span(2, 1, "POST /containers/abc/start", f"failed: {REASON}", kind="client", status=400),
    span(3, 2, "daemon.containerStart", f"failed: {REASON}"),
    span(4, 3, "containerd.services.tasks.v1.Tasks/Create", REASON, kind="client"),
    span(5, 3, "libcontainerd.Delete", role="undo"),
    span(6, 5, "containerd.services.tasks.v1.Tasks/Get", "no such task", kind="client"),
    span(7, 1, "POST /containers/abc/wait", "gone", kind="client", status=404),
]


def test_only_what_made_the_rest_fail_has_failed() -> None:
    told = tree.failures(SPANS)
    assert told == {f"{4:016x}": True, f"{6:016x}": False, f"{7:016x}": False}


def test_the_picture() -> None:
    lines = tree.render(SPANS).splitlines()
    names = [re.split(r" {3,}(?=\d)", line)[0] for line in lines[1:8]]
    assert names == [
        "runner run",
        "├─ POST /containers/abc/start → 400",
        "│  └─ daemon.containerStart",
        "│     ├─ Tasks/Create",
        "│     └─ libcontainerd.Delete",
        "│        └─ Tasks/Get",
        "└─ POST /containers/abc/wait → 404",
    ]
    assert lines[4].endswith(f"1.5 ms  ✗ {REASON}")
    assert lines[5].endswith("↩ undone")
    assert lines[6].endswith("(no such task)")
    assert lines[8:] == [f"✗ failed: Tasks/Create: {REASON}", "↩ undone: libcontainerd.Delete"]


def test_red_is_for_the_step_that_failed() -> None:
    painted = tree.render(SPANS, colours=True)
    assert "\033[1;31mTasks/Create" in painted
    assert "\033[1;31mTasks/Get" not in painted


def test_ids_are_cut() -> None:
    assert tree.shortened(f"/containers/{'ab' * 32}/start") == "/containers/abababababab/start"


def test_a_step_whose_parent_is_unknown_is_a_root() -> None:
    assert len(tree.children_of([span(2, 1, "a"), span(3, 2, "b")])[""]) == 1
    assert tree.render([]) == "nothing was recorded\n"
