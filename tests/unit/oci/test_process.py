from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pytest

from runner.oci.init_binary import NAMES, is_static
from runner.oci.process import (
    create_daemon_environment,
    merge_ulimits,
    replace_or_append_env_values,
)
from runner.oci.spec import Box
from runner.types.container import Config, HostConfig, Ulimit
from tests.unit.oci import support

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("defaults", "overrides", "expected"),
    [
        (["A=1"], [], ["A=1"]),
        (["A=1", "B=2"], ["A=3"], ["A=3", "B=2"]),
        (["A=1"], ["B=2=3", "C="], ["A=1", "B=2=3", "C="]),
        (["A=1"], ["A"], []),
        (["A=1"], ["UNKNOWN", ""], ["A=1"]),
        (["A=1"], ["X=1", "X=2"], ["A=1", "X=1", "X=2"]),
        (["A=1"], ["=x"], ["A=1", "=x"]),
    ],
)
def test_environment(defaults: list[str], overrides: list[str], expected: list[str]) -> None:
    assert replace_or_append_env_values(defaults, overrides) == expected


def test_order_of_the_environment() -> None:
    assert create_daemon_environment("box", True, ["DB_PORT=1"], ["TERM=vt100", "A=1"]) == [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOSTNAME=box",
        "TERM=vt100",
        "DB_PORT=1",
        "A=1",
    ]


def test_ulimits_of_the_engine_fill_in() -> None:
    mine = Ulimit(name="nofile", hard=1, soft=1)
    defaults = {name: Ulimit(name=name, hard=9, soft=9) for name in ("nproc", "nofile", "core")}
    assert merge_ulimits([mine], defaults) == [mine, defaults["core"], defaults["nproc"]]


def test_unlimited_ulimit() -> None:
    settings = HostConfig(ulimits=[Ulimit(name="core", hard=-1, soft=-1)])
    (limit,) = support.spec(settings=settings).process.rlimits
    assert (limit.type, limit.hard, limit.soft) == ("RLIMIT_CORE", 2**64 - 1, 2**64 - 1)


@pytest.mark.parametrize(
    ("size", "tty", "expected"),
    [
        ((24, 80), True, Box(height=24, width=80)),
        ((24, 80), False, None),
        ((0, 0), True, None),
    ],
)
def test_console_size(size: tuple[int, int], tty: bool, expected: Box | None) -> None:
    made = support.spec(Config(tty=tty), HostConfig(console_size=size))
    assert made.process.console_size == expected


def test_engine_wide_init() -> None:
    asked: dict[str, Any] = {"init": True, "init_path": "/usr/bin/tini"}
    assert support.spec(**asked).process.args == ["/sbin/docker-init", "--", "/bin/true"]
    refused = support.spec(settings=HostConfig(init=False), **asked)
    assert refused.process.args == ["/bin/true"]


def test_sysctls_that_the_kernel_lacks() -> None:
    assert support.spec(on=support.host(sysctls=())).linux.sysctl == {}


def test_no_ping_range_in_a_user_namespace() -> None:
    made = support.spec(on=support.host(in_user_namespace=True))
    assert made.linux.sysctl == {"net.ipv4.ip_unprivileged_port_start": "0"}


def test_static_binaries(tmp_path: Path) -> None:
    script = tmp_path / NAMES[0]
    script.write_text("#!/bin/sh\n")
    assert not is_static(script)
    assert not is_static(tmp_path / "missing")
    for bits, order in ((1, 1), (1, 2), (2, 1), (2, 2)):
        for interpreter in (False, True):
            script.write_bytes(elf(bits, order, interpreter))
            assert is_static(script) is not interpreter
    script.write_bytes(b"\x7fELF\x02\x01")
    assert not is_static(script)


def elf(bits: int, order: int, interpreter: bool) -> bytes:
    """A header and one segment."""
    end: Literal["little", "big"] = "little" if order == 1 else "big"
    offset, places = (64, (32, 54, 8)) if bits == 2 else (52, (28, 42, 4))
    header = bytearray(offset + 56)
    header[:6] = bytes((0x7F, 0x45, 0x4C, 0x46, bits, order))
    header[places[0] : places[0] + places[2]] = offset.to_bytes(places[2], end)
    header[places[1] : places[1] + 4] = (56).to_bytes(2, end) + (1).to_bytes(2, end)
    header[offset : offset + 4] = (3 if interpreter else 1).to_bytes(4, end)
    return bytes(header)
