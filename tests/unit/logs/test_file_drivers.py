"""The drivers that keep a file: rotation, damage, options. What any driver does: test_readable."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gzip
import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

from runner.logs import Batch, LogDriver, LogInfo, Message, ReadConfig, create_driver
from runner.types.container import LogConfig
from runner.types.errors import RunnerError

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 1_000_000_000


async def make(tmp_path: Path, **options: str) -> LogDriver:
    info = LogInfo(
        container_id="0123456789abcdef" * 4,
        name="/web",
        log_path=str(tmp_path / "x-json.log"),
        image_name="demo",
        env=("A=1", "B=2"),
        labels={"role": "x"},
    )
    config = {name.replace("_", "-"): value for name, value in options.items()}
    return await create_driver(LogConfig(type="json-file", config=config), info)


async def say(driver: LogDriver, *lines: str, at: int = 0) -> None:
    for line in lines:
        await driver.write(Batch(line.encode(), "stdout", at))


async def read(driver: LogDriver, **config: int | bool | None) -> list[str]:
    async with contextlib.aclosing(driver.read(ReadConfig(**config))) as blocks:  # type: ignore[arg-type]
        return [message.line.decode() async for block in blocks for message in block]


async def test_what_is_written_comes_back(tmp_path: Path) -> None:
    driver = await make(tmp_path)
    await driver.write(Batch(b"out\n", "stdout", 5))
    await driver.write(Batch(b"err", "stderr", 6))
    async with contextlib.aclosing(driver.read(ReadConfig())) as blocks:
        found = [message async for block in blocks for message in block]
    assert found == [Message(b"out\n", "stdout", 5), Message(b"err", "stderr", 6)]
    assert stat.S_IMODE((tmp_path / "x-json.log").stat().st_mode) == 0o640
    await driver.close()


async def test_attributes_and_tag(tmp_path: Path) -> None:
    driver = await make(
        tmp_path, labels="role,none", env_regex="^B", tag="{{.Name | upper}}/{{.ID}}"
    )
    await say(driver, "x\n")
    record = json.loads((tmp_path / "x-json.log").read_text())
    assert record["attrs"] == {"B": "2", "role": "x", "tag": "WEB/0123456789ab"}
    await driver.close()


async def test_rotation_overshoots_by_one_record(tmp_path: Path) -> None:
    driver = await make(tmp_path, max_size="230", max_file="3")
    await say(driver, "".join(f"line {number}\n" for number in range(10)))
    # 67 bytes a record: the fourth reaches the limit
    counts = [
        len((tmp_path / name).read_text().splitlines())
        for name in ("x-json.log.2", "x-json.log.1", "x-json.log")
    ]
    assert counts == [4, 4, 2]
    assert await read(driver) == [f"line {number}\n" for number in range(10)]
    assert await read(driver, tail=7) == [f"line {number}\n" for number in range(3, 10)]
    await driver.close()


async def test_a_rotation_without_a_new_file_goes_on_in_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of a descriptor that is closed may be somebody else's by the next write."""
    driver = await make(tmp_path, max_size="1", max_file="9")
    await say(driver, "first")
    with monkeypatch.context() as patched:
        patched.setattr("runner.logs.logfile._open", _too_many_open_files)
        with pytest.raises(RunnerError, match="Too many open files"):
            await say(driver, "lost")
    await say(driver, "second")
    await driver.close()
    texts = [path.read_text() for path in sorted(tmp_path.iterdir())]
    assert [sum(word in text for text in texts) for word in ("first", "second")] == [1, 1]


def _too_many_open_files(*_: object) -> int:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


async def test_batches_rotate_as_single_lines_do(tmp_path: Path) -> None:
    one, many = tmp_path / "one", tmp_path / "many"
    one.mkdir()
    many.mkdir()
    lines = [f"{number}\n" * (number % 3 + 1) for number in range(60)]
    first, second = [await make(folder, max_size="700", max_file="4") for folder in (one, many)]
    for line in "".join(lines).splitlines(keepends=True):
        await say(first, line)
    await say(second, "".join(lines))
    for path in one.iterdir():
        assert path.read_bytes() == (many / path.name).read_bytes()
    await first.close()
    await second.close()


async def test_one_file_is_emptied(tmp_path: Path) -> None:
    driver = await make(tmp_path, max_size="100")
    await say(driver, *(f"{number}\n" for number in range(5)))
    assert await read(driver) == ["4\n"]
    assert [path.name for path in tmp_path.iterdir()] == ["x-json.log"]
    await driver.close()


