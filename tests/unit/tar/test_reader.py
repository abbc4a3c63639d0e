"""Archives read as a stream, held to Python's tarfile and to GNU tar."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.tar.header import EXTENSION_MAX, DamagedTarError, Header
from runner.tar.reader import Reader
from runner.tar.sparse import read_map

if TYPE_CHECKING:
    from pathlib import Path


class Source:
    """Bytes in memory, read as a tar.Source."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def take(self, size: int) -> bytes:
        assert size <= EXTENSION_MAX
        return self._file.read(size)

    def copy(self, size: int, descriptor: int) -> int:
        return os.write(descriptor, self._file.read(size))

    def skip(self, size: int) -> int:
        return len(self._file.read(size))


def members(data: bytes, *, read: bool = True) -> list[tuple[Header, bytes]]:
    """All members with their data."""
    reader, found = Reader(Source(data)), []
    while (header := reader.next()) is not None:
        with tempfile.TemporaryFile() as file:
            if read:
                reader.copy_to(file.fileno())
            found.append((header, file.read() if file.seek(0) == 0 else b""))
    return found


NAMES = st.text(alphabet="ab/é.-_ ", min_size=1, max_size=150).filter(
    lambda name: not name.endswith("/")
)


@settings(max_examples=60, deadline=None)
@given(
    entries=st.lists(st.tuples(NAMES, st.binary(max_size=1500)), max_size=6),
    style=st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
    read=st.booleans(),
)
def test_members_are_those_that_tarfile_wrote(
    entries: list[tuple[str, bytes]], style: int, read: bool
) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=style) as writer:
        for name, data in entries:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1234567890.25
            writer.addfile(info, io.BytesIO(data))
    found = members(buffer.getvalue(), read=read)
    assert [header.name.decode() for header, _ in found] == [name for name, _ in entries]
    assert all(
        header.size == len(data) for (header, _), (_, data) in zip(found, entries, strict=True)
    )
    if read:
        assert [data for _, data in found] == [data for _, data in entries]
    if style == tarfile.PAX_FORMAT:
        assert all(header.mtime_ns == 1234567890_250000000 for header, _ in found)


def test_what_pax_records_tell() -> None:
    info = tarfile.TarInfo("name")
    info.pax_headers = {
        "path": "other",
        "uid": "5",
        "gid": "",
        "atime": "-1.5",
        "SCHILY.xattr.user.a": "b",
    }
    ((header, _),) = members(info.tobuf(tarfile.PAX_FORMAT) + bytes(1024))
    assert (header.name, header.uid, header.gid) == (b"other", 5, 0)
    assert header.atime_ns == -1_500_000_000
    assert header.xattrs == {b"user.a": b"b"}


def test_global_headers_are_no_members() -> None:
    buffer = io.BytesIO()
    with tarfile.open(
        fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "x"}
    ) as writer:
        writer.addfile(tarfile.TarInfo("a"))
    assert [header.name for header, _ in members(buffer.getvalue())] == [b"a"]


def test_an_archive_ends_with_a_block_of_zeros_or_without() -> None:
    member = tarfile.TarInfo("a").tobuf()
    for end in (b"", bytes(512), bytes(1024), bytes(10240)):
        assert len(members(member + end)) == 1
    assert members(b"") == []
    with pytest.raises(DamagedTarError, match="invalid tar header"):
        members(member + bytes(512) + member)


@pytest.mark.parametrize("length", [1, 511, 513, 700, 1100])
def test_a_cut_archive_is_told_as_such(length: int) -> None:
    info = tarfile.TarInfo("a")
    info.size = 600
    data = info.tobuf() + bytes(600)
    with pytest.raises(DamagedTarError) as raised:
        members(data[:length])
    assert str(raised.value.message) == "unexpected EOF"


def test_an_extension_has_a_limit() -> None:
    info = tarfile.TarInfo("a")
    info.pax_headers = {"comment": "x" * (EXTENSION_MAX + 1)}
    with pytest.raises(DamagedTarError, match="header field too long"):
        members(info.tobuf(tarfile.PAX_FORMAT))


def test_a_negative_size_is_refused() -> None:
    info = tarfile.TarInfo("a")
    info.size = -5
    with pytest.raises(DamagedTarError, match="invalid tar header"):
        members(info.tobuf(tarfile.GNU_FORMAT))


# --- sparse files ----------------------------------------------------------------------------

PIECES = [(b"begin", 0), (b"middle", 1 << 20), (b"end", (5 << 20) - 3)]


def sparse_file(path: Path) -> bytes:
    with open(path, "wb") as file:
        for data, offset in PIECES:
            file.seek(offset)
            file.write(data)
    return path.read_bytes()


@pytest.mark.skipif(shutil.which("tar") is None, reason="needs GNU tar")
@pytest.mark.parametrize("version", ["0.0", "0.1", "1.0"])
def test_sparse_files_of_gnu_tar(tmp_path: Path, version: str) -> None:
    expected = sparse_file(tmp_path / "holes")
    (tmp_path / "after").write_bytes(b"after")
    command = ["tar", "-C", str(tmp_path), "-cS", "--format=pax", f"--sparse-version={version}"]
    done = subprocess.run([*command, "holes", "after"], stdout=subprocess.PIPE, check=True)
    if len(done.stdout) > 1 << 20:
        pytest.skip("this file system tells nothing of holes")
    (header, data), (after, more) = members(done.stdout)
    assert (header.name, header.size) == (b"holes", len(expected))
    assert data == expected
    assert (after.name, more) == (b"after", b"after")
    assert len(members(done.stdout, read=False)) == 2


def sparse(records: dict[str, str], data: bytes = b"") -> bytes:
    info = tarfile.TarInfo("holes")
    info.size, info.pax_headers = len(data), {f"GNU.sparse.{k}": v for k, v in records.items()}
    return info.tobuf(tarfile.PAX_FORMAT) + data + bytes(-len(data) % 512) + bytes(1024)


@pytest.mark.parametrize(
    "records",
    [
        {"numblocks": "1", "map": "5,1", "size": "3"},  # behind the end
        {"numblocks": "2", "map": "0,2,1,2", "size": "9"},  # over each other
        {"numblocks": "2", "map": "0,2", "size": "9"},
        {"numblocks": "1", "map": "x,y", "size": "9"},
        {"numblocks": "1", "map": "0,900", "size": "900"},  # more than there is
        {"numblocks": "1", "map": "0,1", "size": "-1"},
        {"numblocks": str(1 << 20), "map": "0,0," * ((1 << 18) - 1) + "0,0", "size": "9"},
    ],
)
def test_damaged_maps_are_refused(records: dict[str, str]) -> None:
    with pytest.raises(DamagedTarError):
        members(sparse(records, b"x" * 10))


@pytest.mark.parametrize("data", [b"", b"1\n0\n", b"x\n", b"99999999\n", b"9" * 2000])
def test_damaged_maps_in_the_data_are_refused(data: bytes) -> None:
    with pytest.raises(DamagedTarError):
        members(sparse({"major": "1", "minor": "0", "realsize": "100"}, data))


def test_a_map_in_the_data_that_does_not_end_is_given_up() -> None:
    records = {b"GNU.sparse.major": b"1", b"GNU.sparse.minor": b"0"}
    with pytest.raises(DamagedTarError):
        read_map(records, lambda size: b"9" * size, 100)
