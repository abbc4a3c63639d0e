"""Archives: the tar index held to Python's tarfile, hostile archives, compression bombs."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import io
import os
import tarfile
import tempfile
import threading
from typing import IO, TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.image.archive import spool, tar
from runner.image.archive.files import Archive
from runner.image.archive.layout import is_oci, layer_type, read_docker, read_oci
from runner.image.archive.spool import DEFAULT_LIMITS, Limits, spooled
from runner.tar.compression import Compression, detect
from runner.tar.decompress import Decoder
from runner.tar.header import EXTENSION_MAX
from runner.types.errors import InvalidParameter, System
from tests.support.images import (
    COMPRESSORS,
    Entry,
    device,
    directory,
    file,
    hardlink,
    layer_tar,
    symlink,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


def archive_of(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Archive:
    """The archive; its file is closed after the test."""
    holder = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
    _OPEN.append(holder)
    holder.write(data)
    return Archive.read(holder.fileno(), limits)


_OPEN: list[IO[bytes]] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while _OPEN:
        _OPEN.pop().close()


def index(data: bytes) -> list[tar.Member]:
    with tempfile.TemporaryFile(buffering=0) as holder:
        holder.write(data)
        return list(tar.members(holder.fileno()))


async def in_pieces(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


# --- tar -------------------------------------------------------------------------------------

NAMES = st.text(alphabet="ab/é.-_ ", min_size=1, max_size=200).filter(
    lambda name: not name.endswith("/")  # which Python's tarfile takes off in some formats
)


@settings(max_examples=60, deadline=None)
@given(
    entries=st.lists(st.tuples(NAMES, st.binary(max_size=1500)), max_size=6),
    style=st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
)
def test_members_are_where_pythons_tarfile_finds_them(
    entries: list[tuple[str, bytes]], style: int
) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=style) as writer:
        for name, data in entries:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            writer.addfile(info, io.BytesIO(data))
    with tarfile.open(fileobj=io.BytesIO(buffer.getvalue())) as reader:
        expected = [(m.name, m.offset_data, m.size) for m in reader if m.isfile()]
    found = [m for m in index(buffer.getvalue()) if m.kind is tar.Kind.FILE]
    assert [(m.name, m.offset, m.size) for m in found] == expected


def test_links_and_long_names_in_every_format() -> None:
    for style in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        buffer = io.BytesIO()
        long = "d" * 90 + "/" + "f" * 60
        with tarfile.open(fileobj=buffer, mode="w", format=style) as writer:
            info = tarfile.TarInfo(long)
            info.type, info.linkname = tarfile.SYMTYPE, "target"
            writer.addfile(info)
        (member,) = index(buffer.getvalue())
        assert (member.name, member.kind, member.link) == (long, tar.Kind.SYMLINK, "target")


def test_an_archive_may_end_without_its_final_blocks() -> None:
    whole = layer_tar([file("a", "1")])
    assert [member.name for member in index(whole[:1024])] == ["a"]
    assert index(b"") == []


@pytest.mark.parametrize("length", [1, 100, 511, 513, 1000, 1023])
def test_a_truncated_archive_is_refused(length: int) -> None:
    data = layer_tar([file("a", b"x" * 600)])
    with pytest.raises(InvalidParameter, match="unexpected EOF"):
        index(data[:length])


def test_a_damaged_header_is_not_taken_for_the_end() -> None:
    data = bytearray(layer_tar([file("a", "1"), file("b", "2")]))
    data[1024] ^= 1
    with pytest.raises(InvalidParameter, match="invalid tar header"):
        index(bytes(data))


def test_an_extended_header_has_a_limit() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as writer:
        info = tarfile.TarInfo("a")
        info.pax_headers = {"comment": "x" * (EXTENSION_MAX + 1)}
        writer.addfile(info)
    with pytest.raises(InvalidParameter, match="header field too long"):
        index(buffer.getvalue())


@pytest.mark.parametrize(
    "record", ["0 path=a\n", "999 path=a\n", "x", "9 path a\n", "12 size=-1\n"]
)
def test_damaged_pax_records_are_refused(record: str) -> None:
    header = tarfile.TarInfo("PaxHeader")
    header.type, header.size = tarfile.XHDTYPE, len(record)
    data = header.tobuf() + record.encode().ljust(512, b"\0") + layer_tar([file("a", "1")])
    with pytest.raises(InvalidParameter):
        index(data)


@pytest.mark.parametrize("style", ["gnu", "pax"])
def test_sparse_files_are_refused(style: str) -> None:
    info = tarfile.TarInfo("a")
    if style == "gnu":
        info.type = tarfile.GNUTYPE_SPARSE
    else:
        sparse = {"major": "0", "minor": "1", "numblocks": "0", "map": "", "size": "1000000"}
        info.pax_headers = {f"GNU.sparse.{key}": value for key, value in sparse.items()}
    with pytest.raises(InvalidParameter, match="sparse"):
        index(info.tobuf(tarfile.PAX_FORMAT))


def test_one_block_of_zeros_is_no_end() -> None:
    """As in Go: what follows is hidden from nobody."""
    first, second = (layer_tar([file(name, "")])[:512] for name in "ab")
    with pytest.raises(InvalidParameter, match="invalid tar header"):
        index(first + bytes(512) + second)


@given(st.binary(max_size=2048))
def test_any_bytes_are_an_archive_or_refused(data: bytes) -> None:
    try:
        index(data)
    except InvalidParameter as refused:
        assert refused.message.startswith("archive/tar: ") or refused.message == "unexpected EOF"


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(position=st.integers(0, 1535), value=st.integers(0, 255))
def test_any_damaged_byte_is_survived(position: int, value: int) -> None:
    data = bytearray(layer_tar([file("some/name", "content"), symlink("x", "some/name")]))
    data[position] = value
    try:
        archive_of(bytes(data)).find("x")
    except InvalidParameter as refused:
        assert refused.message


# --- names -----------------------------------------------------------------------------------

HOSTILE: dict[str, list[Entry]] = {
    "name '../x' leads out of the archive": [file("../x", "")],
    "name 'a/../../x' leads out of the archive": [file("a/../../x", "")],
    "name 'a/..' leads out of the archive": [file("a/..", "")],
    "absolute name '/etc/passwd' in the archive": [file("/etc/passwd", "")],
    "link 'x' leads out of the archive": [symlink("x", "../etc/passwd")],
    "link 'y' leads out of the archive": [symlink("y", "/etc/passwd")],
    "link 'a/b/z' leads out of the archive": [symlink("a/b/z", "../../../etc")],
    "link 'h' leads out of the archive": [hardlink("h", "../etc/passwd")],
    "device 'null' in the archive": [device("null", 1, 3)],
    "duplicate name 'a' in the archive": [file("a", "1"), file("a", "2")],
    "duplicate name './a' in the archive": [file("a", "1"), file("./a", "2")],
    "duplicate name 'd/' in the archive": [file("d", "1"), directory("d")],
}


@pytest.mark.parametrize("message", HOSTILE)
def test_hostile_names_are_refused(message: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        archive_of(layer_tar([*HOSTILE[message], file("manifest.json", "[]")]))
    assert refused.value.message == message


@pytest.mark.parametrize("message", HOSTILE)
def test_what_is_no_archive_of_images_is_told_so_whatever_its_names(message: str) -> None:
    archive = archive_of(layer_tar(HOSTILE[message]))
    assert not is_oci(archive)
    with pytest.raises(InvalidParameter, match="unrecognized image format"):
        read_docker(archive)


def test_links_are_followed_inside_the_archive() -> None:
    archive = archive_of(
        layer_tar(
            [
                directory("a"),
                directory("a"),
                file("./a/layer.tar", "content"),
                symlink("b/layer.tar", "../a/layer.tar"),
                hardlink("c", "a/layer.tar"),
                symlink("dangling", "nowhere"),
                symlink("loop", "loop"),
            ]
        )
    )
    for name in ("a/layer.tar", "b/layer.tar", "c", "./a//layer.tar"):
        found = archive.find(name)
        assert found is not None
        assert found.read(100) == b"content"
    assert archive.find("a") is archive.find("dangling") is archive.find("missing") is None
    with pytest.raises(InvalidParameter, match="too many links"):
        archive.find("loop")


def test_the_number_of_members_has_a_limit() -> None:
    data = layer_tar([file(str(number), "") for number in range(4)])
    with pytest.raises(InvalidParameter, match="more than 3 members"):
        archive_of(data, Limits(members=3))


def test_a_document_has_a_limit() -> None:
    found = archive_of(layer_tar([file("a", b"x" * 100)])).find("a")
    assert found is not None
    with pytest.raises(InvalidParameter, match="more than 99 bytes"):
        found.read(99)


# --- layouts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([], "unrecognized image format"),
        ([file("manifest.json", "null")], "unrecognized image format"),
        ([file("manifest.json", "{")], "untar manifest: invalid JSON: Input data was truncated"),
        ([file("oci-layout", '{"imageLayoutVersion":"2"}')], "unsupported OCI version 2"),
        ([file("oci-layout", "[]")], "untar oci layout: invalid JSON: expected an object"),
        (
            [file("oci-layout", '{"imageLayoutVersion":"1.0.0"}')],
            "missing index.json in OCI layout 1.0.0",
        ),
        (
            [
                file("oci-layout", '{"imageLayoutVersion":"1.0.0"}'),
                file("index.json", '{"manifests":[{"digest":"../../x","size":1,"mediaType":"x"}]}'),
            ],
            "invalid checksum digest format",
        ),
    ],
)
def test_what_is_no_image_is_refused(entries: list[Entry], message: str) -> None:
    archive = archive_of(layer_tar(entries))
    with pytest.raises(InvalidParameter) as refused:
        read_oci(archive) if is_oci(archive) else read_docker(archive)
    assert refused.value.message == message


@given(st.text(max_size=100))
def test_any_manifest_json_is_read_or_refused(text: str) -> None:
    archive = archive_of(layer_tar([file("manifest.json", text)]))
    try:
        read_docker(archive)
    except InvalidParameter as refused:
        assert refused.message


def test_containerd_calls_every_compressed_layer_gzip() -> None:
    data = layer_tar([])
    assert layer_type(data).endswith(".tar")
    assert layer_type(gzip.compress(data)).endswith(".gzip")
    assert layer_type(COMPRESSORS["zstd"](data)).endswith(".gzip")
    assert layer_type(bz2.compress(data)).endswith(".tar")


# --- compression -----------------------------------------------------------------------------


@pytest.mark.parametrize("how", COMPRESSORS)
@pytest.mark.parametrize("pieces", [1, 7, 100_000])
def test_every_compression_is_undone(how: str, pieces: int) -> None:
    data = bytes(range(256)) * 50
    compressed = COMPRESSORS[how](data)
    assert detect(compressed) is Compression(how)
    out = bytearray()
    decoder = Decoder(Compression(how))
    for start in range(0, len(compressed), pieces):
        out += b"".join(decoder.feed(compressed[start : start + pieces]))
    decoder.finish()
    assert bytes(out) == data


@pytest.mark.parametrize("how", ["gzip", "bzip2", "xz", "zstd"])
def test_streams_may_follow_each_other(how: str) -> None:
    out = bytearray()
    decoder = Decoder(Compression(how))
    out += b"".join(decoder.feed(COMPRESSORS[how](b"one") + COMPRESSORS[how](b"two")))
    decoder.finish()
    assert bytes(out) == b"onetwo"


@pytest.mark.parametrize("how", ["gzip", "bzip2", "xz", "zstd"])
def test_a_truncated_stream_is_refused(how: str) -> None:
    decoder = Decoder(Compression(how))
    with pytest.raises(InvalidParameter, match=r"^unexpected EOF$"):
        list(decoder.feed(COMPRESSORS[how](b"x" * 1000)[:-3]))
        decoder.finish()


@pytest.mark.parametrize("how", ["gzip", "bzip2", "xz", "zstd"])
@given(garbage=st.binary(max_size=300))
def test_a_damaged_stream_is_refused_or_undone(how: str, garbage: bytes) -> None:
    decoder = Decoder(Compression(how))
    try:
        list(decoder.feed(COMPRESSORS[how](b"some data")[:12] + garbage))
        decoder.finish()
    except InvalidParameter as refused:
        assert refused.message


@pytest.mark.parametrize("how", ["gzip", "bzip2", "xz", "zstd"])
def test_a_bomb_comes_in_bounded_pieces(how: str) -> None:
    decoder = Decoder(Compression(how))
    pieces = [len(piece) for piece in decoder.feed(COMPRESSORS[how](bytes(40 << 20)))]
    decoder.finish()
    assert sum(pieces) == 40 << 20
    assert max(pieces) <= 32 << 20


# --- spooling --------------------------------------------------------------------------------


@pytest.mark.parametrize("how", COMPRESSORS)
async def test_a_spooled_archive_is_uncompressed_and_nameless(how: str, tmp_path: Path) -> None:
    data = layer_tar([file("a", b"content" * 1000)])
    async with spooled(in_pieces(COMPRESSORS[how](data)), tmp_path) as fd:
        assert list(tmp_path.iterdir()) == []
        found = Archive.read(fd, Limits()).find("a")
        assert found is not None
        assert found.read(10_000) == b"content" * 1000


async def test_an_archive_that_unpacks_to_more_than_the_limit_is_refused(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(10 << 20))
    with pytest.raises(InvalidParameter, match="more than 1048576 bytes"):
        async with spooled(in_pieces(bomb), tmp_path, Limits(size=1 << 20)):
            pytest.fail("accepted")
    assert list(tmp_path.iterdir()) == []


async def test_a_client_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"some"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        async with spooled(broken(), tmp_path):
            pytest.fail("accepted")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", COMPRESSORS)
async def test_a_full_disk_is_told_as_such(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        with monkeypatch.context() as patched:
            writer_of = spool._Writer
            patched.setattr(spool, "_Writer", lambda _, limit: writer_of(full, limit))
            with pytest.raises(System, match="no space left on device"):
                async with spooled(in_pieces(COMPRESSORS[how](b"some" * 1000)), tmp_path):
                    pytest.fail("accepted")
    finally:
        os.close(full)


async def test_a_load_that_is_given_up_keeps_its_file_until_nobody_writes_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, go_on = threading.Event(), threading.Event()
    same: list[bool] = []

    def slow(writer: spool._Writer, _: bytes) -> None:
        inode = os.fstat(writer._fd).st_ino
        writing.set()
        go_on.wait(10)
        same.append(os.fstat(writer._fd).st_ino == inode)

    async def load() -> None:
        async with spooled(in_pieces(b"some"), tmp_path):
            pytest.fail("accepted")

    monkeypatch.setattr(spool._Writer, "write", slow)
    loading = asyncio.create_task(load())
    await asyncio.to_thread(writing.wait, 10)
    loading.cancel()
    for _ in range(20):  # time enough to close the file, if it did not wait
        await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await loading
    assert same == [True]