async def test_compressed_files_are_read_and_skipped(tmp_path: Path) -> None:
    driver = await make(tmp_path, max_size="100", max_file="4", compress="true")
    for number in range(7):
        await say(driver, f"{number}\n", at=number * SECOND)
    await driver.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["x-json.log", "x-json.log.1.gz", "x-json.log.2.gz", "x-json.log.3.gz"]
    assert b"4" in gzip.decompress((tmp_path / "x-json.log.1.gz").read_bytes())
    assert b'{"lastTime":"1970-01-01T00:00:05Z"}' in (tmp_path / "x-json.log.1.gz").read_bytes()
    driver = await make(tmp_path, max_size="100", max_file="4", compress="true")
    assert await read(driver) == [f"{number}\n" for number in range(7)]
    assert await read(driver, tail=4) == [f"{number}\n" for number in range(3, 7)]
    # The oldest two would not even decompress: their headers say that they are too old.
    for number in (2, 3):
        old = tmp_path / f"x-json.log.{number}.gz"
        old.write_bytes(old.read_bytes()[:-12])
    assert await read(driver, since_ns=5 * SECOND) == ["5\n", "6\n"]
    with pytest.raises(RunnerError, match="error opening rotated log files"):
        await read(driver)
    await driver.close()


async def test_since_and_until(tmp_path: Path) -> None:
    driver = await make(tmp_path)
    for number in (1, 3, 2, 5, 4):
        await say(driver, f"{number}\n", at=number * SECOND)
    assert await read(driver, since_ns=3 * SECOND) == ["3\n", "2\n", "5\n", "4\n"]
    assert await read(driver, until_ns=3 * SECOND) == ["1\n", "3\n", "2\n"]
    assert await read(driver, since_ns=9 * SECOND) == []
    assert await read(driver, since_ns=2 * SECOND, tail=2) == ["5\n", "4\n"]
    await driver.close()


@pytest.mark.parametrize("tail", [0, 1, 2, 999, 4000, 5000])
async def test_tail_of_a_large_file(tmp_path: Path, tail: int) -> None:
    driver = await make(tmp_path)
    lines = [f"{number} {'x' * (number % 200)}\n" for number in range(4000)]
    await say(driver, "".join(lines))
    assert await read(driver, tail=tail) == (lines[-tail:] if tail else [])
    await driver.close()


async def test_a_torn_line_is_left_out_and_the_next_starts_clean(tmp_path: Path) -> None:
    driver = await make(tmp_path)
    await say(driver, "a\n")
    await driver.close()
    with (tmp_path / "x-json.log").open("a") as file:
        file.write('{"log":"tor')
    driver = await make(tmp_path)
    assert await read(driver) == ["a\n"]
    await say(driver, "b\n")
    assert await read(driver) == ["a\n", "b\n"]
    await driver.close()


async def test_records_larger_than_a_block(tmp_path: Path) -> None:
    driver = await make(tmp_path)
    await say(driver, "a\n", "\0" * 16384, "\0" * 16384, "b\n")
    lines = await read(driver)
    assert [len(line) for line in lines] == [2, 16384, 16384, 2]
    huge = "<" * 400_000
    await say(driver, huge, "c\n")
    assert [len(line) for line in await read(driver)][-2:] == [400_000, 2]
    await driver.close()


async def test_follow_crosses_rotations_and_ends_with_the_container(tmp_path: Path) -> None:
    driver = await make(tmp_path, max_size="300", max_file="2")
    await say(driver, "0\n")
    follower = asyncio.create_task(read(driver, follow=True, tail=0))
    await asyncio.sleep(0)
    for number in range(1, 50):
        await say(driver, f"{number}\n")
        await asyncio.sleep(0.001)
    await driver.close()
    assert await asyncio.wait_for(follower, 5) == [f"{number}\n" for number in range(1, 50)]


async def test_a_follower_s_departure_leaves_nothing(tmp_path: Path) -> None:
    driver = await make(tmp_path)
    follower = asyncio.create_task(read(driver, follow=True))
    await asyncio.sleep(0.05)
    follower.cancel()
    with pytest.raises(asyncio.CancelledError):
        await follower
    await say(driver, "x\n")
    assert await read(driver) == ["x\n"]
    await driver.close()


async def test_follow_of_a_closed_log_ends(tmp_path: Path) -> None:
    driver = await make(tmp_path)
    await say(driver, "a\n")
    await driver.close()
    await driver.close()
    assert await asyncio.wait_for(read(driver, follow=True), 5) == ["a\n"]
    with pytest.raises(RunnerError, match="output file was closed"):
        await say(driver, "b\n")


async def test_until_ends_a_follower(tmp_path: Path) -> None:
    driver = await make(tmp_path)
    follower = asyncio.create_task(read(driver, follow=True, until_ns=5))
    await asyncio.sleep(0.02)
    await say(driver, "a\n", at=5)
    await say(driver, "b\n", at=6)
    assert await asyncio.wait_for(follower, 5) == ["a\n"]
    await driver.close()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"max_size": "x"}, "invalid size: 'x'"),
        ({"max_size": "0"}, "max-size must be a positive number"),
        ({"max_file": "0"}, "max-file cannot be less than 1"),
        ({"max_file": "x"}, 'strconv.Atoi: parsing "x": invalid syntax'),
        ({"compress": "maybe"}, 'strconv.ParseBool: parsing "maybe": invalid syntax'),
        (
            {"compress": "true"},
            "compress cannot be true when max-file is less than 2 or max-size is not set",
        ),
        (
            {"tag": "{{.Nope}}"},
            (
                'template: log-tag:1:2: executing "log-tag" at <.Nope>: '
                "can't evaluate field Nope in type *logger.Info"
            ),
        ),
        ({"tag": "{{.ID"}, "template: log-tag:1: unclosed action"),
        ({"tag": "{{foo}}"}, 'template: log-tag:1: function "foo" not defined'),
    ],
)
async def test_bad_values_show_at_start_with_dockerd_s_texts(
    tmp_path: Path, options: dict[str, str], text: str
) -> None:
    with pytest.raises(RunnerError) as caught:
        await make(tmp_path, **options)
    assert str(caught.value) == text
    assert list(tmp_path.iterdir()) == []


