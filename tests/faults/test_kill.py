"""A short run of the kill test; `python -m tests.faults.kill` is the long one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.faults.kill import Plan, run
from tests.support.containerd import Containerd
from tests.support.engine import Engine
from tests.support.subject import Subject, assert_settles

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.oci_runtime import OddRuntime

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]


def test_nothing_is_lost_and_nothing_left(busybox_tar: Path, odd_runtime: OddRuntime) -> None:
    plan = Plan(kills=6, containerd_kills=2, threads=4, seed=7)
    with Containerd() as containerd, Engine(containerd) as engine:
        engine.load(busybox_tar)
        subject = Subject(engine, odd_runtime)
        outcome = run(subject, plan)
        print(outcome)
        assert outcome.tally.failures == []
        assert outcome.tally.counts["lives"] > 0
        assert_settles(subject.traces)
