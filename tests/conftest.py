"""What all tests share; the fixtures are in tests/support/fixtures.py."""

from __future__ import annotations

import sys
from pathlib import Path

# `pytest` (unlike `python -m pytest`) does not put the repository on the path, where `tests` is.
if (_repository := str(Path(__file__).parent.parent)) not in sys.path:
    sys.path.insert(0, _repository)

pytest_plugins = ("tests.support.fixtures",)
