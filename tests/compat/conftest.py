"""Every test here wants root and stock clients."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.dockerd import Dockerd

if TYPE_CHECKING:
    from tests.support.subject import Subject

pytest.register_assert_rewrite("tests.compat.compare")

_HERE = Path(__file__).parent


@pytest.fixture
def whole_firewall(dockerd: Subject) -> None:
    """Another dockerd that ended or started meanwhile has taken this one's chains away: with a
    start it makes them anew."""
    for program in ("iptables", "ip6tables"):
        chain = subprocess.run([program, "-t", "nat", "-S", "DOCKER"], capture_output=True)
        if chain.returncode != 0 and isinstance(dockerd.daemon, Dockerd):
            dockerd.daemon.stop()
            dockerd.daemon.start()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them, and skip them where they cannot work."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.root)
            if os.geteuid() != 0:
                item.add_marker(pytest.mark.skip(reason="needs root"))
