"""The mode of `source:destination:mode`, a list of words, one of each kind at most.

Source: moby volume/mounts/linux_parser.go, volume_copy.go.
"""

from __future__ import annotations

from typing import Final

DEFAULT_PROPAGATION: Final = "rprivate"
PROPAGATION_MODES: Final = frozenset(
    {"private", "rprivate", "slave", "rslave", "shared", "rshared"}
)

_KINDS: Final = (
    frozenset({"rw", "ro"}),
    frozenset({"z", "Z"}),  # SELinux labels
    PROPAGATION_MODES,
    frozenset({"nocopy"}),
    frozenset({"consistent", "cached", "delegated"}),  # Docker Desktop's, without effect here
)


def is_valid_mode(mode: str) -> bool:
    """Whether all words are known and no two of one kind (moby linuxValidMountMode)."""
    if not mode:
        return True
    words = mode.split(",")
    known = all(any(word in kind for kind in _KINDS) for word in words)
    return known and all(sum(word in kind for word in words) <= 1 for kind in _KINDS)


def is_read_write(mode: str) -> bool:
    """Whether the mode is valid and does not say `ro`."""
    return is_valid_mode(mode) and "ro" not in mode.split(",")


def propagation_of(mode: str) -> str:
    """The propagation that the mode names, or an empty string."""
    return next((word for word in mode.split(",") if word in PROPAGATION_MODES), "")


def says_nocopy(mode: str) -> bool:
    """Whether a new volume shall stay empty."""
    return "nocopy" in mode.split(",")
