"""Values of repeatable flags, checked one by one as they are given (docker/cli opts)."""

from __future__ import annotations

import os

from runner.cli.values.numbers import go_quote, ram_in_bytes, uint64

_SYSCTLS = frozenset(
    {
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
        "kernel.sem",
        "kernel.shmall",
        "kernel.shmmax",
        "kernel.shmmni",
        "kernel.shm_rmid_forced",
    }
)
_ULIMITS = frozenset(
    {
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    }
)


def attach_stream(text: str) -> str:
    """stdin, stdout or stderr."""
    if text.lower() in ("stdin", "stdout", "stderr"):
        return text.lower()
    raise ValueError("valid streams are STDIN, STDOUT and STDERR")


def environment_variable(text: str) -> str:
    """NAME=value, or NAME alone to take the caller's value where there is one (ValidateEnv)."""
    name, separator, _ = text.partition("=")
    if not name:
        raise ValueError(f"invalid environment variable: {text}")
    if separator or name not in os.environ:
        return text
    return f"{name}={os.environ[name]}"


def label(text: str) -> str:
    """key[=value] (ValidateLabel)."""
    key = text.partition("=")[0].lstrip(" \t")
    if not key:
        raise ValueError(f"invalid label '{text}': empty name")
    if " " in key or "\t" in key:
        raise ValueError(f"label '{key}' contains whitespaces")
    return text


def pair(text: str) -> tuple[str, str]:
    """key[=value] (MapOpts)."""
    key, _, value = text.partition("=")
    return key, value


def sysctl(text: str) -> str:
    """key=value of a namespaced setting (ValidateSysctl)."""
    key, separator, _ = text.partition("=")
    if separator and (key in _SYSCTLS or key.startswith(("net.", "fs.mqueue."))):
        return text
    raise ValueError(f"sysctl '{text}' is not allowed")


def link(text: str) -> str:
    """container[:alias] (ValidateLink)."""
    if not text:
        raise ValueError("empty string specified for links")
    if text.count(":") > 1:
        raise ValueError(f"bad format for links: {text}")
    return text


def filter_pair(text: str) -> tuple[str, str]:
    """name=value of `--filter` (FilterOpt); ("", "") for an empty one, which counts for nothing."""
    if not text:
        return "", ""
    name, separator, value = text.partition("=")
    if not separator:
        raise ValueError("bad format of filter (expected name=value)")
    return name.strip().lower(), value.strip()


def device_cgroup_rule(text: str) -> str:
    """`type major:minor access` (validateDeviceCgroupRule)."""
    parts = text.split(" ")
    if len(parts) == 3 and parts[0] in ("a", "b", "c") and 1 <= len(parts[2]) <= 3:
        major, separator, minor = parts[1].partition(":")
        numbers = all(part == "*" or (part.isascii() and part.isdigit()) for part in (major, minor))
        if separator and numbers and not set(parts[2]) - set("rwm"):
            return text
    raise ValueError(f"invalid device cgroup format '{text}'")


def weight_device(text: str) -> dict[str, object]:
    """path:weight (ValidateWeightDevice)."""
    path, value = _device(text)
    weight = _decimal(value)
    if weight is None or (weight and not 10 <= weight <= 1000):
        raise ValueError(f"invalid weight for device: {text}")
    return {"Path": path, "Weight": weight}


def throttle_bps(text: str) -> dict[str, object]:
    """path:rate in bytes per second, with a unit (ValidateThrottleBpsDevice)."""
    path, value = _device(text)
    try:
        return {"Path": path, "Rate": ram_in_bytes(value)}
    except ValueError:
        raise ValueError(
            f"invalid rate for device: {text}. The correct format is "
            "<device-path>:<number>[<unit>]. Number must be a positive integer. "
            "Unit is optional and can be kb, mb, or gb"
        ) from None


def throttle_iops(text: str) -> dict[str, object]:
    """path:rate in operations per second (ValidateThrottleIOpsDevice)."""
    path, value = _device(text)
    rate = _decimal(value)
    if rate is None:
        raise ValueError(
            f"invalid rate for device: {text}. The correct format is "
            "<device-path>:<number>. Number must be a positive integer"
        )
    return {"Path": path, "Rate": rate}


def _device(text: str) -> tuple[str, str]:
    path, separator, value = text.partition(":")
    if not separator or not path:
        raise ValueError(f"bad format: {text}")
    if not path.startswith("/dev/"):
        raise ValueError(f"bad format for device path: {text}")
    return path, value


def _decimal(text: str) -> int | None:
    return uint64(text.lstrip("0") or "0") if text.isascii() and text.isdigit() else None


def ulimit(text: str) -> dict[str, object]:
    """type=soft[:hard], -1 for unlimited (go-units ParseUlimit)."""
    name, separator, limits = text.partition("=")
    if not separator:
        raise ValueError(f"invalid ulimit argument: {text}")
    if name not in _ULIMITS:
        raise ValueError(f"invalid ulimit type: {name}")
    parts = limits.split(":")
    if len(parts) > 2:
        raise ValueError(
            f"too many limit value arguments - {limits}, can only have up to two, `soft[:hard]`"
        )
    hard = _limit(parts[-1])
    soft = _limit(parts[0])
    _check_ulimit(soft, hard)
    return {"Name": name, "Hard": hard, "Soft": soft}


def _limit(text: str) -> int:
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"strconv.ParseInt: parsing {go_quote(text)}: invalid syntax")
    return int(text)


def _check_ulimit(soft: int, hard: int) -> None:
    prefix = "ulimit soft limit must be less than or equal to hard limit"
    if hard != -1 and soft == -1:
        raise ValueError(f"{prefix}: soft: -1 (unlimited), hard: {hard}")
    if hard != -1 and soft > hard:
        raise ValueError(f"{prefix}: {soft} > {hard}")
