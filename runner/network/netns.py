"""Persistent network namespaces (libnetwork osl): each is held by a file that it is mounted on.

All functions block and raise OSError. Those that say so leave their thread in another namespace
and belong in a thread that ends with them (`threads.in_own_thread`).
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import Final

from runner.linux.mount import MNT, MS, mount, umount
from runner.linux.namespaces import Clone, setns, unshare
from runner.network.netlink import Netlink
from runner.network.rtnetlink import set_up

_OWN: Final = "/proc/thread-self/ns/net"
_LOOPBACK: Final = 1
"""The index of `lo` in every namespace."""


def create(key: Path) -> None:
    """Make a namespace at `key` with its loopback interface up, and stay in it
    (osl createNetworkNamespace). What was at `key` before is let go."""
    _create_file(key)
    unshare(Clone.NEWNET)
    mount(_OWN, key, flags=MS.BIND)
    with Netlink() as netlink:
        netlink.execute(set_up(_LOOPBACK))


def pin_own(key: Path) -> None:
    """Show the thread's own namespace at `key`, unless it is there already."""
    with contextlib.suppress(FileNotFoundError):
        if key.samefile(_OWN):
            return
    _create_file(key)
    mount(_OWN, key, flags=MS.BIND)


def enter(key: Path) -> None:
    """Stay in the namespace at `key`."""
    descriptor = os.open(key, os.O_RDONLY | os.O_CLOEXEC)
    try:
        setns(descriptor, Clone.NEWNET)
    finally:
        os.close(descriptor)


def remove(key: Path) -> None:
    """Let go of the namespace at `key`; it ends with its last process. Idempotent."""
    with contextlib.suppress(FileNotFoundError):
        _unmount(key)
        key.unlink()


def listed(directory: Path) -> list[Path]:
    """The files below `directory`, each meant to hold a namespace."""
    try:
        return sorted(entry for entry in directory.iterdir() if entry.is_file())
    except FileNotFoundError:
        return []


def has_ipv6() -> bool:
    """Whether the loopback interface of the thread's namespace has its IPv6 address, by which
    libnetwork tells whether a sandbox has IPv6 (osl IPv6LoEnabled)."""
    try:
        lines = Path("/proc/thread-self/net/if_inet6").read_text().splitlines()
    except FileNotFoundError:  # a kernel without IPv6
        return False
    return any(line.endswith(" lo") for line in lines)


def disable_ipv6(interface: str) -> None:
    """Keep IPv6 off an interface of the thread's namespace (osl setIPv6): on a network without it,
    link-local addresses would only serve attackers."""
    setting = Path(f"/proc/sys/net/ipv6/conf/{interface}/disable_ipv6")
    with contextlib.suppress(FileNotFoundError):  # a kernel without IPv6
        setting.write_text("1\n")


def allow_ipv6(interface: str) -> None:
    """Have IPv6 on an interface of the thread's namespace, if the kernel has it (osl setIPv6)."""
    setting = Path(f"/proc/sys/net/ipv6/conf/{interface}/disable_ipv6")
    with contextlib.suppress(FileNotFoundError):
        setting.write_text("0\n")


def _create_file(key: Path) -> None:
    key.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    remove(key)
    key.touch(mode=0o444, exist_ok=False)


def _unmount(key: Path) -> None:
    try:
        umount(key, MNT.DETACH | MNT.NOFOLLOW)
    except OSError as err:
        if err.errno != errno.EINVAL:  # not a mount point
            raise
