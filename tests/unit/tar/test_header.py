"""Headers, held to Python's tarfile in both directions."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.tar import header as tar
from runner.tar.header import DamagedTarError, Header, decode, encode, pax_records

NAMES = st.binary(min_size=1, max_size=200).filter(lambda n: b"\0" not in n and n.strip(b"/") == n)
NUMBERS = st.integers(0, 1 << 40)


@settings(max_examples=100, deadline=None)
@given(
    name=NAMES,
    link=NAMES,
    mode=st.integers(0, 0o7777),
    uid=st.integers(0, 1 << 31),
    gid=st.integers(0, 1 << 31),
    seconds=st.integers(-1000, 1 << 40),
    capability=st.binary(max_size=30),
)
def test_tarfile_reads_what_is_encoded(
    name: bytes, link: bytes, mode: int, uid: int, gid: int, seconds: int, capability: bytes
) -> None:
    records = {tar.XATTR + b"security.capability": capability}
    header = Header(
        name=name,
        kind=tar.SYMLINK,
        mode=mode,
        uid=uid,
        gid=gid,
        mtime_ns=seconds * 10**9,
        link=link,
        records=records,
    )
    data = encode(header) + 2 * tar.ZERO_BLOCK
    with tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8") as archive:
        (read,) = archive.getmembers()
    assert read.name.encode("utf-8", "surrogateescape") == name
    assert read.linkname.encode("utf-8", "surrogateescape") == link
    assert (read.mode, read.uid, read.gid, read.mtime) == (mode, uid, gid, seconds)
    told = read.pax_headers["SCHILY.xattr.security.capability"]
    assert told.encode("utf-8", "surrogateescape") == capability


@settings(max_examples=100, deadline=None)
@given(size=NUMBERS, uid=NUMBERS, mtime=st.integers(-(1 << 40), 1 << 40))
def test_numbers_in_gnus_binary_form(size: int, uid: int, mtime: int) -> None:
    info = tarfile.TarInfo("x")
    info.size, info.uid, info.mtime = size, uid, mtime
    header = decode(info.tobuf(tarfile.GNU_FORMAT))
    assert (header.size, header.uid, header.mtime_ns) == (size, uid, mtime * 10**9)


@pytest.mark.parametrize("style", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_the_plain_fields(style: int) -> None:
    info = tarfile.TarInfo("a/b")
    info.type, info.devmajor, info.devminor, info.mode = tarfile.CHRTYPE, 10, 200, 0o640
    header = decode(info.tobuf(style))
    assert (header.name, header.kind, header.mode) == (b"a/b", tar.CHARACTER, 0o640)
    assert (header.major, header.minor) == (10, 200)


def test_a_name_in_two_parts() -> None:
    name = "d" * 90 + "/" + "f" * 60
    assert decode(tarfile.TarInfo(name).tobuf(tarfile.USTAR_FORMAT)).name == name.encode()


def test_sums_of_signed_bytes_are_taken() -> None:
    block = bytearray(encode(Header(name=b"x", link=b"")))
    block[0] = 0xE9
    signed = sum(byte - 256 * (byte >> 7) for byte in block[:148] + block[156:]) + 8 * 32
    block[148:156] = b"%06o\0 " % signed
    assert decode(bytes(block)).name == b"\xe9"


@pytest.mark.parametrize(
    "change",
    [
        (slice(0, 1), b"y"),  # the sum is that of something else
        (slice(148, 156), b"99999999"),
        (slice(124, 136), b"not a number"),
    ],
)
def test_a_damaged_block_is_refused(change: tuple[slice, bytes]) -> None:
    block = bytearray(encode(Header(name=b"x")))
    place, value = change
    block[place] = value
    with pytest.raises(DamagedTarError, match="archive/tar: invalid tar header"):
        decode(bytes(block))


@pytest.mark.parametrize(
    "data",
    [
        b"9 a=b\n",
        b"6 a=b\n7 a=b\n",
        b"5 =b\n",
        b"5 ab\n",
        b"x a=b\n",
        b"0 a=b\n",
        b"-6 a=b\n",
        b"7 a\0=b\n",
        b"10 path=\0\n",
        b"1" * 30 + b" a=b\n",
        b"\xb9 a=b\n",
    ],
)
def test_damaged_records_are_refused(data: bytes) -> None:
    with pytest.raises(DamagedTarError):
        list(pax_records(data))


def test_records_may_have_anything_in_their_values() -> None:
    data = b"13 x=a\nb=\0\xff\xfe\n"
    assert list(pax_records(data)) == [(b"x", b"a\nb=\0\xff\xfe")]
