"""--security-opt (moby parseSecurityOpt)."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class SecurityOptions:
    """The options of a container.

    `seccomp_profile` is empty, "unconfined", "builtin" or a profile's JSON. `writable_cgroups` is
    None when not chosen.
    """

    no_new_privileges: bool = False
    apparmor_profile: str = ""
    seccomp_profile: str = ""
    writable_cgroups: bool | None = None


_FLAGS: Final = frozenset({"no-new-privileges", "writable-cgroups"})
"""Options that can be said without a value."""

_BOOLEANS: Final = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}
"""What strconv.ParseBool takes."""


def parse_security_opt(
    options: Iterable[str] | None, no_new_privileges: bool = False
) -> SecurityOptions:
    """Read the list; `no_new_privileges` is the engine's own default.

    SELinux labels are accepted without effect, as in a dockerd without --selinux-enabled.
    Raises InvalidParameter.
    """
    parsed = SecurityOptions(no_new_privileges=no_new_privileges)
    for option in options or ():
        parsed = _apply(parsed, option)
    return parsed


def _apply(parsed: SecurityOptions, option: str) -> SecurityOptions:
    if option == "disable":  # an SELinux label, as of old
        return parsed
    key, value = (option, "true") if option in _FLAGS else _split(option)
    match key:
        case "label":
            return parsed
        case "apparmor":
            return replace(parsed, apparmor_profile=value)
        case "seccomp":
            return replace(parsed, seccomp_profile=value)
        case "no-new-privileges":
            return replace(parsed, no_new_privileges=_boolean(value, option))
        case "writable-cgroups":
            return replace(parsed, writable_cgroups=_boolean(value, option))
        case _:
            raise _invalid(2, option)


def _split(option: str) -> tuple[str, str]:
    """At the first `=`, or at the first `:` as long ago."""
    for separator in "=:":
        key, found, value = option.partition(separator)
        if found:
            return key, value
    raise _invalid(1, option)


def _boolean(value: str, option: str) -> bool:
    if value not in _BOOLEANS:
        raise _invalid(2, option)
    return _BOOLEANS[value]


def _invalid(number: int, option: str) -> InvalidParameter:
    quoted = json.dumps(option, ensure_ascii=False)
    return InvalidParameter(f"invalid --security-opt {number}: {quoted}")
