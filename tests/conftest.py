"""What all tests share; the fixtures are in tests/support/fixtures.py."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# `pytest` (unlike `python -m pytest`) does not put the repository on the path, where `tests` is.
if (_repository := str(Path(__file__).parent.parent)) not in sys.path:
    sys.path.insert(0, _repository)

pytest_plugins = ("tests.support.fixtures",)

_AMONG_DAEMONS = ("integration", "compat")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits for daemons that share few processors with those of other workers is tried once
    more when it fails. The run's summary counts and names such tests (`rerun`): each is a defect,
    of the test or worse. Without daemons, once is all."""
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).parts[0] in _AMONG_DAEMONS:
            item.add_marker(pytest.mark.flaky(reruns=1))
