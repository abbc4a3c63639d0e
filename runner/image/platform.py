"""Platforms: parsing, normalising, choosing the one that fits (github.com/containerd/platforms).

Where several manifests fit, the matcher's order decides: an exact match first, then the older
variants that the platform can also run.
"""

from __future__ import annotations

import functools
import os
import platform as host
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from runner.types.errors import InvalidParameter
from runner.types.image import Descriptor, Platform

_COMPONENT = re.compile(r"[A-Za-z0-9_.-]+")
_OS_AND_VERSION = re.compile(r"([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.-]*)\))?")
_COMPONENT_TEXT = "^[A-Za-z0-9_.-]+$"
_OS_AND_VERSION_TEXT = r"^([A-Za-z0-9_-]+)(?:\\(([A-Za-z0-9_.-]*)\\))?$"

_KNOWN_OS = """
    aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris
    windows zos
""".split()
_KNOWN_ARCH = """
    386 amd64 amd64p32 arm armbe arm64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le
    mips64p32 mips64p32le ppc riscv riscv64 s390 s390x sparc sparc64 wasm
""".split()
_MACHINES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "i386": "386",
    "i686": "386",
    "loongarch64": "loong64",
}


def parse(specifier: str) -> Platform:
    """`os`, `arch`, `os/arch` or `os/arch/variant`; what is missing is the host's.

    Raises InvalidParameter with the library's texts.
    """
    if "*" in specifier:
        raise _invalid(f"{_quote(specifier)}: wildcards not yet supported")
    parts = specifier.split("/", 3)
    os_name, os_version = _parse_os(parts[0], specifier)
    for part in parts[1:]:
        if not _COMPONENT.fullmatch(part):
            raise _invalid(
                f"{_quote(part)} is an invalid component of {_quote(specifier)}: platform "
                f'specifier component must match "{_COMPONENT_TEXT}"'
            )
    if len(parts) == 1:
        return _parse_single(parts[0], os_name, os_version, specifier)
    if len(parts) > 3:
        raise _invalid(f"{_quote(specifier)}: cannot parse platform specifier")
    arch, variant = _normalize_arch(parts[1], parts[2] if len(parts) == 3 else "")
    if len(parts) == 2 and (arch, variant) == ("arm", "v7"):
        variant = ""
    if len(parts) == 3 and (arch, variant) == ("arm64", ""):
        variant = "v8"
    return Platform(architecture=arch, os=os_name, os_version=os_version, variant=variant)


def format_all(platform: Platform) -> str:
    """`linux/arm64/v8`, with the version of the system when there is one."""
    if not platform.os:
        return "unknown"
    system = f"{platform.os}({platform.os_version})" if platform.os_version else platform.os
    return "/".join(part for part in (system, platform.architecture, platform.variant) if part)


def normalize(platform: Platform) -> Platform:
    """The canonical spelling: `aarch64` is arm64, arm64/v8 is arm64."""
    arch, variant = _normalize_arch(platform.architecture, platform.variant)
    return msgspec.structs.replace(
        platform, os=_normalize_os(platform.os), architecture=arch, variant=variant
    )


@functools.cache
def host_platform() -> Platform:
    """The platform that this machine runs (platforms.DefaultSpec)."""
    machine = host.machine().lower()
    arch = _MACHINES.get(machine, machine)
    if arch.startswith("armv"):
        arch = "arm"
    variant = _cpu_variant(machine) if arch in {"arm", "arm64"} else ""
    return Platform(architecture=arch, os=os.uname().sysname.lower(), variant=variant)


@dataclass(frozen=True, slots=True)
class Matcher:
    """Which platforms fit, and which of two that fit is better.

    `accept_all` lets every platform fit, those of the vector first; `requested` is what the user
    asked for, named in errors.
    """

    vector: tuple[Platform, ...]
    accept_all: bool = False
    requested: Platform | None = None

    def match(self, platform: Platform) -> bool:
        """Whether the platform fits."""
        return self.accept_all or self.rank(platform) < len(self.vector)

    def rank(self, platform: Platform) -> int:
        """The place in the order of preference, 0 the best; the vector's length for none."""
        candidate = normalize(platform)
        for place, wanted in enumerate(self.vector):
            if _same(wanted, candidate):
                return place
        return len(self.vector)

    def order(self, descriptor: Descriptor) -> int:
        """The place of a descriptor, those that name no platform last (images.LimitManifests)."""
        if descriptor.platform is None:
            return len(self.vector) + 1
        return self.rank(descriptor.platform)


def only(platform: Platform) -> Matcher:
    """What the platform can run, the platform itself first (platforms.Only)."""
    return Matcher(_vector(normalize(platform)), requested=platform)


def only_strict(platform: Platform) -> Matcher:
    """The platform and nothing else (platforms.OnlyStrict)."""
    return Matcher((normalize(platform),), requested=platform)


def default() -> Matcher:
    """What this host can run (platforms.Default)."""
    return Matcher(_vector(normalize(host_platform())))


def requested_or_default(platform: Platform | None) -> Matcher:
    """The platform asked for, strictly; else any, this host's first.

    moby matchRequestedOrDefault.
    """
    if platform is not None:
        return only_strict(platform)
    return Matcher(default().vector, accept_all=True)


def _invalid(message: str) -> InvalidParameter:
    return InvalidParameter(f"{message}: invalid argument")


def _quote(text: str) -> str:
    return msgspec.json.encode(text).decode()


