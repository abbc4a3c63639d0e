"""The virtual machine's script, as far as no machine is needed."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support import vm

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("status", [0, 1, 5])
def test_the_status_that_is_told_is_the_tests(tmp_path: Path, status: int) -> None:
    words = {"path": "PATH=/bin", "source": "src", "done": vm._DONE, "tests": "tests/some"}
    script = vm._INIT.format(**words)
    (tmp_path / "docker").mkdir()
    entrypoint = tmp_path / "docker/entrypoint"
    entrypoint.write_text(f"#!/bin/sh\nexit {status}\n")
    entrypoint.chmod(0o755)
    # from the tests on, but for the end of the machine
    last = script[script.index("docker/entrypoint") :].partition("sync;")[0]
    said = subprocess.run(["sh", "-c", last], cwd=tmp_path, capture_output=True, text=True).stdout
    assert said.splitlines()[-1] == f"{vm._DONE}{status}"
