"""A stop by hand ends a restart policy, also when it takes a kill."""

import json

import pytest

from tests.support.engine import Engine

pytestmark = pytest.mark.root


@pytest.mark.parametrize("policy", ["always", "unless-stopped", "on-failure"])
@pytest.mark.parametrize("verb", [("stop", "-t", "0"), ("kill",)])
def test_a_stopped_container_stays_stopped(
    busybox: Engine, policy: str, verb: tuple[str, ...]
) -> None:
    run = busybox.docker("run", "-d", "--name=box", f"--restart={policy}", "busybox", "sleep", "99")
    assert run.returncode == 0, run.stderr
    assert busybox.docker(*verb, "box").returncode == 0
    assert busybox.docker("wait", "box").stdout == "137\n"
    (inspected,) = json.loads(busybox.docker("inspect", "box").stdout)
    assert (inspected["State"]["Status"], inspected["RestartCount"]) == ("exited", 0)