def _parse_os(part: str, specifier: str) -> tuple[str, str]:
    matched = _OS_AND_VERSION.fullmatch(part)
    if matched is None:
        raise _invalid(
            f"{_quote(part)} is an invalid OS component of {_quote(specifier)}: OSAndVersion "
            f'specifier component must match "{_OS_AND_VERSION_TEXT}"'
        )
    return _normalize_os(matched[1]), matched[2] or ""


def _parse_single(part: str, os_name: str, os_version: str, specifier: str) -> Platform:
    """One word is an operating system when it is known as one, else an architecture."""
    here = host_platform()
    if os_name in _KNOWN_OS:
        variant = here.variant if here.architecture == "arm" and here.variant != "v7" else ""
        return Platform(here.architecture, os_name, os_version, variant=variant)
    arch, variant = _normalize_arch(part, "")
    if arch not in _KNOWN_ARCH:
        raise _invalid(f"{_quote(specifier)}: unknown operating system or architecture")
    if (arch, variant) == ("arm", "v7"):
        variant = ""
    return Platform(arch, here.os, variant=variant)


def _normalize_os(name: str) -> str:
    lowered = name.lower() or host_platform().os
    return "darwin" if lowered == "macos" else lowered


def _normalize_arch(arch: str, variant: str) -> tuple[str, str]:
    arch, variant = arch.lower(), variant.lower()
    match arch:
        case "i386":
            return "386", ""
        case "x86_64" | "x86-64" | "amd64":
            return "amd64", "" if variant == "v1" else variant
        case "aarch64" | "arm64":
            return "arm64", _ARM64_VARIANTS.get(variant, variant)
        case "armhf":
            return "arm", "v7"
        case "armel":
            return "arm", "v6"
        case "arm":
            return "arm", _ARM_VARIANTS.get(variant, variant)
        case _:
            return arch, variant


_ARM64_VARIANTS = {"8": "", "v8": "", "v8.0": "", "9": "v9", "9.0": "v9", "v9.0": "v9"}
_ARM_VARIANTS = {"": "v7", "7": "v7", "5": "v5", "6": "v6", "8": "v8"}


def _same(wanted: Platform, candidate: Platform) -> bool:
    """Equality by system, architecture and variant; for Windows the build counts too."""
    return (wanted.os, wanted.architecture, wanted.variant) == (
        candidate.os,
        candidate.architecture,
        candidate.variant,
    ) and (wanted.os != "windows" or _same_build(wanted.os_version, candidate.os_version))


def _same_build(wanted: str, candidate: str) -> bool:
    """Without a version on either side any build fits; this host runs none of them."""
    return not wanted or not candidate or wanted.split(".")[:3] == candidate.split(".")[:3]


def _vector(platform: Platform) -> tuple[Platform, ...]:
    """The platforms that this one can run, best first (platforms.platformVector)."""
    match platform.architecture:
        case "amd64":
            return (platform, *_older(platform, 1), _with(platform, "386", ""))
        case "arm":
            return (platform, *_older(platform, 5))
        case "arm64":
            return _arm64_vector(platform)
        case _:
            return (platform,)


def _older(platform: Platform, oldest: int) -> tuple[Platform, ...]:
    matched = re.fullmatch(r"v([0-9]{1,2})", platform.variant)
    if matched is None:
        return ()
    return tuple(
        _with(platform, platform.architecture, f"v{older}")
        for older in range(int(matched[1]) - 1, oldest - 1, -1)
    )


def _arm64_vector(platform: Platform) -> tuple[Platform, ...]:
    """v8.x runs v8.0 to v8.x; v9.x runs v9.0 to v9.x and v8.0 to v8.(x+5); all run 32-bit v8."""
    matched = re.fullmatch(r"v([89])(?:\.([0-9]))?", platform.variant or "v8")
    if matched is None:
        return ()
    major, minor = int(matched[1]), int(matched[2] or 0)
    generations = [(9, minor), (8, min(minor + 5, 9))] if major == 9 else [(8, minor)]
    variants = [
        f"v{generation}.{step}" if step else f"v{generation}"
        for generation, newest in generations
        for step in range(newest, -1, -1)
    ]
    arm64 = (_with(platform, "arm64", variant) for variant in variants)
    return (*arm64, *_vector(_with(platform, "arm", "v8")))


def _with(platform: Platform, architecture: str, variant: str) -> Platform:
    changed = msgspec.structs.replace(platform, architecture=architecture, variant=variant)
    return normalize(changed)


_CPU_VARIANTS = {
    "8": "v8", "aarch64": "v8",
    "7": "v7", "7m": "v7", "6": "v6", "6tej": "v6",
    "5": "v5", "5t": "v5", "5te": "v5", "5tej": "v5", "4": "v4", "4t": "v4", "3": "v3",
}  # fmt: skip


def _cpu_variant(machine: str) -> str:
    """The ARM variant: what the kernel says of the CPU, else what uname says."""
    architecture = _cpuinfo("cpu architecture")
    if architecture is None:
        architecture = "8" if machine == "aarch64" else machine[4:5]
    if machine.startswith("armv") and architecture == "7":
        # ARMv6 Raspberry Pis report 7.
        model = _cpuinfo("model name") or ""
        architecture = "6" if model.lower().startswith("armv6-compatible") else architecture
    return _CPU_VARIANTS.get(architecture.lower(), "unknown")


def _cpuinfo(key: str) -> str | None:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip().lower() == key:
            return value.strip()
    return None
