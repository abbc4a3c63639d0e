from __future__ import annotations

import json

import msgspec
import pytest

from runner.oci.spec import (
    Linux,
    LinuxDevice,
    LinuxDeviceCgroup,
    LinuxMemory,
    LinuxSeccompArg,
    LinuxThrottleDevice,
    Process,
    Root,
    Spec,
    User,
)
from runner.types.paths import clean, depth


def test_what_go_leaves_out() -> None:
    spec = Spec("1.2.1", Process(User(0, 0), "/"), Root(""), Linux())
    assert json.loads(msgspec.json.encode(spec)) == {
        "ociVersion": "1.2.1",
        "process": {"user": {"uid": 0, "gid": 0}, "cwd": "/"},
        "root": {"path": ""},
        "linux": {"resources": {}},
    }


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (
            LinuxMemory(limit=0, disable_oom_killer=False, kernel_tcp=1),
            {"limit": 0, "disableOOMKiller": False, "kernelTCP": 1},
        ),
        (
            LinuxDevice("/d", "c", 0, 0, uid=0, file_mode=0),
            {"path": "/d", "type": "c", "major": 0, "minor": 0, "uid": 0, "fileMode": 0},
        ),
        (LinuxDeviceCgroup(False, major=-1), {"allow": False, "major": -1}),
        (LinuxThrottleDevice(8, 0, 0), {"major": 8, "minor": 0, "rate": 0}),
        (LinuxSeccompArg(0, 0, "OP"), {"index": 0, "value": 0, "op": "OP"}),
    ],
)
def test_zero_is_not_nothing(value: msgspec.Struct, encoded: dict[str, object]) -> None:
    assert json.loads(msgspec.json.encode(value)) == encoded


@pytest.mark.parametrize(
    ("path", "cleaned", "levels"),
    [("/", "/", 1), ("//a", "/a", 1), ("/a/", "/a", 1), ("/a/../b/./c//d", "/b/c/d", 3)],
)
def test_paths(path: str, cleaned: str, levels: int) -> None:
    assert clean(path) == cleaned
    assert depth(path) == levels
