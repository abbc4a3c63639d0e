"""What the engine is told of failures."""

from __future__ import annotations

import pytest

from runner.files.errors import PathError
from runner.files.jobs import failure
from runner.files.messages import Failed
from runner.files.pack import ShrunkError
from runner.files.path_stat import path_stat
from runner.types.errors import InvalidParameter


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PathError("lstat", "/x", FileNotFoundError(2, "")),
         Failed("lstat /x: no such file or directory", missing=True)),
        (InvalidParameter("no"), Failed("no", refused=True)),
        (ShrunkError("/x has shrunk while it was read"), Failed("/x has shrunk while it was read")),
        (PermissionError(13, ""), Failed("permission denied")),
        (KeyError("a bug"), Failed("KeyError: 'a bug'")),
    ],
)  # fmt: skip
def test_failures(error: Exception, told: Failed) -> None:
    assert failure(error) == told


def test_a_path_that_the_kernel_is_not_asked_for() -> None:
    with pytest.raises(ValueError, match="null") as caught:
        path_stat("/a\0b")
    assert failure(caught.value) == Failed("invalid argument")
