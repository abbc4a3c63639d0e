"""Platform specifiers and their normal spelling (github.com/containerd/platforms).

Read by hand: the command line reads them, too, and loading what regular expressions need would
cost it more than its request.
"""

from __future__ import annotations

import os

from runner.types.gotext import quote

_NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_COMPONENT = _NAME | {"."}
_COMPONENT_TEXT = "^[A-Za-z0-9_.-]+$"
_OS_AND_VERSION_TEXT = r"^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.-]*)\))?$"

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


def parse(specifier: str) -> dict[str, str]:
    """`os`, `arch`, `os/arch` or `os/arch/variant`; what is missing is the host's.

    The answer has the keys of an OCI platform's JSON, in their order. Raises ValueError with the
    library's texts.
    """
    if "*" in specifier:
        raise _invalid(f"{quote(specifier)}: wildcards not yet supported")
    parts = specifier.split("/", 3)
    system, version = _system(parts[0], specifier)
    for part in parts[1:]:
        if not part or not _COMPONENT.issuperset(part):
            raise _invalid(
                f"{quote(part)} is an invalid component of {quote(specifier)}: platform "
                f"specifier component must match {quote(_COMPONENT_TEXT)}"
            )
    if len(parts) == 1:
        return _single(parts[0], system, version, specifier)
    if len(parts) > 3:
        raise _invalid(f"{quote(specifier)}: cannot parse platform specifier")
    arch, variant = normal_arch(parts[1], parts[2] if len(parts) == 3 else "")
    if len(parts) == 2 and (arch, variant) == ("arm", "v7"):
        variant = ""
    if len(parts) == 3 and (arch, variant) == ("arm64", ""):
        variant = "v8"
    return _platform(arch, system, version, variant)


def host() -> tuple[str, str, str]:
    """Architecture, operating system and variant of this machine (platforms.DefaultSpec)."""
    kernel = os.uname()
    machine = kernel.machine.lower()
    arch = "arm" if machine.startswith("armv") else _MACHINES.get(machine, machine)
    variant = _cpu_variant(machine) if arch in ("arm", "arm64") else ""
    return arch, kernel.sysname.lower(), variant


def normal_os(name: str) -> str:
    """The canonical name: `macOS` is darwin, none is the host's."""
    lowered = name.lower() or host()[1]
    return "darwin" if lowered == "macos" else lowered


def normal_arch(arch: str, variant: str) -> tuple[str, str]:
    """The canonical names: `aarch64` is arm64, arm64/v8 is arm64."""
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


def _invalid(message: str) -> ValueError:
    return ValueError(f"{message}: invalid argument")


def _system(part: str, specifier: str) -> tuple[str, str]:
    """The operating system's name, and its version where it is given in brackets."""
    name, bracket, rest = part.partition("(")
    closed = rest.endswith(")") if bracket else True
    if not (name and closed and _NAME.issuperset(name) and _COMPONENT.issuperset(rest[:-1])):
        raise _invalid(
            f"{quote(part)} is an invalid OS component of {quote(specifier)}: OSAndVersion "
            f"specifier component must match {quote(_OS_AND_VERSION_TEXT)}"
        )
    return normal_os(name), rest[:-1]


def _single(part: str, system: str, version: str, specifier: str) -> dict[str, str]:
    """One word is an operating system when it is known as one, else an architecture."""
    host_arch, host_os, host_variant = host()
    if system in _KNOWN_OS:
        variant = host_variant if host_arch == "arm" and host_variant != "v7" else ""
        return _platform(host_arch, system, version, variant)
    arch, variant = normal_arch(part, "")
    if arch not in _KNOWN_ARCH:
        raise _invalid(f"{quote(specifier)}: unknown operating system or architecture")
    if (arch, variant) == ("arm", "v7"):
        variant = ""
    return _platform(arch, host_os, "", variant)


def _platform(arch: str, system: str, version: str, variant: str) -> dict[str, str]:
    platform = {"architecture": arch, "os": system}
    if version:
        platform["os.version"] = version
    if variant:
        platform["variant"] = variant
    return platform


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
    with open("/proc/cpuinfo") as told:
        for line in told:
            name, _, value = line.partition(":")
            if name.strip().lower() == key:
                return value.strip()
    return None
