"""Seccomp profiles: Docker's JSON format, resolved for one container (moby/profiles/seccomp).

A profile's rules can depend on the container's capabilities, the architecture and the kernel's
version; the OCI spec knows no conditions, so they are decided here. The default profile is
`data/seccomp.json`, equal in effect to dockerd's.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from runner.oci.security_opt import parse_security_opt
from runner.oci.spec import LinuxSeccomp, LinuxSeccompArg, LinuxSyscall
from runner.types import gojson
from runner.types.errors import InvalidParameter
from runner.types.wire import Wire, from_wire

if TYPE_CHECKING:
    from runner.oci.host import Host
    from runner.oci.request import SpecRequest
    from runner.oci.spec import Spec

UNCONFINED: Final = "unconfined"
BUILTIN: Final = "builtin"

_DEFAULT_PROFILE: Final = Path(__file__).parent / "data" / "seccomp.json"

_ARCHITECTURES: Final = {
    "386": ("x86", "SCMP_ARCH_X86"),
    "amd64": ("amd64", "SCMP_ARCH_X86_64"),
    "arm": ("arm", "SCMP_ARCH_ARM"),
    "arm64": ("arm64", "SCMP_ARCH_AARCH64"),
    "mips64": ("mips64", "SCMP_ARCH_MIPS64"),
    "mips64le": ("mipsel64", "SCMP_ARCH_MIPSEL64"),
    "mipsle": ("mipsel", "SCMP_ARCH_MIPSEL"),
    "ppc64": ("ppc64", "SCMP_ARCH_PPC64"),
    "ppc64le": ("ppc64le", "SCMP_ARCH_PPC64LE"),
    "riscv64": ("riscv64", "SCMP_ARCH_RISCV64"),
    "s390x": ("s390x", "SCMP_ARCH_S390X"),
}
"""GOARCH: the name in conditions, and libseccomp's."""

KernelVersion = tuple[int, int]


class Architecture(Wire, rename="camel"):
    """An architecture and those whose programs its kernel runs as well."""

    architecture: str
    sub_architectures: list[str] = msgspec.field(default_factory=list)


class Filter(Wire, rename="camel"):
    """Conditions of a rule. Of several architectures one must match, of capabilities all."""

    caps: list[str] = msgspec.field(default_factory=list)
    arches: list[str] = msgspec.field(default_factory=list)
    min_kernel: str = ""


class Arg(Wire, rename="camel"):
    """A condition on an argument of the system call."""

    index: int
    value: int = 0
    value_two: int = 0
    op: str = ""


class Rule(Wire, rename="camel"):
    """What to do on some system calls. `name` is what `names` was once."""

    action: str = ""
    names: list[str] = msgspec.field(default_factory=list)
    name: str = ""
    errno_ret: int | None = None
    args: list[Arg] = msgspec.field(default_factory=list)
    comment: str = ""
    includes: Filter | None = None
    excludes: Filter | None = None


class Profile(Wire, rename="camel"):
    """A profile as `--security-opt seccomp=FILE` takes it."""

    default_action: str = ""
    default_errno_ret: int | None = None
    architectures: list[str] = msgspec.field(default_factory=list)
    arch_map: list[Architecture] = msgspec.field(default_factory=list)
    flags: list[str] = msgspec.field(default_factory=list)
    listener_path: str = ""
    listener_metadata: str = ""
    syscalls: list[Rule] = msgspec.field(default_factory=list)


def with_seccomp(spec: Spec, request: SpecRequest, host: Host) -> None:
    """The container's profile, or the engine's, or the default (WithSeccomp).

    Capabilities must have been decided before. Raises InvalidParameter.
    """
    chosen = parse_security_opt(request.host_config.security_opt).seccomp_profile
    if request.host_config.privileged:
        profile = chosen or UNCONFINED
    else:
        profile = chosen or request.seccomp_profile or BUILTIN
    if profile == UNCONFINED:
        return
    if not host.seccomp and not request.host_config.privileged:
        if chosen not in ("", BUILTIN):
            raise InvalidParameter(
                "seccomp is not enabled in your kernel, cannot run a custom seccomp profile"
            )
        return
    capabilities = spec.process.capabilities
    bounding = frozenset(capabilities.bounding if capabilities else ())
    spec.linux.seccomp = _resolved(profile, bounding, host.architecture, host.kernel_release)


