"""A name is given even when others give and take it at the same time."""

import pytest

from runner.image import records
from runner.types.errors import AlreadyExists, NotFound


class Contested:
    """A name that is there when it is to be made, and gone when it is to be changed."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds
        self.calls: list[str] = []

    async def create(self, record: object) -> None:
        self.calls.append("create")
        if self.rounds:
            raise AlreadyExists("there")

    async def update(self, record: object) -> None:
        self.calls.append("update")
        self.rounds -= 1
        raise NotFound("gone")


async def put(rounds: int) -> list[str]:
    images, record = Contested(rounds), object()
    await records._put(images, record)  # type: ignore[arg-type]
    return images.calls


async def test_a_contested_name() -> None:
    assert await put(2) == ["create", "update", "create", "update", "create"]


async def test_not_for_ever() -> None:
    with pytest.raises(NotFound):
        await put(1000)
