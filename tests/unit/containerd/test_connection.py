"""Addresses, headers and the clean-up that cancellation does not cut short."""

from __future__ import annotations

import asyncio

import pytest

from runner.containerd._connection import Connection, target
from runner.containerd._shield import finish
from runner.types.errors import InvalidParameter


@pytest.mark.parametrize("address", ["/run/a.sock", "unix:///run/a.sock"])
def test_addresses(address: str) -> None:
    assert target(address) == "unix:///run/a.sock"


@pytest.mark.parametrize("address", ["", "run/a.sock", "unix://run/a.sock", "tcp://localhost:1"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(InvalidParameter, match="invalid containerd address"):
        target(address)


async def test_headers() -> None:
    one, two = Connection("/run/a.sock", "one"), Connection("/run/b.sock", "two")
    assert one.metadata() == (("containerd-namespace", "one"),)
    with one.under_lease("l1"), two.under_lease("l2"):
        assert one.metadata() == (("containerd-namespace", "one"), ("containerd-lease", "l1"))
        assert two.metadata() == (("containerd-namespace", "two"), ("containerd-lease", "l2"))
    assert one.metadata() == (("containerd-namespace", "one"),)
    await one.aclose()
    await two.aclose()


async def test_finish_outlives_cancellation() -> None:
    begun, may_end, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await may_end.wait()
        done.set()

    finishing = asyncio.create_task(finish(work()))
    await begun.wait()
    finishing.cancel()
    await asyncio.sleep(0)
    assert not finishing.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await finishing
    assert done.is_set()


async def test_finish_raises_what_the_work_raises() -> None:
    async def work() -> None:
        raise ValueError("failed")

    with pytest.raises(ValueError, match="failed"):
        await finish(work())
