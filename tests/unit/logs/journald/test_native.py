"""The native protocol and the export format: one reads what the other writes."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.logs import Partial
from runner.logs.journald import fields
from runner.logs.journald.export import ExportParser
from runner.logs.journald.native import Journal, encode_field, encode_fields

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

names = st.text("AB_9", min_size=1, max_size=4).filter(lambda name: name[0] in "AB")
entries = st.lists(st.dictionaries(names, st.binary(max_size=50), min_size=1), max_size=4)


def test_the_bytes() -> None:
    assert encode_field("MESSAGE", b"a=b\0\xff") == b"MESSAGE=a=b\0\xff\n"
    assert encode_field("A", b"x\ny") == b"A\n\x03\0\0\0\0\0\0\0x\ny\n"
    assert encode_field("A", b"") == b"A=\n"


def test_names_that_the_journal_would_not_take_are_left_out() -> None:
    given = {"GOOD_1": b"x", "_TRUSTED": b"x", "small": b"x", "A" * 65: b"x", "": b"x"}
    assert encode_fields(given) == b"GOOD_1=x\n"


@given(entries, st.integers(1, 40))
def test_what_is_written_is_read_however_it_is_cut(
    written: list[dict[str, bytes]], size: int
) -> None:
    data = b"".join(encode_fields(entry) + b"\n" for entry in written)
    parser = ExportParser()
    found = [
        entry for start in range(0, len(data), size) for entry in parser.feed(data[start:][:size])
    ]
    assert found == written


@pytest.mark.parametrize(
    ("name", "field"),
    [("com.example.foo-bar", "COM_EXAMPLE_FOO_BAR"), ("__a9", "A9"), ("é", ""), ("Ab", "AB")],
)
def test_names_of_labels(name: str, field: str) -> None:
    assert fields.sanitize(name) == field


def test_parts() -> None:
    first = fields.of_partial(Partial("id", 1, last=False))
    assert first == {
        "CONTAINER_PARTIAL_ID": b"id",
        "CONTAINER_PARTIAL_ORDINAL": b"1",
        "CONTAINER_PARTIAL_LAST": b"false",
        "CONTAINER_PARTIAL_MESSAGE": b"true",
    }
    last = fields.of_partial(Partial("id", 2, last=True))
    assert last["CONTAINER_PARTIAL_LAST"] == b"true"
    assert "CONTAINER_PARTIAL_MESSAGE" not in last


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[socket.socket]:
    """What the driver sees of journald: a socket, with room for little."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "socket"))
        yield made


async def test_entries_are_datagrams(journald: socket.socket, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "socket")
    assert journal.serves()
    await journal.send(b"MESSAGE=hi\n")
    assert journald.recv(100) == b"MESSAGE=hi\n"
    await journal.close()
    await journal.close()


async def test_what_is_too_large_comes_in_a_file(journald: socket.socket, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "socket")
    entry = encode_field("MESSAGE", b"x" * 1_000_000)
    await journal.send(entry)
    data, descriptors, _, _ = socket.recv_fds(journald, 10, 1)
    assert data == b""
    with open(descriptors[0], "rb") as file:
        file.seek(0)
        assert file.read() == entry
        with pytest.raises(OSError, match="Operation not permitted"):
            os.ftruncate(file.fileno(), 0)
    await journal.close()


async def test_a_full_queue_is_waited_for(journald: socket.socket, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "socket")

    async def send_many() -> None:
        for number in range(500):
            await journal.send(b"%d" % number)

    sending = asyncio.create_task(send_many())
    done, _ = await asyncio.wait({sending}, timeout=0.1)
    assert not done
    got = []
    while len(got) < 500:
        got.append(await asyncio.to_thread(journald.recv, 10))
    await sending
    assert got == [b"%d" % number for number in range(500)]
    await journal.close()


async def test_a_journald_that_was_started_anew_is_found(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    journal = Journal(path)
    assert not journal.serves()
    for number in (1, 2):
        with pytest.raises(OSError):
            await journal.send(b"lost")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journald:
            journald.bind(str(path))
            await journal.send(b"%d" % number)
            assert journald.recv(10) == b"%d" % number
        path.unlink()
    await journal.close()
