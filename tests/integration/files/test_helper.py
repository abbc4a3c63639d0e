"""The helper by itself: what it loads, what it does not any more, and archives it takes."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import runner
from runner.containerd.values import Mount
from runner.files.messages import Bind, Compare, Pack, PackAll, Stat, Unpack, View
from runner.files.service import FileMissing, FileService
from runner.types.errors import InvalidParameter, System

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner.files.messages import Job

HEAVY = {"asyncio", "grpc", "aiohttp", "logging", "subprocess", "tempfile", "ssl", "tarfile"}


def test_it_loads_little() -> None:
    root = str(Path(runner.__file__).parent.parent)
    script = (
        f"import sys; sys.path.insert(0, {root!r}); import runner.files.helper; print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True
    )
    assert not HEAVY & set(done.stdout.split())


@pytest.fixture
async def service() -> AsyncIterator[FileService]:
    started = FileService()
    yield started
    await started.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory to be the root."""
    for name in ("etc", "tmp", "data"):
        (tmp_path / "tree" / name).mkdir(parents=True)
    (tmp_path / "tree/etc/passwd").write_text("someone:x:7:8::/:\n:::\n")
    (tmp_path / "tree/etc/group").write_text("some:x:9:\n")
    return tmp_path / "tree"


@pytest.fixture
def view(root: Path, tmp_path: Path) -> View:
    (tmp_path / "mnt").mkdir()
    return View(str(tmp_path / "mnt"), (Mount("bind", str(root), "", ("rbind", "rw")),))


async def read(service: FileService, job: Job) -> bytes:
    async with service.start(job) as work:
        data = b"".join([chunk async for chunk in chunks(work)])
        await work.finish()
    return data


async def chunks(work) -> AsyncIterator[bytes]:  # type: ignore[no-untyped-def]
    while chunk := await work.read():
        yield chunk


async def unpack(service: FileService, view: View, data: bytes, **options: object) -> None:
    async with service.start(Unpack(view, "/tmp", **options)) as work:  # type: ignore[arg-type]
        await work.write(data)
        work.end_data()
        await work.finish()


async def test_many_at_once(service: FileService, view: View) -> None:
    async def one() -> str:
        async with service.start(Stat(view, "/etc/passwd")) as work:
            return (await work.stat()).name

    assert await asyncio.gather(*(one() for _ in range(20))) == ["passwd"] * 20


async def test_a_cancelled_one(service: FileService, view: View) -> None:
    for _ in range(20):
        task = asyncio.create_task(read(service, PackAll(view)))
        await asyncio.sleep(0.002)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await read(service, PackAll(view))


async def test_the_mounts_are_nowhere_else(
    service: FileService, view: View, root: Path, tmp_path: Path
) -> None:
    async with service.start(Pack(view, "/")) as work:
        await work.stat()
        assert not os.path.ismount(tmp_path / "mnt")
    async with service.start(Stat(view, str(tmp_path))) as work:
        with pytest.raises(FileMissing, match=f"lstat {tmp_path}: no such file"):
            await work.stat()


async def test_binds(service: FileService, view: View, tmp_path: Path) -> None:
    """Parents of mount points are made, links to them are followed inside the root."""
    source = tmp_path / "source"
    (source / "part/in").mkdir(parents=True)
    (source / "part/file").write_text("of the volume")
    (source / "out").symlink_to("/etc")
    (tmp_path / "tree/alias").symlink_to("/data/deep")

    async def names(*binds: Bind, path: str) -> list[str]:
        data = await read_resource(View(view.root, view.layers, binds), path)
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            return tar.getnames()

    async def read_resource(view: View, path: str) -> bytes:
        async with service.start(Pack(view, path)) as work:
            await work.stat()
            data = b"".join([chunk async for chunk in chunks(work)])
            await work.finish()
        return data

    part = Bind(str(source), "/alias/x", subpath="part")
    assert await names(part, path="/data/deep/x") == ["x", "x/file", "x/in"]
    file = Bind(str(source / "part/file"), "/new/file", writable=False)
    assert await names(file, path="/new") == ["new", "new/file"]
    with pytest.raises(FileMissing):
        await names(Bind(str(source / "nosuch"), "/x"), path="/x")
    with pytest.raises(InvalidParameter, match="path concatenation escapes the base directory"):
        await names(Bind(str(source), "/x", subpath="out/passwd"), path="/x")
    with pytest.raises(System, match=":/etc: not a directory"):
        await names(Bind(str(source / "part/file"), "/etc"), path="/etc")


