"""All volumes, who refers to them and who has them mounted (moby volume/service.VolumeStore)."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from runner.containerd.mount import unmount_all
from runner.linux.mountinfo import read_mounts
from runner.linux.threads import to_end
from runner.types.errors import Conflict, NotFound, RunnerError, System
from runner.types.gotext import quote
from runner.types.ids import generate_id
from runner.volume.local import DRIVER, LocalDriver, Volume
from runner.volume.locks import NamedLocks
from runner.volume.options import mount_device

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

ANONYMOUS_LABEL: Final = "com.docker.volume.anonymous"
_PATIENCE: Final = 20.0
"""Seconds that removed containers get to let go of a volume."""


class VolumeStore:
    """Volumes by name. One action at a time for each; different volumes do not wait.

    A reference says that a container has the volume among its mounts, running or not: it keeps
    the volume from being removed. A holder is a container that has it mounted now. Both are sets,
    so adding and removing are idempotent. Neither is durable: the engine, which knows its
    containers, adds them again when it starts.

    `notify(action, name, attributes)` hears of volumes made and removed (events create, destroy).
    """

    def __init__(
        self,
        root: Path,
        notify: Callable[[str, str, dict[str, str]], None] = lambda *_: None,
    ) -> None:
        self._notify = notify
        self._driver = LocalDriver(root)
        self._volumes: dict[str, Volume] = {}
        self._retired: dict[str, Volume] = {}
        self._references: defaultdict[str, set[str]] = defaultdict(set)
        self._holders: defaultdict[str, set[str]] = defaultdict(set)
        self._locks = NamedLocks()
        self._filling = NamedLocks()
        self._unmounted = asyncio.Event()

    async def open(self) -> None:
        """Read which volumes exist."""
        found = await to_end(self._driver.load)
        self._volumes = {volume.name: volume for volume in found}

    def volumes(self) -> list[Volume]:
        """All volumes, by name."""
        return [self._volumes[name] for name in sorted(self._volumes)]

    def references(self, name: str) -> list[str]:
        """The IDs of the containers that refer to the volume."""
        return sorted(self._references.get(name, ()))

    async def create(
        self,
        name: str,
        driver: str = "",
        *,
        reference: str = "",
        options: dict[str, str] | None = None,
        labels: dict[str, str] | None = None,
    ) -> Volume:
        """The volume of that name, made if missing; an empty name makes an anonymous one.

        Raises InvalidParameter, Conflict (another driver has it), NotFound (no such driver),
        System; all prefixed with `create NAME: `.
        """
        if not name:
            name, labels = generate_id(), {**(labels or {}), ANONYMOUS_LABEL: ""}
        async with self._locks.locked(name):
            with _operation("create", name):
                volume = self._existing(name, driver) or await self._make(name, options, labels)
            self._refer(name, reference)
            return volume

    async def get(self, name: str, driver: str = "", *, reference: str = "") -> Volume:
        """The volume. Raises NotFound, Conflict (another driver has it), prefixed with `get`."""
        async with self._locks.locked(name):
            with _operation("get", name):
                volume = self._found(self._volumes.get(name))
                if driver and driver != volume.driver:
                    raise Conflict("provided volume driver does not match stored driver")
            self._refer(name, reference)
            return volume

    async def remove(self, name: str) -> None:
        """Delete the volume with its content.

        Raises NotFound, Conflict while containers refer to it, System.
        """
        await self._let_go(name)
        async with self._locks.locked(name):
            with _operation("get", name):
                volume = self._found(self._known(name))
            with _operation("remove", name):
                if users := self.references(name):
                    raise Conflict(f"volume is in use - [{', '.join(users)}]")
                await to_end(self._remove, volume)
            if self._retired.pop(name, None) is None:
                self._notify("destroy", name, {"driver": DRIVER})

    async def _let_go(self, name: str) -> None:
        """Wait for containers that have been removed, for their clients, to have what is mounted
        here given back: their teardown comes after they are told."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while self._is_being_let_go(name):
                    await self._unmounted.wait()

    def _is_being_let_go(self, name: str) -> bool:
        volume = self._known(name)
        mounted = volume is not None and volume.device is not None and self._holders.get(name)
        return bool(mounted) and not self.references(name)

    @staticmethod
    def _found(volume: Volume | None) -> Volume:
        if volume is None:
            raise NotFound("no such volume")
        return volume

    def retire(self, name: str) -> None:
        """The volume is gone for its clients; `remove` is to follow, once nobody has it mounted.

        One that containers still refer to stays. Idempotent.
        """
        if name in self._volumes and not self.references(name):
            self._retired[name] = self._volumes.pop(name)
            self._notify("destroy", name, {"driver": DRIVER})

    def release(self, name: str, reference: str) -> None:
        """The container no longer refers to the volume. Idempotent."""
        self._references[name].discard(reference)
        self._drop_if_empty(name)

    def filling(self, name: str) -> AbstractAsyncContextManager[None]:
        """Look into the volume and fill it, if it is empty, while nobody else does."""
        return self._filling.locked(name)

    async def mount(self, name: str, holder: str) -> Path:
        """Make the volume's content available until `holder` unmounts it; where it is.

        Raises NotFound, System.
        """
        async with self._locks.locked(name):
            with _operation("get", name):
                volume = self._found(self._volumes.get(name))
            if volume.broken:
                raise System(volume.broken)
            if volume.device and not self._holders.get(name):
                await to_end(self._mount, volume)
            self._holders[name].add(holder)
            return volume.mountpoint

    async def unmount(self, name: str, holder: str) -> None:
        """`holder` needs it no longer; the last one unmounts. Idempotent. Raises System."""
        async with self._locks.locked(name):
            held = self._holders.get(name, set())
            was_held = holder in held
            held.discard(holder)
            volume = self._known(name)
            if was_held and not held and volume and volume.device:
                await to_end(unmount_all, volume.mountpoint)
            self._drop_if_empty(name)
        unmounted, self._unmounted = self._unmounted, asyncio.Event()
        unmounted.set()

    async def unmount_held(self, holder: str) -> None:
        """`unmount` of everything that `holder` has mounted. Raises System."""
        for name in [name for name, holders in self._holders.items() if holder in holders]:
            await self.unmount(name, holder)

    def restore(self, name: str, reference: str, *, mounted: bool) -> None:
        """At the engine's start: the container refers to the volume, and has it mounted or not.

        A volume that is gone stays gone; the container will find out when it starts.
        """
        if name in self._volumes:
            self._refer(name, reference)
            if mounted:
                self._holders[name].add(reference)

    def _known(self, name: str) -> Volume | None:
        """The volume, also when only its content is left to be deleted."""
        return self._volumes.get(name) or self._retired.get(name)

    def _existing(self, name: str, driver: str) -> Volume | None:
        """The volume if it exists (moby checkConflict)."""
        if driver not in ("", DRIVER):
            # There are no plugins here; this is what dockerd says about one that is not there.
            raise NotFound(
                f"error looking up volume plugin {driver}: plugin {quote(driver)} not found"
            )
        return self._volumes.get(name)

    async def _make(
        self, name: str, options: dict[str, str] | None, labels: dict[str, str] | None
    ) -> Volume:
        volume = await to_end(self._make_now, name, options, labels)
        self._notify("create", name, {"driver": DRIVER})
        return volume

    def _make_now(
        self, name: str, options: dict[str, str] | None, labels: dict[str, str] | None
    ) -> Volume:
        """Noted in the same thread: a cancelled create has made a volume that is known."""
        volume = self._volumes[name] = self._driver.create(name, options, labels)
        return volume

    def _remove(self, volume: Volume) -> None:
        if volume.device and not self._holders.get(volume.name):
            unmount_all(volume.mountpoint)
        self._driver.remove(volume)
        self._forget(volume.name)

    def _mount(self, volume: Volume) -> None:
        """Mount the volume's device, unless a killed engine has left it mounted."""
        where = str(volume.mountpoint)
        if volume.device and not any(mount.mountpoint == where for mount in read_mounts()):
            mount_device(volume.device, volume.mountpoint)

    def _refer(self, name: str, reference: str) -> None:
        if reference:
            self._references[name].add(reference)

    def _forget(self, name: str) -> None:
        self._volumes.pop(name, None)
        self._references.pop(name, None)
        self._holders.pop(name, None)

    def _drop_if_empty(self, name: str) -> None:
        for table in (self._references, self._holders):
            if name in table and not table[name]:
                del table[name]


@contextlib.contextmanager
def _operation(verb: str, name: str) -> Iterator[None]:
    """Errors say what was attempted (moby OpErr)."""
    try:
        yield
    except RunnerError as err:
        raise err.wrap(f"{verb} {name}".rstrip()) from err
