"""Linux capabilities: dockerd's default, --cap-add and --cap-drop (moby oci/caps)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.types.capabilities import KNOWN_CAPABILITIES, prefixed
from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


DEFAULT_CAPABILITIES: Final = prefixed(
    "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP "
    "NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE"
)
"""What a container has unless told otherwise (caps.DefaultCapabilities)."""

_ALL: Final = "ALL"


def normalize_legacy_capabilities(names: Iterable[str], available: Sequence[str]) -> list[str]:
    """Upper case and with `CAP_`; ALL stays ALL (caps.NormalizeLegacyCapabilities).

    Raises InvalidParameter for a name that does not exist, or that is not in `available`.
    """
    return [_normalize(name.upper(), available) for name in names]


def _normalize(name: str, available: Sequence[str]) -> str:
    if name == _ALL:
        return name
    name = name if name.startswith("CAP_") else f"CAP_{name}"
    if name not in KNOWN_CAPABILITIES:
        raise InvalidParameter(f'unknown capability: "{name}"')
    if name not in available:
        raise InvalidParameter(
            "capability not supported by your kernel or not available in the current "
            f'environment: "{name}"'
        )
    return name


def tweak_capabilities(
    adds: Sequence[str], drops: Sequence[str], privileged: bool, available: Sequence[str]
) -> list[str]:
    """The container's capabilities (caps.TweakCapabilities). Raises InvalidParameter.

    Like dockerd, an added capability that is a default one too is listed twice: harmless.
    """
    if privileged:
        return list(available)
    if not adds and not drops:
        return list(DEFAULT_CAPABILITIES)
    dropped = normalize_legacy_capabilities(drops, available)
    added = normalize_legacy_capabilities(adds, available)
    if _ALL in added:
        return [name for name in available if name not in dropped]
    if _ALL in dropped:
        return added
    return [name for name in DEFAULT_CAPABILITIES if name not in dropped] + added