async def test_read_only_binds(service: FileService, view: View, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    bind = Bind(str(tmp_path / "source"), "/tmp", writable=False)
    data = tarfile.TarInfo("x").tobuf()
    with pytest.raises(System, match="openat x: read-only file system"):
        await unpack(service, View(view.root, view.layers, (bind,)), data)


async def test_more_layers_than_fit_on_a_page(service: FileService, tmp_path: Path) -> None:
    for number in range(130):
        (tmp_path / f"a-rather-long-name-of-a-layer/{number}").mkdir(parents=True)
    (tmp_path / "a-rather-long-name-of-a-layer/129/file").write_text("x")
    (tmp_path / "mnt").mkdir()
    lower = ":".join(f"{tmp_path}/a-rather-long-name-of-a-layer/{n}" for n in range(130))
    overlay = Mount("overlay", "overlay", "", (f"lowerdir={lower}",))
    async with service.start(Stat(View(str(tmp_path / "mnt"), (overlay,)), "/file")) as work:
        assert (await work.stat()).size == 1


@pytest.mark.parametrize(
    ("user", "owner"),
    [
        ("someone", (7, 8)),
        ("someone:some", (7, 9)),
        ("7", (7, 8)),
        ("5", (5, 0)),
        ("5:some", (5, 9)),
        ("5:6", (5, 6)),
        (":some", (0, 9)),
        ("someone:", (7, 8)),
    ],
)
async def test_owners(
    service: FileService, view: View, root: Path, user: str, owner: tuple[int, int]
) -> None:
    await unpack(service, view, tarfile.TarInfo("x").tobuf(), user=user)
    status = (root / "tmp/x").stat()
    assert (status.st_uid, status.st_gid) == owner


@pytest.mark.parametrize("user", ["nobody", "7:nosuch", "4294967296", "-1"])
async def test_unknown_owners(service: FileService, view: View, user: str) -> None:
    with pytest.raises(InvalidParameter, match="failed to look up"):
        await unpack(service, view, tarfile.TarInfo("x").tobuf(), user=user)


async def test_a_file_for_a_user_may_be_anything(
    service: FileService, view: View, root: Path
) -> None:
    """An image can have a FIFO or a device for /etc/passwd."""
    (root / "etc/passwd").unlink()
    os.mkfifo(root / "etc/passwd")
    with pytest.raises(InvalidParameter, match="invalid argument"):
        await unpack(service, view, b"", user="someone")


async def test_a_sparse_file_stays_sparse(
    service: FileService, view: View, root: Path, tmp_path: Path
) -> None:
    with open(tmp_path / "holes", "wb") as file:
        file.truncate(50_000_000)
        file.seek(20_000_000)
        file.write(b"data")
    command = ["tar", "-C", str(tmp_path), "-cS", "--format=pax", "holes"]
    archive = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    await unpack(service, view, archive)
    written = root / "tmp/holes"
    assert written.stat().st_size == 50_000_000
    assert written.stat().st_blocks * 512 < 1_000_000
    assert written.read_bytes()[20_000_000:20_000_005] == b"data\0"


async def test_what_is_in_the_way(service: FileService, view: View, root: Path) -> None:
    """A link is replaced, not followed; a FIFO is not waited for."""
    (root / "tmp/link").symlink_to("../etc/passwd")
    os.mkfifo(root / "tmp/fifo")
    (root / "tmp/directory/full").mkdir(parents=True)
    entries = [tarfile.TarInfo(name).tobuf() for name in ("link", "fifo", "directory")]
    await unpack(service, view, b"".join(entries))
    assert (root / "etc/passwd").read_text()
    assert all((root / "tmp" / name).is_file() for name in ("link", "fifo", "directory"))
    assert not (root / "tmp/link").is_symlink()


async def test_a_shrinking_file_ends_the_archive(
    service: FileService, view: View, root: Path
) -> None:
    big = root / "data/big"
    big.write_bytes(bytes(50_000_000))
    async with service.start(Pack(view, "/data")) as work:
        await work.stat()
        assert await work.read()
        os.truncate(big, 10)
        with pytest.raises(System, match="/data/big has shrunk while it was read"):
            await drain(work)


async def drain(work) -> None:  # type: ignore[no-untyped-def]
    while await work.read():
        pass
    await work.finish()


async def test_an_overlay_and_its_hint(service: FileService, tmp_path: Path) -> None:
    """Whiteouts, opaque directories and copies that are no change."""
    for name in ("lower/keep/a", "lower/gone", "lower/hidden/b", "upper", "work", "mnt", "scratch"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "lower/keep/file").write_text("x")
    lower, upper = str(tmp_path / "lower"), str(tmp_path / "upper")
    options = (f"lowerdir={lower}", f"upperdir={upper}", f"workdir={tmp_path}/work")
    overlay = Mount("overlay", "overlay", "", options)
    view = View(str(tmp_path / "mnt"), (overlay,))
    async with service.start(Unpack(view, "/")) as work:
        await work.write(tarfile.TarInfo("keep/a/new").tobuf())
        work.end_data()
        await work.finish()
    os.mknod(f"{upper}/gone", 0o020000, os.makedev(0, 0))
    (tmp_path / "upper/hidden").mkdir()
    os.setxattr(f"{upper}/hidden", "trusted.overlay.opaque", b"y")
    read_only = Mount("overlay", "overlay", "", (f"lowerdir={upper}:{lower}",))
    old = Mount("bind", lower, "", ("rbind", "ro"))
    for hint in (upper, ""):
        job = Compare((old,), (read_only,), hint, str(tmp_path / "scratch"))
        assert (await read(service, job)).split(b"\0")[:-1] == [
            b"0/hidden",
            b"2/hidden/b",
            b"0/keep",
            b"0/keep/a",
            b"1/keep/a/new",
            b"2/gone",
        ]
