"""What `info` makes of the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.engine.info import mask_credentials, operating_system, os_release, warnings_of
from runner.engine.state import State, count_states
from runner.engine.sysinfo import SysInfo

if TYPE_CHECKING:
    from pathlib import Path

ALL = {
    name: True
    for name in SysInfo.__dataclass_fields__
    if name.startswith(("blkio", "memory", "cpu_", "swap", "oom", "kernel")) or name == "cpuset"
} | {"cpu_count": 1, "cpu_sets": frozenset[int]()}
V1_THROTTLES = [
    f"WARNING: No blkio throttle.{way}_{unit}_device support"
    for unit in ("bps", "iops")
    for way in ("read", "write")
]


@pytest.mark.parametrize("unified", [True, False])
def test_a_host_that_can_do_everything_has_no_warnings(unified: bool) -> None:
    assert warnings_of(SysInfo(**ALL, cgroup_unified=unified)) == []


def test_a_host_with_cgroup_version_1_that_can_do_nothing() -> None:
    assert warnings_of(SysInfo(ipv4_forwarding_disabled=True)) == [
        "WARNING: No memory limit support",
        "WARNING: No swap limit support",
        "WARNING: No kernel memory TCP limit support",
        "WARNING: No oom kill disable support",
        "WARNING: No cpu cfs quota support",
        "WARNING: No cpu cfs period support",
        "WARNING: No cpu shares support",
        "WARNING: No cpuset support",
        *V1_THROTTLES,
        "WARNING: IPv4 forwarding is disabled",
    ]


def test_a_host_with_cgroup_version_2_that_can_do_nothing() -> None:
    assert warnings_of(SysInfo(cgroup_unified=True)) == [
        "WARNING: No memory limit support",
        "WARNING: No swap limit support",
        "WARNING: No cpu cfs quota support",
        "WARNING: No cpu cfs period support",
        "WARNING: No cpu shares support",
        "WARNING: No cpuset support",
        "WARNING: No io.weight support",
        "WARNING: No io.weight (per device) support",
        "WARNING: No io.max (rbps) support",
        "WARNING: No io.max (wbps) support",
        "WARNING: No io.max (riops) support",
        "WARNING: No io.max (wiops) support",
    ]


@pytest.mark.parametrize(
    ("cgroups", "contained"),
    [
        ("12:memory:/\n1:name=systemd:/init.scope\n0::/init.scope\n", False),
        ("0::/\n", False),
        ("12:memory:/docker/abc\n", True),
        ("0::/../x\n", True),
    ],
)
def test_an_engine_in_a_container_says_so(tmp_path: Path, cgroups: str, contained: bool) -> None:
    file = tmp_path / "cgroup"
    file.write_text(cgroups)
    name = os_release().get("PRETTY_NAME", "Linux")
    assert operating_system(file) == (f"{name} (containerized)" if contained else name)


def test_an_engine_that_cannot_tell_says_that(tmp_path: Path) -> None:
    assert operating_system(tmp_path / "none").endswith(" (error determining if containerized)")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("", ""),
        ("http://proxy:3128", "http://proxy:3128"),
        ("http://me:secret@proxy:3128/x@y", "http://xxxxx:xxxxx@proxy:3128/x@y"),
        ("http://me@proxy", "http://xxxxx:xxxxx@proxy"),
        ("proxy.test/a@b", "proxy.test/a@b"),
    ],
)
def test_a_proxys_password_is_not_told(url: str, shown: str) -> None:
    assert mask_credentials(url) == shown


def test_states_are_three_and_restarting_is_stopped() -> None:
    states = [
        State(running=True),
        State(running=True, paused=True),
        State(running=True, restarting=True),
        State(),
        State(dead=True),
    ]
    assert count_states(states) == {"running": 1, "paused": 1, "stopped": 3}
