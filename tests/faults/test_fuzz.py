"""A short run of the fuzzer; `python -m tests.faults.fuzz` is the long one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]


def test_nothing_unforeseen_comes_of_bad_requests() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.fuzz", "--requests", "180", "--seed", "5"],
        cwd=Path(__file__).parents[2],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=500,
    )
    print(done.stdout)
    assert done.returncode == 0
    assert "in the end" in done.stdout
