"""AppArmor: which profile a container gets, and dockerd's default one (moby/profiles)."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from string import Template
from typing import Final

from runner.types.errors import System

UNCONFINED: Final = "unconfined"
DEFAULT_PROFILE: Final = "docker-default"

_LOADED: Final = Path("/sys/kernel/security/apparmor/profiles")
_MACROS: Final = Path("/etc/apparmor.d")
_TEMPLATE: Final = Path(__file__).parent / "data" / "apparmor.profile"


def select_profile(chosen: str, privileged: bool) -> str:
    """The user's profile, or else none for privileged containers and the default for others."""
    return chosen or (UNCONFINED if privileged else DEFAULT_PROFILE)


def ensure_default_apparmor_profile() -> None:
    """Load docker-default unless the kernel has it: an upgrade of AppArmor may have dropped it.

    Raises System when AppArmor refuses (moby ensureDefaultAppArmorProfile).
    """
    try:
        loaded = is_loaded(DEFAULT_PROFILE, _LOADED.read_text())
    except OSError as err:
        raise System(
            f"Could not check if {DEFAULT_PROFILE} AppArmor profile was loaded: {err}"
        ) from err
    if not loaded:
        _install_default()


def is_loaded(name: str, profiles: str) -> bool:
    """Whether the kernel's list of profiles (`name (mode)` in each line) has this one."""
    return any(line.partition(" ")[0] == name for line in profiles.splitlines() if " " in line)


def _install_default() -> None:
    with tempfile.NamedTemporaryFile("w", prefix=DEFAULT_PROFILE) as file:
        file.write(default_profile(_daemon_profile(), _MACROS))
        file.flush()
        # -K: its cache may be on a read-only filesystem; -r: replace an older one.
        command = ["apparmor_parser", "-Kr", file.name]
        try:
            done = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
            )
        except OSError as err:
            raise System(_not_loaded(f"running '{command[0]}' failed: {err}")) from err
        if done.returncode != 0:
            raise System(
                _not_loaded(
                    f"running '{' '.join(command)}' failed with output: {done.stdout}\n"
                    f"error: exit status {done.returncode}"
                )
            )


def _not_loaded(reason: str) -> str:
    return (
        f"AppArmor enabled on system but the {DEFAULT_PROFILE} profile could not be loaded: "
        f"{reason}"
    )


def default_profile(daemon_profile: str, macros: Path) -> str:
    """The text of the default profile; the distribution's macros are used where they exist."""
    base = macros / "abstractions" / "base"
    tunables = macros / "tunables" / "global"
    return Template(_TEMPLATE.read_text()).substitute(
        name=DEFAULT_PROFILE,
        daemon=daemon_profile,
        tunables="#include <tunables/global>" if tunables.exists() else "@{PROC}=/proc/",
        base="#include <abstractions/base>" if base.exists() else "",
    )


def _daemon_profile() -> str:
    """Under which profile we run ourselves: it must be allowed to signal containers."""
    try:
        current = Path("/proc/self/attr/current").read_text()
    except OSError:
        return UNCONFINED
    return current.strip().partition(" ")[0] or UNCONFINED
