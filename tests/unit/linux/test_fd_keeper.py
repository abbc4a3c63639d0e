"""The companion process: what it holds outlives whoever gave it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from runner.engine.keeper import Keeper

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keeper.sock"


@pytest.fixture
async def keeper(path: Path) -> AsyncIterator[Keeper]:
    made = Keeper(path)
    await made.open()
    yield made
    made.close()
    await end(path)


async def end(path: Path) -> None:
    """End what may still be there."""
    if path.exists():
        last = Keeper(path)
        await last.open()
        last.forget_all_but(())
        last.close()


def is_gone(path: Path) -> bool:
    deadline = time.monotonic() + 5
    while path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return not path.exists()


def open_reader(fifo: Path) -> int:
    os.mkfifo(fifo)
    return os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)


async def test_bytes_in_a_fifo_outlive_writer_and_reader(keeper: Keeper, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    reader = open_reader(fifo)
    keeper.hold("a", [reader])
    writer = os.open(fifo, os.O_WRONLY)
    os.write(writer, b"kept")
    os.close(writer)
    os.close(reader)
    again = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    assert os.read(again, 10) == b"kept"
    os.close(again)


async def test_the_next_engine_finds_it(keeper: Keeper, path: Path, tmp_path: Path) -> None:
    for key in ("a", "b"):
        reader = open_reader(tmp_path / key)
        keeper.hold(key, [reader])
        os.close(reader)
    keeper.close()
    again = Keeper(path)
    await again.open()
    again.forget_all_but({"b", "c"})
    assert again._held == {"b"}
    again.drop("b")
    again.drop("b")
    again.close()
    assert is_gone(path)


async def test_it_ends_when_it_holds_nothing(keeper: Keeper, path: Path, tmp_path: Path) -> None:
    reader = open_reader(tmp_path / "fifo")
    keeper.hold("a", [reader])
    keeper.drop("a")
    os.close(reader)
    keeper.close()
    assert is_gone(path)


async def test_without_it_the_engine_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.engine.keeper._START_TIMEOUT", 0.2)
    keeper = Keeper(tmp_path / "no such directory" / "keeper.sock")
    await keeper.open()
    keeper.hold("a", [0])
    keeper.drop("a")
    keeper.forget_all_but(())
    keeper.close()
