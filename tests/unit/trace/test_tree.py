"""The tree: its shape, and which errors count."""

from __future__ import annotations

from typing import Any

import pytest

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
    assert tree.render(SPANS).splitlines()[2:] == [
        f"     +0.0    1.5 ms  {line}"
        for line in (
            "runner run",
            "├─ POST /containers/abc/start → 400",
            "│  └─ daemon.containerStart",
            f"│     ├─ Tasks/Create ✗ {REASON}",
            "│     └─ libcontainerd.Delete ↩ undone",
            "│        └─ Tasks/Get (no such task)",
            "└─ POST /containers/abc/wait → 404 (gone)",
        )
    ] + [f"✗ failed: Tasks/Create: {REASON}", "↩ undone: libcontainerd.Delete"]


def test_times_are_counted_from_the_first_step() -> None:
    later = span(2, 1, "later") | {"began_ns": 2_500_001, "duration": None}
    *_, line, legend = tree.render([span(1, 0, "first"), later]).splitlines()
    assert line == "     +2.5  not over  └─ later"
    assert legend.startswith("not over: ")


def test_both_sides_of_a_request_are_told_apart() -> None:
    sides = [span(1, 0, "GET /info", kind="client"), span(2, 1, "GET /info", kind="server")]
    first, second = tree.render(sides).splitlines()[2:]
    assert first.endswith("ms  GET /info")
    assert second.endswith("ms  └─ API: GET /info")


def test_what_outlives_the_step_above_goes_on() -> None:
    outliving = span(2, 1, "sweeping") | {"duration": 0.2}
    *_, line, legend = tree.render([span(1, 0, "exit"), outliving]).splitlines()
    assert line.endswith("└─ sweeping (goes on)")
    assert legend.startswith("goes on: ")


def test_what_found_nothing_in_one_place_is_one_line() -> None:
    rpcs = "containerd.services.tasks.v1.Tasks/Get", "containerd.services.tasks.v1.Tasks/Delete"
    spans = [
        span(1, 0, "daemon.Cleanup"),
        *(span(n, 1, name, "task x: not found") for n, name in enumerate(rpcs, 2)),
        span(4, 1, "umount"),
    ]
    lines = tree.render(spans).splitlines()[3:]
    assert lines[0].endswith("   3.0 ms  ├─ Tasks/Get, Tasks/Delete (not found)")
    assert lines[1].endswith("└─ umount")


@pytest.mark.parametrize("width", [80, 60])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    long = "failed to create shim task: " + " ".join(["because"] * 40)
    spans = [span(1, 0, "runner run", long), span(2, 1, "daemon.containerStart", long)]
    text = tree.render(spans, width=width)
    lines = text.splitlines()
    assert max(map(len, lines)) == width
    assert [line[-1] for line in lines[2:4]] == ["n", "…"]
    assert " ".join(text.split()).count("because because") > 15  # in full at the end


def test_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    assert tree.columns(1) == 70
    monkeypatch.delenv("COLUMNS")
    with open("/dev/null") as nothing:
        assert tree.columns(nothing.fileno()) == tree.WIDTH


def test_red_is_for_the_step_that_failed() -> None:
    painted = tree.render(SPANS, colours=True)
    assert "\033[1;31mTasks/Create" in painted
    assert "\033[1;31mTasks/Get" not in painted


def test_ids_are_cut() -> None:
    assert tree.shortened(f"/containers/{'ab' * 32}/start") == "/containers/abababababab/start"


def test_a_step_whose_parent_is_unknown_is_a_root() -> None:
    assert len(tree.children_of([span(2, 1, "a"), span(3, 2, "b")])[""]) == 1
    assert tree.render([]) == "nothing was recorded\n"