async def make_kind(kind: str, tmp_path: Path, **options: str) -> LogDriver:
    info = LogInfo("0123456789abcdef" * 4, "/web", str(tmp_path / "logs" / "container.log"))
    (tmp_path / "logs").mkdir(exist_ok=True)
    config = {name.replace("_", "-"): value for name, value in options.items()}
    return await create_driver(LogConfig(type=kind, config=config), info)


@pytest.mark.parametrize("kind", ["json-file", "local"])
@pytest.mark.parametrize("fits", [0, 1, 100, 3000, 8000])
async def test_a_full_disk_leaves_no_torn_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, fits: int
) -> None:
    driver = await make_kind(kind, tmp_path)
    await say(driver, "before\n")

    def full(fd: int, data: bytes) -> None:
        os.write(fd, data[:fits])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    many = [f"line {number}\n" for number in range(200)]
    with monkeypatch.context() as patched:
        patched.setattr("runner.logs.logfile._write_all", full)
        with pytest.raises(RunnerError, match=r"error writing log entry.*No space left on device"):
            await say(driver, "".join(many))
        kept = await read(driver)
    assert kept == ["before\n", *many][: len(kept)]
    await say(driver, "after\n")
    assert await read(driver) == [*kept, "after\n"]
    assert await read(driver, tail=2) == [kept[-1], "after\n"]
    await driver.close()


@pytest.mark.parametrize("kind", ["json-file", "local"])
async def test_a_reader_of_a_torn_file_changes_nothing(tmp_path: Path, kind: str) -> None:
    """Only who writes mends: what looks torn may be somebody's write under way."""
    driver = await make_kind(kind, tmp_path)
    await say(driver, "a\n", "b\n")
    await driver.close()
    path = tmp_path / "logs" / "container.log"
    torn = path.read_bytes()[:-3]
    path.write_bytes(torn)
    driver = await make_kind(kind, tmp_path)
    assert await read(driver) == ["a\n"]
    assert path.read_bytes() == torn
    await say(driver, "c\n")
    assert await read(driver) == ["a\n", "c\n"]
    await driver.close()


async def test_the_local_driver_s_defaults(tmp_path: Path) -> None:
    """20 MB, five files, compressed."""
    driver = await make_kind("local", tmp_path)
    line = "x" * 15_000 + "\n"
    written = 0
    while written < 21 * 1024 * 1024:
        await say(driver, line * 100)
        written += 100 * len(line)
    await driver.close()
    folder = tmp_path / "logs"
    assert sorted(os.listdir(folder)) == ["container.log", "container.log.1.gz"]
    rotated = gzip.decompress((folder / "container.log.1.gz").read_bytes())
    assert 20 * 1024 * 1024 <= len(rotated) < 20 * 1024 * 1024 + 20_000


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"max_size": "x"}, "invalid value for max-size: x: invalid size: 'x'"),
        ({"max_size": "-1"}, "invalid value for max-size: -1: invalid size: '-1'"),
        (
            {"max_file": "x"},
            'invalid value for max-file: x: strconv.Atoi: parsing "x": invalid syntax',
        ),
        (
            {"max_file": "9" * 20},
            (
                f"invalid value for max-file: {'9' * 20}: strconv.Atoi: parsing "
                f'"{"9" * 20}": value out of range'
            ),
        ),
        ({"max_file": "1"}, "compression cannot be enabled when max file count is 1"),
        ({"max_file": "-1"}, "max file count cannot be less than 0"),
        (
            {"compress": "x"},
            'error reading compress log option: strconv.ParseBool: parsing "x": invalid syntax',
        ),
    ],
)
async def test_bad_values_for_local(tmp_path: Path, options: dict[str, str], text: str) -> None:
    with pytest.raises(RunnerError) as caught:
        await make_kind("local", tmp_path, **options)
    assert str(caught.value) == text
    assert list((tmp_path / "logs").iterdir()) == []


@pytest.mark.parametrize("files", ["0", "1"])
async def test_one_local_file_is_emptied(tmp_path: Path, files: str) -> None:
    driver = await make_kind("local", tmp_path, max_file=files, max_size="0", compress="false")
    await say(driver, "a\n", "b\n")
    assert await read(driver) == ["b\n"]
    assert os.listdir(tmp_path / "logs") == ["container.log"]
    await driver.close()