def load_profile(body: str) -> Profile:
    """Read a profile's JSON. Raises InvalidParameter."""
    try:
        return from_wire(gojson.decode(body), Profile)
    except (msgspec.DecodeError, InvalidParameter) as err:
        raise InvalidParameter(f"Decoding seccomp profile failed: {err}") from err


@functools.cache
def default_profile() -> Profile:
    """The profile of containers that name none."""
    return load_profile(_DEFAULT_PROFILE.read_text())


def setup_seccomp(
    profile: Profile, capabilities: frozenset[str], architecture: str, kernel: KernelVersion
) -> LinuxSeccomp | None:
    """Decide the conditions (setupSeccomp). None when the profile says nothing at all.

    `architecture` is a GOARCH. Raises InvalidParameter.
    """
    if not profile.default_action and not profile.syscalls:
        return None
    if profile.architectures and profile.arch_map:
        raise InvalidParameter(
            "both 'architectures' and 'archMap' are specified in the seccomp profile, "
            "use either 'architectures' or 'archMap'"
        )
    native, seccomp_name = _ARCHITECTURES.get(architecture, ("", ""))
    return LinuxSeccomp(
        default_action=profile.default_action,
        default_errno_ret=profile.default_errno_ret,
        architectures=tuple(profile.architectures) or _map_architecture(profile, seccomp_name),
        flags=tuple(profile.flags),
        listener_path=profile.listener_path,
        listener_metadata=profile.listener_metadata,
        syscalls=tuple(
            _convert(rule)
            for rule in profile.syscalls
            if _applies(rule, capabilities, native, kernel)
        ),
    )


@functools.lru_cache(maxsize=64)
def _resolved(
    profile: str, capabilities: frozenset[str], architecture: str, kernel_release: str
) -> LinuxSeccomp | None:
    """Remembered: nearly all containers of a host have one of a few sets of capabilities."""
    loaded = default_profile() if profile == BUILTIN else load_profile(profile)
    return setup_seccomp(loaded, capabilities, architecture, parse_release(kernel_release))


def parse_release(release: str) -> KernelVersion:
    """Version and major revision of `uname -r`. Raises InvalidParameter."""
    found = re.match(r"([0-9]+)\.([0-9]+)", release, re.ASCII)
    if found is None:
        raise InvalidParameter(f'failed to parse kernel version "{release}"')
    return int(found[1]), int(found[2])


def _map_architecture(profile: Profile, seccomp_name: str) -> tuple[str, ...]:
    for mapped in profile.arch_map:
        if mapped.architecture == seccomp_name:
            return (mapped.architecture, *mapped.sub_architectures)
    return ()


def _applies(rule: Rule, capabilities: frozenset[str], native: str, kernel: KernelVersion) -> bool:
    if rule.excludes is not None and _excluded(rule.excludes, capabilities, native, kernel):
        return False
    return rule.includes is None or _included(rule.includes, capabilities, native, kernel)


def _excluded(
    condition: Filter, capabilities: frozenset[str], native: str, kernel: KernelVersion
) -> bool:
    return (
        native in condition.arches
        or not capabilities.isdisjoint(condition.caps)
        or (bool(condition.min_kernel) and kernel >= _min_kernel(condition))
    )


def _included(
    condition: Filter, capabilities: frozenset[str], native: str, kernel: KernelVersion
) -> bool:
    return (
        (not condition.arches or native in condition.arches)
        and capabilities.issuperset(condition.caps)
        and (not condition.min_kernel or kernel >= _min_kernel(condition))
    )


def _min_kernel(condition: Filter) -> KernelVersion:
    found = re.fullmatch(r"([0-9]{1,3})\.([0-9]{1,3})", condition.min_kernel, re.ASCII)
    problem = f'invalid kernel version: "{condition.min_kernel}", expected "<kernel>.<major>"'
    if found is None:
        raise InvalidParameter(f"Decoding seccomp profile failed: {problem}")
    version = int(found[1]), int(found[2])
    if version == (0, 0):
        raise InvalidParameter(f"Decoding seccomp profile failed: {problem}: version cannot be 0.0")
    return version


def _convert(rule: Rule) -> LinuxSyscall:
    if rule.name and rule.names:
        raise InvalidParameter(
            "both 'name' and 'names' are specified in the seccomp profile, "
            "use either 'name' or 'names'"
        )
    return LinuxSyscall(
        names=(rule.name,) if rule.name else tuple(rule.names),
        action=rule.action,
        errno_ret=rule.errno_ret,
        args=tuple(
            LinuxSeccompArg(arg.index, arg.value, arg.op, arg.value_two) for arg in rule.args
        ),
    )
