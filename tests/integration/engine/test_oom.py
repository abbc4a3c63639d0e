"""The kernel kills a container for want of memory."""

import json
import time

import pytest

from tests.support.engine import Engine

pytestmark = pytest.mark.root


def test_an_oom_kill_is_told(busybox: Engine) -> None:
    grow = "a=x; while true; do a=$a$a; done"
    run = busybox.docker("run", "--name", "greedy", "-m", "24m", "busybox", "sh", "-c", grow)
    assert run.returncode == 137
    (inspected,) = json.loads(busybox.docker("inspect", "greedy").stdout)
    assert inspected["State"]["OOMKilled"] is True
    until = str(int(time.time()) + 1)  # whole seconds are all that it takes
    events = busybox.docker(
        "events", "--since", "60s", "--until", until, "--filter", "container=greedy",
        "--format", "{{.Action}}",
    )  # fmt: skip
    assert events.stdout.split()[-2:] == ["oom", "die"]
