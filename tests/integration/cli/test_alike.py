"""docker's command line and ours on one dockerd: the same output, errors and exit codes.

The lines are in alike.txt and templates.txt. What must differ, because it was asked at another
moment, is taken out: ages, times of now.
"""

from __future__ import annotations

import os
import re
import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.cli.conftest import Live, in_order

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

pytestmark = [pytest.mark.oracle, pytest.mark.thorough]

_FOLDER = Path(__file__).parent
_LINES = [
    line
    for name in ("alike.txt", "templates.txt")
    for line in (_FOLDER / name).read_text().splitlines()
    if line and not line.startswith("#")
]
_LABELS = ("-l", "a=b", "-l", "com.example.name=x", "-l", "com.example.some-thing=y")
_HEALTH = ("--health-cmd", "true", "--health-interval", "1h")
_UP = ("-p", "127.0.0.1::80", "-p", "127.0.0.1::53/udp", "--ulimit", "nofile=100:200", "-m", "64m")
_ACCIDENTS = [
    (r"\b(Less than a second|About an? \w+|\d+ (second|minute)s?)( ago)?", "AGO"),
    (r"0x[0-9a-f]{6,}", "ADDRESS"),
    (r" {2,}", "  "),  # columns are as wide as what was in them
    (r"time=.* level=error msg=.*closed pipe\"\n", ""),  # docker's cp has given up while it packed
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("alike")
    (made / "env").write_text("A=1\nHOME\n")
    (made / "file").write_text("x\n")
    return made


@pytest.fixture(scope="module")
def engine(_oracle_with_busybox: Any) -> Iterator[Live]:
    """dockerd with containers in every state."""
    live = Live(_oracle_with_busybox)
    live.docker("run", "-d", "--name", "up", *_LABELS, *_HEALTH, *_UP, "busybox", "sleep", "100000")
    script = "echo out; echo err >&2; rm /etc/group; touch /new; exit 3"
    live.docker("run", "--name", "done", "--network", "none", "busybox", "sh", "-c", script)
    live.docker("run", "-d", "--name", "still", "--network", "none", "busybox", "sleep", "100000")
    live.docker("pause", "still")
    live.docker("volume", "create", "--label", "a=<b>", "kept10")
    live.docker("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "kept2")
    live.docker(
        "create", "--name", "made", "-v", "kept2:/kept", "-v", "/vol", "--tmpfs", "/t", "busybox"
    )
    yield live
    live.empty()
    live.server.remove_everything()


@pytest.mark.parametrize("line", _LINES)
def test_alike(line: str, engine: Live, folder: Path) -> None:
    words = [re.sub("^@(?=/|$)", str(folder), word) for word in shlex.split(line)]
    with ThreadPoolExecutor() as both:
        theirs, ours = both.submit(engine.docker, *words), both.submit(engine.runner, *words)
    assert seen(line, ours.result()) == seen(line, theirs.result())


def seen(line: str, done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr without their accidents; both programs by one name."""
    return done.returncode, in_order(line, _plain(done.stdout)), _plain(done.stderr)


def _plain(text: str) -> str:
    for pattern, replacement in _ACCIDENTS:
        text = re.sub(pattern, replacement, text)
    return text.replace("docker", "runner").replace("Docker", "Runner")


def test_there_are_enough_lines() -> None:
    assert len(_LINES) > 250
    assert len(set(_LINES)) == len(_LINES)


def test_export_to_a_file_and_to_stdout(engine: Live, tmp_path: Path) -> None:
    path = tmp_path / "out.tar"
    assert seen("export", engine.runner("export", "-o", str(path), "made")) == (0, "", "")
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["out.tar"]
    written = path.read_bytes().decode(errors="surrogateescape")
    assert written == engine.runner("export", "made").stdout
    assert written == engine.docker("export", "made").stdout
