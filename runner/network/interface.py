"""Interfaces inside sandboxes (libnetwork osl): names, addresses, routes, settings.

All functions block and raise OSError. They act on the calling thread's namespace.
"""

from __future__ import annotations

import contextlib
import errno
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.network import netns
from runner.network import rtnetlink as rt
from runner.network.netlink import Message, Netlink

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.network.ip import IPAddress, IPInterface
    from runner.network.records import Endpoint

_SYSCTLS: Final = Path("/proc/sys/net")


@dataclass(frozen=True, slots=True)
class Routes:
    """How a sandbox reaches the world: through gateways, or by an interface as if everybody were
    on its link. None where it does not."""

    gateway4: IPAddress | None = None
    gateway6: IPAddress | None = None
    link4: str = ""
    link6: str = ""


@dataclass(frozen=True, slots=True)
class Interface:
    """What an endpoint brings into its sandbox. `host_name` is the other end. `settings` are
    sysctls of it, `ipv4.log_martians` and so on."""

    name: str
    host_name: str
    mac_address: str
    addresses: tuple[IPInterface, ...]
    routes: Routes
    settings: Mapping[str, str]


def interface_of(
    endpoint: Endpoint, routes: Routes, settings: Mapping[str, str] | None = None
) -> Interface:
    """The interface of an endpoint."""
    addresses = [*endpoint.link_local]
    if endpoint.address6:
        addresses.insert(0, f"{endpoint.address6}/{endpoint.prefix_len6}")
    if endpoint.address:
        addresses.insert(0, f"{endpoint.address}/{endpoint.prefix_len}")
    return Interface(
        name=endpoint.ifname,
        host_name=endpoint.interface,
        mac_address=endpoint.mac_address,
        addresses=tuple(map(ip_interface, addresses)),
        routes=routes,
        settings=settings or {},
    )


def routes_of(endpoint4: Endpoint | None, endpoint6: Endpoint | None) -> Routes:
    """The routes by the endpoints that lead outside, one for each family."""
    return Routes(
        gateway4=ip_address(endpoint4.gateway) if endpoint4 and endpoint4.gateway else None,
        gateway6=ip_address(endpoint6.gateway6) if endpoint6 and endpoint6.gateway6 else None,
        link4=endpoint4.ifname if endpoint4 and endpoint4.link_route else "",
        link6=endpoint6.ifname if endpoint6 and endpoint6.link_route else "",
    )


def configure_interface(wanted: Interface) -> None:
    """Give the interface what it needs, and bring it up (osl AddInterface)."""
    if any(address.version == 6 for address in wanted.addresses):
        netns.allow_ipv6(wanted.name)
    else:
        netns.disable_ipv6(wanted.name)
    for name, value in wanted.settings.items():
        family, _, setting = name.partition(".")
        place = _SYSCTLS / family / setting.replace(".", "/")
        Path(str(place).replace("/IFNAME/", f"/{wanted.name}/")).write_text(f"{value}\n")
    with Netlink() as sandbox:
        index = rt.parse_link(sandbox.ask(rt.get_link(wanted.name))).index
        sandbox.execute(
            *(rt.new_address(index, address) for address in wanted.addresses),
            rt.set_up(index),
            *_route_messages(sandbox, wanted.routes),
        )


def set_routes(key: Path, routes: Routes) -> None:
    """Make these the default routes of the sandbox at `key`, in place of those that are there, and
    stay in it."""
    netns.enter(key)
    with Netlink() as sandbox:
        for version in (4, 6):
            _delete_default_routes(sandbox, version)
        sandbox.execute(*_route_messages(sandbox, routes))


def _delete_default_routes(sandbox: Netlink, version: int) -> None:
    try:
        while True:
            sandbox.execute(rt.delete_default_route(version))
    except OSError as err:
        if err.errno not in (errno.ESRCH, errno.ENOENT, errno.EAFNOSUPPORT, errno.EOPNOTSUPP):
            raise


def _route_messages(sandbox: Netlink, routes: Routes) -> list[Message]:
    messages = [
        rt.new_default_route(gateway)
        for gateway in (routes.gateway4, routes.gateway6)
        if gateway is not None
    ]
    for name, version in ((routes.link4, 4), (routes.link6, 6)):
        if name:
            index = rt.parse_link(sandbox.ask(rt.get_link(name))).index
            messages.append(rt.new_default_link_route(index, version))
    return messages


def remove_interface(key: Path, name: str) -> None:
    """Take an interface out of the sandbox at `key`, and stay in that. Idempotent."""
    netns.enter(key)
    with Netlink() as sandbox, contextlib.suppress(FileNotFoundError):
        try:
            sandbox.execute(rt.delete_link(name))
        except OSError as err:
            if err.errno != errno.ENODEV:
                raise
