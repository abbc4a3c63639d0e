"""The default profile is compared with dockerd's in test_golden; here the rest of the logic."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runner.oci.capabilities import DEFAULT_CAPABILITIES
from runner.oci.seccomp import default_profile, load_profile, parse_release, setup_seccomp
from runner.oci.spec import LinuxSeccompArg, LinuxSyscall
from runner.types.capabilities import KNOWN_CAPABILITIES
from runner.types.container import HostConfig
from runner.types.errors import InvalidParameter
from tests.unit.oci import support

NONE: frozenset[str] = frozenset()


def names(
    rule: dict[str, Any], capabilities: frozenset[str] = NONE, arch: str = "amd64"
) -> list[str]:
    """The system calls that one rule leads to, on Linux 5.10."""
    profile = {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["x"]} | rule]}
    found = setup_seccomp(load_profile(json.dumps(profile)), capabilities, arch, (5, 10))
    assert found is not None
    return [name for syscall in found.syscalls for name in syscall.names]


def allowed(capabilities: frozenset[str], arch: str = "amd64") -> set[str]:
    """What the default profile lets through without conditions."""
    found = setup_seccomp(default_profile(), capabilities, arch, (6, 1))
    assert found is not None
    return {
        name
        for syscall in found.syscalls
        if syscall.action == "SCMP_ACT_ALLOW" and not syscall.args
        for name in syscall.names
    }


@pytest.mark.parametrize(
    ("rule", "applies"),
    [
        ({}, True),
        ({"includes": {}}, True),
        ({"excludes": {}}, True),
        ({"includes": {"caps": ["CAP_A"]}}, True),
        ({"includes": {"caps": ["CAP_A", "CAP_B"]}}, False),
        ({"excludes": {"caps": ["CAP_B", "CAP_A"]}}, False),
        ({"excludes": {"caps": ["CAP_B"]}}, True),
        ({"includes": {"arches": ["arm64", "amd64"]}}, True),
        ({"includes": {"arches": ["x86"]}}, False),
        ({"excludes": {"arches": ["amd64"]}}, False),
        ({"includes": {"minKernel": "5.10"}}, True),
        ({"includes": {"minKernel": "5.11"}}, False),
        ({"includes": {"minKernel": "4.99"}}, True),
        ({"excludes": {"minKernel": "5.10"}}, False),
        ({"excludes": {"minKernel": "6.0"}}, True),
        ({"includes": {"minKernel": ""}}, True),
        ({"includes": None, "excludes": None, "args": None}, True),
        ({"includes": {"arches": ["amd64"]}, "excludes": {"caps": ["CAP_A"]}}, False),
    ],
)
def test_conditions(rule: dict[str, Any], applies: bool) -> None:
    assert (names(rule, frozenset({"CAP_A"})) == ["x"]) is applies


def test_the_old_format() -> None:
    assert names({"names": [], "name": "chmod"}) == ["chmod"]
    with pytest.raises(InvalidParameter, match=r"^both 'name' and 'names' are specified"):
        names({"name": "chmod"})


@pytest.mark.parametrize("version", ["5", "5.1.2", "x.y", "-1.2", "5.٣", "0.0"])
def test_bad_kernel_versions(version: str) -> None:
    with pytest.raises(InvalidParameter, match=f'invalid kernel version: "{version}"'):
        names({"includes": {"minKernel": version}})


@pytest.mark.parametrize(
    "body", ["", "{", "[]", '"x"', '{"syscalls": 3}', '{"defaultAction": 1}', "[" * 9999]
)
def test_bad_profiles(body: str) -> None:
    with pytest.raises(InvalidParameter, match=r"^Decoding seccomp profile failed: "):
        load_profile(body)


def test_an_empty_profile_is_none() -> None:
    assert setup_seccomp(load_profile("{}"), NONE, "amd64", (5, 1)) is None


def test_architectures() -> None:
    profile = load_profile('{"defaultAction": "A", "architectures": ["SCMP_ARCH_ARM"]}')
    found = setup_seccomp(profile, NONE, "amd64", (5, 1))
    assert found is not None
    assert found.architectures == ("SCMP_ARCH_ARM",)
    profile.arch_map = default_profile().arch_map
    with pytest.raises(InvalidParameter, match=r"^both 'architectures' and 'archMap'"):
        setup_seccomp(profile, NONE, "amd64", (5, 1))


@pytest.mark.parametrize(
    ("arch", "expected"),
    [
        ("amd64", ("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32")),
        ("arm64", ("SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM")),
        ("riscv64", ("SCMP_ARCH_RISCV64",)),
        ("ppc64le", ()),
        ("unheard-of", ()),
    ],
)
def test_default_architectures(arch: str, expected: tuple[str, ...]) -> None:
    found = setup_seccomp(default_profile(), NONE, arch, (5, 1))
    assert found is not None
    assert found.architectures == expected


def test_arguments_are_kept() -> None:
    profile = load_profile(
        '{"defaultAction": "A", "syscalls": [{"names": ["s"], "action": "B", "errnoRet": 0,'
        ' "args": [{"index": 1, "value": 18446744073709551615, "valueTwo": 2, "op": "C"}]}]}'
    )
    found = setup_seccomp(profile, NONE, "amd64", (5, 1))
    assert found is not None
    arguments = (LinuxSeccompArg(1, 2**64 - 1, "C", 2),)
    assert found.syscalls == (LinuxSyscall(("s",), "B", 0, arguments),)


def test_capabilities_open_the_default_profile() -> None:
    usual = allowed(frozenset(DEFAULT_CAPABILITIES))
    everything = allowed(frozenset(KNOWN_CAPABILITIES))
    assert usual < everything
    assert "chroot" in usual
    assert {"mount", "clone", "bpf", "reboot", "init_module"} <= everything - usual
    assert not {"kexec_load", "add_key", "keyctl", "userfaultfd", "io_uring_setup"} & everything


def test_architectures_of_the_default_profile() -> None:
    assert "arch_prctl" in allowed(NONE)
    assert "arch_prctl" not in allowed(NONE, "arm64")
    assert "set_tls" in allowed(NONE, "arm64")


@pytest.mark.parametrize(
    ("release", "version"), [("6.1.0-9-amd64", (6, 1)), ("5.10", (5, 10)), ("3.12-rc5", (3, 12))]
)
def test_releases(release: str, version: tuple[int, int]) -> None:
    assert parse_release(release) == version


def test_bad_release() -> None:
    with pytest.raises(InvalidParameter, match="failed to parse kernel version"):
        parse_release("linux")


def made(
    *, options: list[str], engine: str = "", seccomp: bool = True, privileged: bool = False
) -> str:
    spec = support.spec(
        settings=HostConfig(security_opt=options, privileged=privileged),
        on=support.host(seccomp=seccomp),
        seccomp_profile=engine,
    )
    return spec.linux.seccomp.default_action if spec.linux.seccomp else ""


CUSTOM = 'seccomp={"defaultAction": "CUSTOM"}'
ENGINES = '{"defaultAction": "ENGINE"}'


@pytest.mark.parametrize(
    ("case", "action"),
    [
        ({"options": []}, "SCMP_ACT_ERRNO"),
        ({"options": ["seccomp=builtin"], "engine": ENGINES}, "SCMP_ACT_ERRNO"),
        ({"options": ["seccomp=unconfined"]}, ""),
        ({"options": [], "engine": "unconfined"}, ""),
        ({"options": [], "engine": ENGINES}, "ENGINE"),
        ({"options": [CUSTOM], "engine": ENGINES}, "CUSTOM"),
        ({"options": [], "privileged": True, "engine": ENGINES}, ""),
        ({"options": [CUSTOM], "privileged": True}, "CUSTOM"),
        ({"options": [], "seccomp": False}, ""),
        ({"options": ["seccomp=unconfined"], "seccomp": False}, ""),
    ],
)
def test_which_profile(case: dict[str, Any], action: str) -> None:
    assert made(**case) == action


def test_a_custom_profile_needs_the_kernel() -> None:
    with pytest.raises(InvalidParameter) as caught:
        made(options=[CUSTOM], seccomp=False)
    assert str(caught.value) == (
        "seccomp is not enabled in your kernel, cannot run a custom seccomp profile"
    )
