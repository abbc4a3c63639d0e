"""An engine without a containerd."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.engine.support import FakeEngine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def fake_engine(tmp_path: Path) -> Iterator[FakeEngine]:
    engine = FakeEngine(tmp_path)
    yield engine
    engine.store.close()
