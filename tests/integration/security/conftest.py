"""A directory of the host's that no container may read or change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.security.support import tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.subject import Subject

SECRET = "the host's secret"


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Path]:
    """It must be as it was when the test is over."""
    folder = tmp_path / "victim"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub").chmod(0o700)
    for path in (folder / "secret", folder / "sub/secret"):
        path.write_text(SECRET)
        path.chmod(0o640)
    before = tree(folder)
    yield folder
    assert tree(folder) == before


@pytest.fixture(autouse=True)
def _images_restored(request: pytest.FixtureRequest) -> Iterator[None]:
    """Hostile images do not stay."""
    if "ours" not in request.fixturenames:
        yield
        return
    ours: Subject = request.getfixturevalue("ours")
    with ours.images_restored():
        yield
        ours.remove_everything()
