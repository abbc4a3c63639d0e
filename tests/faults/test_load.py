"""A short run of the load; `python -m tests.faults.load` is the long one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.faults.load import Plan, run
from tests.support.engine import Engine
from tests.support.subject import Subject, assert_settles

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.containerd import Containerd
    from tests.support.oci_runtime import OddRuntime

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]


def test_nothing_grows_and_nobody_is_held_up(
    containerd: Containerd, busybox_tar: Path, odd_runtime: OddRuntime
) -> None:
    with Engine(containerd) as engine:
        engine.load(busybox_tar)
        subject = Subject(engine, odd_runtime)
        outcome = run(engine, Plan(clients=4, seconds=10, seed=5, warm_up=10))
        print(outcome)
        assert outcome.failures == []
        assert outcome.counts["containers"] > 0
        assert_settles(subject.traces)
