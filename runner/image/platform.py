"""Platforms: choosing the one that fits (github.com/containerd/platforms).

Where several manifests fit, the matcher's order decides: an exact match first, then the older
variants that the platform can also run.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

import msgspec

from runner.types import platforms
from runner.types.errors import InvalidParameter
from runner.types.image import Descriptor, Platform


def parse(specifier: str) -> Platform:
    """`os`, `arch`, `os/arch` or `os/arch/variant`; what is missing is the host's.

    Raises InvalidParameter with the library's texts.
    """
    try:
        read = platforms.parse(specifier)
    except ValueError as err:
        raise InvalidParameter(str(err)) from None
    return msgspec.convert(read, Platform)


def format_all(platform: Platform) -> str:
    """`linux/arm64/v8`, with the version of the system when there is one."""
    if not platform.os:
        return "unknown"
    system = f"{platform.os}({platform.os_version})" if platform.os_version else platform.os
    return "/".join(part for part in (system, platform.architecture, platform.variant) if part)


def normalize(platform: Platform) -> Platform:
    """The canonical spelling: `aarch64` is arm64, arm64/v8 is arm64."""
    arch, variant = platforms.normal_arch(platform.architecture, platform.variant)
    system = platforms.normal_os(platform.os)
    return msgspec.structs.replace(platform, os=system, architecture=arch, variant=variant)


@functools.cache
def host_platform() -> Platform:
    """The platform that this machine runs (platforms.DefaultSpec)."""
    arch, system, variant = platforms.host()
    return Platform(architecture=arch, os=system, variant=variant)


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
