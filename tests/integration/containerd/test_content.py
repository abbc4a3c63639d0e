"""Blobs and ingests."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
from typing import TYPE_CHECKING

import pytest

from runner.containerd.client import Containerd
from runner.containerd.content import CHUNK_SIZE, Info
from runner.types.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidParameter,
    NotFound,
    Unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.usefixtures("held")


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


async def write(
    client: Containerd, ref: str, data: bytes, labels: Mapping[str, str] | None = None
) -> str:
    async with client.content.writer(ref, total=len(data)) as writer:
        await writer.write(data)
        return await writer.commit(len(data), digest_of(data), labels or {})


async def test_a_blob_from_ingest_to_deletion(client: Containerd) -> None:
    data = b"some bytes"
    assert await write(client, "ref", data, {"a": "b"}) == digest_of(data)
    info = await client.content.info(digest_of(data))
    assert (info.digest, info.size, info.labels) == (digest_of(data), 10, {"a": "b"})
    assert await client.content.read_all(digest_of(data)) == data
    assert await client.content.list_statuses() == []
    await client.content.delete(digest_of(data))
    with pytest.raises(NotFound):
        await client.content.info(digest_of(data))


async def test_a_blob_of_many_chunks(client: Containerd) -> None:
    data = bytes(range(256)) * (9 * CHUNK_SIZE // 1024)
    digest = await write(client, "large", data)
    pieces = [piece async for piece in client.content.read(digest)]
    assert len(pieces) > 1
    assert b"".join(pieces) == data


async def test_reading_a_part(client: Containerd) -> None:
    digest = await client.content.write_blob(b"0123456789")
    assert b"".join([piece async for piece in client.content.read(digest, 3)]) == b"3456789"
    assert b"".join([piece async for piece in client.content.read(digest, 3, 4)]) == b"3456"
    with pytest.raises(InvalidParameter):
        [piece async for piece in client.content.read(digest, 11)]


async def test_read_all_has_a_limit(client: Containerd) -> None:
    digest = await client.content.write_blob(b"0123456789")
    assert await client.content.read_all(digest, limit=10) == b"0123456789"
    with pytest.raises(InvalidParameter, match="has more than 9 bytes"):
        await client.content.read_all(digest, limit=9)


async def test_a_read_may_be_left_early(client: Containerd) -> None:
    digest = await write(client, "large", b"x" * (4 * CHUNK_SIZE))
    async with contextlib.aclosing(client.content.read(digest)) as pieces:
        assert await anext(pieces)
    assert await client.version.version()


async def test_list_and_update(client: Containerd) -> None:
    one, two = [await client.content.write_blob(data) for data in (b"one", b"two")]
    assert {info.digest async for info in client.content.list()} == {one, two}
    await client.content.update(Info(one, labels={"a": "1", "b": "2"}), "labels")
    updated = await client.content.update(Info(one, labels={"a": "3"}), "labels.a")
    assert updated.labels == {"a": "3", "b": "2"}
    assert [info.digest async for info in client.content.list("labels.a==3")] == [one]


async def test_the_wrong_digest_and_the_wrong_size_are_refused(client: Containerd) -> None:
    async with client.content.writer("ref") as writer:
        await writer.write(b"bytes")
        with pytest.raises(FailedPrecondition, match="unexpected commit digest"):
            await writer.commit(5, digest_of(b"other"))
    async with client.content.writer("ref") as writer:
        await writer.write(b"bytes")
        with pytest.raises(FailedPrecondition, match="failed size validation"):
            await writer.commit(6, digest_of(b"bytes"))
    assert [info async for info in client.content.list()] == []


async def test_an_expected_blob_that_exists_is_told_on_opening(client: Containerd) -> None:
    digest = await client.content.write_blob(b"here")
    with pytest.raises(AlreadyExists):
        async with client.content.writer("ref", expected=digest, total=4):
            pytest.fail("opened")
    assert await client.content.list_statuses() == []


@pytest.mark.parametrize("exists_ok", [True, False])
async def test_a_blob_that_came_to_exist_meanwhile(client: Containerd, exists_ok: bool) -> None:
    digest = digest_of(b"race")
    async with client.content.writer("ref") as writer:
        await writer.write(b"race")
        await client.content.write_blob(b"race")
        refusal = contextlib.nullcontext() if exists_ok else pytest.raises(AlreadyExists)
        with refusal:
            assert await writer.commit(4, digest, exists_ok=exists_ok) == digest
    assert await client.content.list_statuses() == []


async def test_write_blob_twice_adds_the_labels(client: Containerd) -> None:
    await client.content.write_blob(b"blob", {"a": "1"})
    digest = await client.content.write_blob(b"blob", {"b": "2"})
    assert (await client.content.info(digest)).labels == {"a": "1", "b": "2"}


async def test_the_empty_blob(client: Containerd) -> None:
    digest = await client.content.write_blob(b"")
    assert digest == digest_of(b"")
    assert await client.content.read_all(digest) == b""


async def test_what_fails_is_aborted(client: Containerd) -> None:
    with pytest.raises(RuntimeError):
        async with client.content.writer("ref") as writer:
            await writer.write(b"half")
            raise RuntimeError
    assert await client.content.list_statuses() == []
    with pytest.raises(NotFound):
        await client.content.status("ref")


async def test_what_is_cancelled_is_aborted(client: Containerd) -> None:
    started = asyncio.Event()

    async def write_for_ever() -> None:
        async with client.content.writer("ref") as writer:
            await writer.write(b"half")
            started.set()
            await asyncio.Event().wait()

    writing = asyncio.create_task(write_for_ever())
    await started.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await client.content.list_statuses() == []


async def test_a_commit_that_is_cancelled_may_fail_unheard(
    client: Containerd, caplog: pytest.LogCaptureFixture
) -> None:
    digest = await client.content.write_blob(b"there")
    sending = asyncio.Event()

    async def commit_again() -> None:
        async with client.content.writer("ref") as writer:
            await writer.write(b"there")
            asyncio.get_running_loop().call_soon(sending.set)
            await writer.commit(digest=digest, exists_ok=False)

    committing = asyncio.create_task(commit_again())
    await sending.wait()
    committing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await committing
    del committing
    gc.collect()
    assert caplog.records == []


async def test_a_resumable_ingest_goes_on_where_it_ended(client: Containerd) -> None:
    with pytest.raises(RuntimeError):
        async with client.content.writer("ref", total=10, resumable=True) as writer:
            await writer.write(b"01234")
            raise RuntimeError
    status = await client.content.status("ref")
    assert (status.ref, status.offset) == ("ref", 5)
    assert [status.ref for status in await client.content.list_statuses()] == ["ref"]
    async with client.content.writer("ref", resumable=True) as writer:
        assert writer.offset == 5
        await writer.write(b"56789")
        digest = await writer.commit(10)
    assert await client.content.read_all(digest) == b"0123456789"


async def test_a_reference_has_one_writer(client: Containerd) -> None:
    async with client.content.writer("ref") as writer:
        await writer.write(b"mine")
        with pytest.raises(Unavailable, match="locked") as caught:
            async with client.content.writer("ref", resumable=True):
                pytest.fail("opened")
        assert "cannot reach" not in str(caught.value)
        await writer.commit(4, digest_of(b"mine"))


async def test_another_namespaces_blob_need_not_be_written_again(client: Containerd) -> None:
    data = b"shared" * 1000
    digest = await client.content.write_blob(data)
    other = f"{client.namespace}-other"
    async with Containerd(client.address, other) as neighbour:
        async with neighbour.leases.hold():
            with pytest.raises(NotFound):
                await neighbour.content.info(digest)
            async with neighbour.content.writer("r", total=len(data), expected=digest) as writer:
                assert writer.offset == len(data)
                await writer.commit(len(data), digest)
            assert await neighbour.content.write_blob(data) == digest
            assert await neighbour.content.read_all(digest) == data
            await neighbour.content.delete(digest)
        await neighbour.namespaces.delete(other)
