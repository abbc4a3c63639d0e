"""Containers that run on while their engine is killed and started anew."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engine import Engine


def test_a_container_whose_input_has_ended_is_taken_up_again(
    fresh_engine: Engine, busybox_tar: Path
) -> None:
    engine = fresh_engine
    engine.load(busybox_tar)
    command = ("run", "-i", "--name=web", "busybox", "sh", "-c", "cat; exec sleep 100")
    with pytest.raises(subprocess.TimeoutExpired):  # the client is ended, the container runs on
        engine.docker(*command, input="to the end\n", timeout=2)
    engine.kill()
    engine.start()
    assert engine.api("GET", "/containers/web/json").json()["State"]["Running"]
    assert engine.docker("logs", "web").stdout == "to the end\n"
    assert engine.docker("kill", "web").returncode == 0


def test_a_container_that_has_ended_has_no_address(fresh_engine: Engine, busybox_tar: Path) -> None:
    engine = fresh_engine
    engine.load(busybox_tar)
    engine.docker("run", "--name=web", "busybox", "true")
    engine.kill()
    engine.start()
    settings = engine.api("GET", "/containers/web/json").json()["NetworkSettings"]
    assert (settings["IPAddress"], settings["SandboxID"], settings["Ports"]) == ("", "", {})
