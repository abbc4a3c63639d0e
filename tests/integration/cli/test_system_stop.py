"""`system stop` ends the engine and nothing else."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from tests.integration.cli.conftest import Live

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engine import Engine


def test_containers_outlive_it(fresh_engine: Engine, busybox_tar: Path) -> None:
    fresh_engine.load(busybox_tar)
    live = Live(fresh_engine)
    live.runner("run", "-d", "--net", "none", "--name", "box", "busybox", "sleep", "1000")
    pid = live.runner("inspect", "-f", "{{.State.Pid}}", "box").stdout
    done = live.runner("system", "stop")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not fresh_engine.daemon.running()
    done = live.runner("system", "stop")
    assert (done.returncode, done.stderr) == (0, f"no engine runs at {fresh_engine.host}\n")
    fresh_engine.start()
    assert live.runner("inspect", "-f", "{{.State.Pid}}", "box").stdout == pid
    fresh_engine.remove_everything()


def test_another_program_is_left_alone(fresh_engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "other.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        done = Live(fresh_engine).runner("-H", f"unix://{path}", "system", "stop")
    assert done.returncode == 1
    assert f"what listens at unix://{path} is not runner's engine" in done.stderr
