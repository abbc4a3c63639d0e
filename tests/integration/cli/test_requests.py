"""The same command lines to docker's client and to ours: the same requests, texts, exit codes.

Both speak to an engine that only records. What differs on purpose is named here, with its reason.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.recorder import Recorder, Request
from tests.support.toolchain import docker_cli

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.oracle

ROOT = Path(__file__).parents[3]
LINES = (Path(__file__).parent / "command_lines.txt").read_text().splitlines()
UNORDERED = frozenset({"Binds", "Config", "Env"})
"""Lists that docker takes from a Go map, and so in no order at all."""


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    folder = tmp_path_factory.mktemp("recorder")
    (folder / "env").write_text("# c\nA=1\n  B=2 \nHOME\nNOPE\n")
    (folder / "bad").write_text("A B=1\n")
    (folder / "lab").write_text("l1=v\nl2\n")
    (folder / "sec.json").write_text('{ "defaultAction": "SCMP_ACT_ALLOW" ,\n"x":[1, 2]}')
    with Recorder(folder) as recording:
        yield recording


@pytest.mark.parametrize("line", [line for line in LINES if line and not line.startswith("#")])
def test_the_same_requests(line: str, recorder: Recorder) -> None:
    argv = shlex.split(line.replace("@", str(recorder.socket.parent)))
    theirs = outcome([str(docker_cli())], argv, recorder)
    ours = outcome([sys.executable, "-m", "runner"], argv, recorder)
    assert ours == theirs


def outcome(program: list[str], argv: list[str], recorder: Recorder) -> dict[str, Any]:
    """Everything that can be seen of one run."""
    folder = recorder.socket.parent
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "DOCKER_CONFIG": str(folder / "config"),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [*program, "-H", recorder.host, *argv],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return {
        "code": done.returncode,
        "stdout": done.stdout,
        "stderr": _without_names(done.stderr),
        "requests": sorted(map(str, map(_seen, recorder.take()))),
    }


def _without_names(text: str) -> str:
    # The port parser's texts begin with a capital in distributions that unbundle it.
    return text.replace("docker", "runner").replace("Docker", "Runner").lower()


def _seen(request: Request) -> tuple[object, ...]:
    body: object = request.body
    if "json" in request.headers.get("content-type", "") and request.body:
        body = _meaning(request.json())
    return request.method, request.path, request.query, body


def _meaning(value: Any, key: str = "") -> Any:
    """A body without the zero values that the engine adds by itself; empty lists are no null."""
    if isinstance(value, dict):
        members = {name: _meaning(item, name) for name, item in sorted(value.items())}
        return {name: item for name, item in members.items() if item or item == []}
    if isinstance(value, list):
        items = [_meaning(item) for item in value]
        return sorted(items, key=str) if key in UNORDERED else items
    return value
