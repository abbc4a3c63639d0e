"""firewalld, where the host has it (libnetwork iptables/firewalld.go).

What our rules accept firewalld rejects all the same: in nf_tables its chains are a table of their
own and end in REJECT, so that nothing is forwarded between two zones. So bridges are put into the
zone `docker`, whose target is ACCEPT, and the policy `docker-forwarding` lets everybody through to
it; what gets to a container is decided by its bridge's rules (`firewall`). Both names are
dockerd's, as a host may have both engines.

When it is reloaded, started or ended firewalld flushes everybody's rules, and it may forget the
bridges. It tells of all three over D-Bus; then the rules are written anew, and only after them the
bridges are put back into the zone that lets everything pass.

Nothing here raises: a container without firewalld's leave is better than none, and the log says so.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runner.types.errors import System

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jeepney.io.asyncio import DBusRouter

log = logging.getLogger(__name__)

ZONE: Final = "docker"
POLICY: Final = "docker-forwarding"

_NAME: Final = "org.fedoraproject.FirewallD1"
_PATH: Final = "/org/fedoraproject/FirewallD1"
_SOCKET: Final = Path("/run/dbus/system_bus_socket")
_SECONDS: Final = 30.0
"""For an answer; a reload of many rules takes firewalld some."""
_PATIENCE: Final = 10.0
"""For all of them when the engine starts. What is not done by then is done later."""

# addZone's, which is deprecated, is what every firewalld understands (firewalld.dbus(5)).
_ZONE_SIGNATURE: Final = "s(sssbsasa(ss)asba(ssss)asasasasa(ss)b)"
_ABOUT_ZONE: Final = "zone for docker bridge network interfaces"
_ZONE_SETTINGS: Final[tuple[Any, ...]] = (
    *("1.0", ZONE, _ABOUT_ZONE, False, "ACCEPT"),
    *([], [], [], False, [], [], [], [], [], [], False),
)
_POLICY_SETTINGS: Final = {
    "version": ("s", "1.0"),
    "description": ("s", "allow forwarding to the docker zone"),
    "ingress_zones": ("as", ["ANY"]),
    "egress_zones": ("as", [ZONE]),
    "target": ("s", "ACCEPT"),
}


class Failed(System):
    """firewalld has not done what it was asked to; `code` is its own word for why."""

    def __init__(self, message: str = "", code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Unavailable(Failed):
    """No answer: D-Bus or firewalld are away, or too slow."""


class Refused(Failed):
    """An answer that is an error."""


class Firewalld:
    """The host's firewalld; without one, or without D-Bus, nothing here does anything."""

    def __init__(self) -> None:
        self._bridges: set[str] = set()
        self._running = False
        self._reloaded = False
        self._turn = asyncio.Lock()
        self._news: asyncio.Queue[Any] = asyncio.Queue(1)
        """While one is waiting another says no more."""
        self._bus: DBusRouter | None = None
        self._stack = AsyncExitStack()

    async def open(self, restore: Callable[[], Awaitable[None]]) -> None:
        """Look for it, and listen from now on; `restore` writes the rules anew that it has
        flushed."""
        if "DBUS_SYSTEM_BUS_ADDRESS" not in os.environ and not _SOCKET.exists():
            return
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._connect(restore)
                await self._look()
        except TimeoutError:
            log.warning("firewalld takes more than %.0f s: it is looked after later", _PATIENCE)
            with suppress(asyncio.QueueFull):
                self._news.put_nowait(None)
        except Exception as err:  # whatever answers at that address, containers do without
            log.warning("firewalld is not looked after: %r", err)

    async def admit(self, bridge: str) -> None:
        """Have firewalld let through what the bridge's own rules do, which are there already."""
        self._bridges.add(bridge)
        await self._put_into_zone(bridge)

    async def dismiss(self, bridge: str) -> None:
        """The bridge is no more."""
        self._bridges.discard(bridge)
        async with self._turn:
            try:
                if self._running and bridge in await self._in_zone():
                    await self._call("removeInterface", "ss", ZONE, bridge, interface="zone")
            except Failed as err:
                log.warning("bridge %s may stay in firewalld's zone %s: %s", bridge, ZONE, err)

    async def close(self) -> None:
        """Let go of D-Bus; zone and bridges stay. Safe to call twice."""
        self._running = False
        try:
            await self._stack.aclose()
        except Exception as err:  # of a connection that was lost before
            log.debug("D-Bus: %s", err)

    async def _connect(self, restore: Callable[[], Awaitable[None]]) -> None:
        from jeepney import MatchRule, message_bus
        from jeepney.io.asyncio import DBusRouter, open_dbus_connection

        connection = await open_dbus_connection("SYSTEM")
        self._stack.push_async_callback(connection.close)
        self._bus = bus = await self._stack.enter_async_context(DBusRouter(connection))
        reloaded = MatchRule(type="signal", interface=_NAME, path=_PATH, member="Reloaded")
        owned = MatchRule(
            type="signal",
            sender=message_bus.bus_name,
            interface=message_bus.interface,
            member="NameOwnerChanged",
        )
        owned.add_arg_condition(0, _NAME)
        # The bus knows a sender by its name; what it delivers bears the sender's number.
        for rule, sender in ((reloaded, f",sender='{_NAME}'"), (owned, "")):
            await self._send("AddMatch", message_bus.AddMatch(rule.serialise() + sender))
            self._stack.enter_context(bus.filter(rule, queue=self._news))
        watching = asyncio.create_task(self._watch(restore))
        self._stack.push_async_callback(_ended, watching)

    async def _watch(self, restore: Callable[[], Awaitable[None]]) -> None:
        while True:
            await self._news.get()
            log.info("firewalld has been reloaded, started or ended: writing the rules anew")
            for step in (self._look, restore, self._put_all_into_zone):
                try:
                    await step()
                except Exception as err:  # the next step, and the next news, all the same
                    log.error("after news of firewalld: %s", err)

    async def _look(self) -> None:
        """Does it run? Then zone and policy are there for good. Raises Unavailable, Refused."""
        from jeepney import message_bus

        async with self._turn:
            self._running = False
            (owned,) = await self._send("NameHasOwner", message_bus.NameHasOwner(_NAME))
            if not owned:  # asked itself, it would be started
                return
            missing = [not await self._has_zone(), not await self._has_policy()]
            if any(missing) and not self._reloaded:
                self._reloaded = True  # once: it may keep them to itself
                await self._call("reload")
            self._running = True

    async def _has_zone(self) -> bool:
        (zones,) = await self._call("getZones", interface="zone")
        if ZONE in zones:
            return True
        settings = (ZONE, _ZONE_SETTINGS)
        await self._added(self._call("addZone", _ZONE_SIGNATURE, *settings, interface="config"))
        return False

    async def _has_policy(self) -> bool:
        try:
            (policies,) = await self._call("getPolicies", interface="policy")
        except Refused as err:
            log.debug("a firewalld without policies: %s", err)
            return True
        if POLICY in policies:
            return True
        settings = (POLICY, _POLICY_SETTINGS)
        await self._added(self._call("addPolicy", "sa{sv}", *settings, interface="config"))
        return False

    @staticmethod
    async def _added(call: Awaitable[object]) -> None:
        """Added to what is permanent, whoever did it, and will be there after a reload."""
        try:
            await call
        except Refused as err:
            if err.code != "NAME_CONFLICT":
                log.warning("%s", err)

    async def _put_all_into_zone(self) -> None:
        for bridge in sorted(self._bridges):
            await self._put_into_zone(bridge)

    async def _put_into_zone(self, bridge: str) -> None:
        async with self._turn:
            if not self._running or bridge not in self._bridges:
                return
            try:
                if bridge not in await self._in_zone():
                    await self._call("addInterface", "ss", ZONE, bridge, interface="zone")
            except Failed as err:
                if err.code == "ZONE_CONFLICT":
                    log.warning("bridge %s stays in the zone that it has been put into", bridge)
                elif err.code != "ZONE_ALREADY_SET":
                    log.error("bridge %s is not in firewalld's zone %s: %s", bridge, ZONE, err)

    async def _in_zone(self) -> list[str]:
        (bridges,) = await self._call("getInterfaces", "s", ZONE, interface="zone")
        return list(bridges)

    async def _call(
        self, method: str, signature: str = "", *arguments: Any, interface: str = ""
    ) -> tuple[Any, ...]:
        """Ask firewalld. Raises Refused, Unavailable."""
        from jeepney import DBusAddress, new_method_call

        path = f"{_PATH}/config" if interface == "config" else _PATH
        address = DBusAddress(path, _NAME, f"{_NAME}.{interface}".rstrip("."))
        return await self._send(
            method, new_method_call(address, method, signature or None, arguments)
        )

    async def _send(self, method: str, call: Any) -> tuple[Any, ...]:
        from jeepney import DBusErrorResponse
        from jeepney.io.asyncio import RouterClosed
        from jeepney.wrappers import unwrap_msg

        if self._bus is None:
            raise Unavailable("firewalld: there is no D-Bus")
        try:
            async with asyncio.timeout(_SECONDS):
                answer: tuple[Any, ...] = unwrap_msg(await self._bus.send_and_get_reply(call))
        except DBusErrorResponse as err:
            raise _error_of(method, err.name or "", err.data) from err
        except TimeoutError as err:
            raise Unavailable(f"firewalld: {method}: no answer in {_SECONDS:.0f} s") from err
        except (OSError, EOFError, RouterClosed, KeyError) as err:
            # KeyError is what jeepney 0.9 makes of a connection that ends during a call.
            raise Unavailable(f"firewalld: {method}: D-Bus has ended") from err
        return answer


def _error_of(method: str, name: str, data: Any) -> Refused | Unavailable:
    """`ZONE_CONFLICT: 'runner0' already bound to a zone`, or the bus's own error."""
    text = str(data[0]) if data else name
    if name.startswith("org.freedesktop.DBus.Error.") and not name.endswith(".UnknownMethod"):
        return Unavailable(f"firewalld: {method}: {text}")
    return Refused(f"firewalld: {method}: {text}", text.partition(":")[0])


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
