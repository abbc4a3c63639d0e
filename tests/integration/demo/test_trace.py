"""`--trace` on the command line: the road after the command's own output, in three forms."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support import http

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engine import Engine

pytestmark = pytest.mark.root

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_the_tree_comes_after_the_output(busybox: Engine) -> None:
    done = busybox.runner("run", "--rm", "--trace", "busybox", "sh", "-c", "echo out; exit 3")
    assert (done.returncode, done.stdout) == (3, "out\n")
    for name in ("POST /containers/create → 201", "Tasks/Create", "Tasks/Start", "execve"):
        assert name in done.stderr or name == "execve"  # a quick process is gone before it is seen
    assert "✗" not in done.stderr


@pytest.mark.runc
def test_where_it_failed_and_what_was_undone(busybox: Engine) -> None:
    done = busybox.runner("run", "--rm", "--trace", "busybox", "nowhere")
    assert done.returncode == 127
    said, _, tree = done.stderr.partition("\ntrace ")
    assert said.startswith("runner: Error response from daemon: failed to create task")
    *_, undone = tree.splitlines()
    in_one_line = " ".join(tree.split())
    assert "✗ failed: Tasks/Create: failed to create shim task: OCI runtime create" in in_one_line
    assert undone == "↩ undone: libcontainerd.Delete, daemon.Cleanup"


def test_every_verb_in_json(busybox: Engine, tmp_path: Path) -> None:
    created = busybox.runner("create", "--name", "traced", "busybox", "sleep", "100")
    assert created.returncode == 0
    for verb, server in (
        (["start", "traced"], "POST /containers/{name}/start"),
        (["inspect", "traced"], "GET /containers/{name}/json"),
        (["exec", "traced", "true"], "POST /exec/{name}/start"),
        (["rm", "--force", "traced"], "DELETE /containers/{name}"),
    ):
        file = tmp_path / "road.json"
        done = busybox.runner(verb[0], f"--trace-file={file}", *verb[1:])
        assert done.returncode == 0, done.stderr
        road = json.loads(file.read_text())
        spans = {span["span_id"]: span for span in road["spans"]}
        (served,) = [span for span in spans.values() if span["name"] == server]
        asked = spans[served["parent_id"]]
        root = spans[asked["parent_id"]]
        assert root["name"] == f"runner {verb[0]}"
        assert root["attributes"]["exit_code"] == 0
        assert {span["trace_id"] for span in spans.values()} == {road["trace_id"]}
        assert all(span["duration"] is not None for span in spans.values() if _ends(span))


def _ends(span: dict[str, dict[str, object]]) -> bool:
    return not span["attributes"].get("waits")


def test_a_command_can_be_part_of_a_trace_of_somebody_else_s(busybox: Engine) -> None:
    traceparent = f"00-{TRACE}-{PARENT}-01"
    done = busybox.runner("run", "--rm", "busybox", "true", env={"TRACEPARENT": traceparent})
    assert (done.returncode, done.stderr) == (0, "")
    road = http.request(busybox.socket, "GET", f"/runner/traces/{TRACE}").json()
    (root,) = [span for span in road["spans"] if span["name"] == "runner run"]
    assert root["parent_id"] == PARENT


def test_nothing_is_recorded_otherwise(busybox: Engine) -> None:
    assert busybox.runner("run", "--rm", "busybox", "true").returncode == 0
    answer = http.request(busybox.socket, "GET", f"/runner/traces/{'9' * 32}")
    assert answer.status == 404
    header = {"traceparent": f"00-{'8' * 32}-{PARENT}-00"}  # not sampled
    assert http.request(busybox.socket, "GET", "/version", headers=header).status == 200
    assert http.request(busybox.socket, "GET", f"/runner/traces/{'8' * 32}").status == 404


@pytest.mark.parametrize(
    "step",
    [
        "nonsense",
        {"span_id": "x", "parent_id": "", "name": "a", "began_ns": 1},
        {"span_id": "1", "parent_id": "", "name": "a" * 300, "began_ns": 1},
        {"span_id": "1", "parent_id": "", "name": "a", "began_ns": -1},
        {"span_id": "1", "parent_id": "", "name": "a", "began_ns": 1, "duration": -1},
    ],
)
def test_what_is_no_step_is_refused(busybox: Engine, step: object) -> None:
    path = f"/runner/traces/{'7' * 32}"
    answer = http.request(busybox.socket, "POST", path, [step])
    assert answer.status == 400
    assert http.request(busybox.socket, "GET", "/v1.51" + path).status == 404


def test_flags(busybox: Engine) -> None:
    refused = busybox.runner("ps", "--trace=xml")
    assert refused.returncode == 125
    assert refused.stderr == 'invalid value "xml" for --trace: want tree, json, html\n'
    without_file = busybox.runner("ps", "--trace=html")
    assert without_file.returncode == 125
    assert "--trace-file FILE" in without_file.stderr
