"""Published ports of the endpoints on a bridge (libnetwork portmapper): allocated, held by sockets,
led to the container by the firewall, and proxied where the firewall cannot."""

from __future__ import annotations

import contextlib
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

import tenacity

from runner.network import sockets
from runner.network.conntrack import forget_flows
from runner.network.firewall import PortRule
from runner.network.port_allocator import AllPortsAllocated, PortAllocator, PortTaken
from runner.network.ports import PROTOCOLS, BindRequest, PortRequest, Target, bind_requests
from runner.network.proxy import Proxy, start_proxy
from runner.network.records import PublishedPort
from runner.network.threads import in_own_thread
from runner.types.errors import System

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Sequence

    from runner.network.firewall import Firewall
    from runner.network.ip import IPAddress

log = logging.getLogger(__name__)

_ATTEMPTS: Final = 10
"""How often another port of a range is tried when a program has the one that seemed free."""
_HELD_BY_A_PROGRAM: Final = tenacity.retry_if_exception(
    lambda err: isinstance(err, System) and not isinstance(err, PortTaken | AllPortsAllocated)
)


@dataclass(slots=True)
class _Mapping:
    """One published port and what holds it."""

    published: PublishedPort
    address: IPAddress
    socket: socket.socket
    proxy: Proxy | None = None


class PortMapper:
    """The published ports by endpoint."""

    def __init__(self, allocator: PortAllocator) -> None:
        self._allocator = allocator
        self._mappings: dict[str, list[_Mapping]] = {}

    async def map(
        self,
        firewalls: Sequence[Firewall],
        endpoint_id: str,
        target: Target,
        requests: Iterable[PortRequest],
        binding: IPAddress | None = None,
    ) -> tuple[PublishedPort, ...]:
        """Publish ports (bridge addPortMappings); `binding` is the host's address for those that
        name none. Raises System; then none is published."""
        ipv6 = sockets.host_has_ipv6()
        wanted = bind_requests(requests, ipv6=ipv6, target=target, binding=binding)
        if not wanted:
            return ()
        async with AsyncExitStack() as undo:
            undo.push_async_callback(self._undo_map, firewalls, endpoint_id, target)
            mappings = self._mappings.setdefault(endpoint_id, [])
            for request in wanted:
                mappings.extend(self._bind(request, target))
            published = tuple(mapping.published for mapping in mappings)
            for firewall in firewalls:
                await firewall.publish(port_rules(target, published, firewall.version))
            await _forget_flows(published)
            await self._start_proxies(mappings, target)
            undo.pop_all()
        return published

    async def unmap(
        self,
        firewalls: Sequence[Firewall],
        endpoint_id: str,
        target: Target,
        told: Iterable[PublishedPort] = (),
    ) -> None:
        """Withdraw an endpoint's ports; of those that clients are `told` of, not all need be held.
        Idempotent. Raises System when rules stay behind."""
        mappings = self._mappings.pop(endpoint_id, [])
        published = {*told, *(mapping.published for mapping in mappings)}
        try:
            for firewall in firewalls:
                await firewall.withdraw(port_rules(target, published, firewall.version))
        finally:
            await self._let_go(mappings)

    async def _undo_map(
        self, firewalls: Sequence[Firewall], endpoint_id: str, target: Target
    ) -> None:
        try:
            await self.unmap(firewalls, endpoint_id, target)
        except System as err:  # the first error is what the user must see
            log.warning("endpoint %s: %s", endpoint_id, err)

    async def hold_again(
        self, endpoint_id: str, target: Target, published: Sequence[PublishedPort]
    ) -> None:
        """Take back what an endpoint had before the engine was started anew.

        The firewall rules are there already; a port that somebody has bound meanwhile goes on being
        led to the container, so this never fails.
        """
        mappings = self._mappings.setdefault(endpoint_id, [])
        for port in published:
            try:
                mappings.append(self._bind_again(port, target))
            except System as err:
                log.warning("endpoint %s: %s", endpoint_id, err)
        await self._start_proxies(mappings, target)

    async def close(self) -> None:
        """Let go of sockets and proxies; rules stay. Safe to call twice."""
        while self._mappings:
            _, mappings = self._mappings.popitem()
            await self._let_go(mappings)

    def _bind(self, request: BindRequest, target: Target) -> list[_Mapping]:
        """Allocate and hold a port, another one of a range when a program has it (bridge
        bindHostPorts)."""
        exact = request.host_port != 0 and request.host_port == request.host_port_end
        retrying = tenacity.Retrying(
            retry=_HELD_BY_A_PROGRAM,
            stop=tenacity.stop_after_attempt(1 if exact else _ATTEMPTS),
            before_sleep=tenacity.before_sleep_log(log, logging.INFO),
            reraise=True,
        )
        return retrying(self._attempt, request, target)

    def _attempt(self, request: BindRequest, target: Target) -> list[_Mapping]:
        addresses, protocol = request.addresses, request.protocol
        port = self._allocator.request(
            addresses, protocol, request.host_port, request.host_port_end
        )
        try:
            shown = f"{target.of(addresses[0], protocol)}:{request.container_port}"
            held = sockets.hold(addresses, protocol, port, shown)
        except BaseException:
            self._allocator.release(addresses, protocol, port)
            raise
        return [
            _Mapping(
                PublishedPort(protocol, request.container_port, str(address), port), address, bound
            )
            for address, bound in zip(addresses, held, strict=True)
        ]

    def _bind_again(self, port: PublishedPort, target: Target) -> _Mapping:
        address = ip_address(port.host_ip)
        (mapping,) = self._attempt(
            BindRequest(
                port.protocol, port.container_port, (address,), port.host_port, port.host_port
            ),
            target,
        )
        return mapping

    async def _start_proxies(self, mappings: list[_Mapping], target: Target) -> None:
        for mapping in mappings:
            port = mapping.published
            container_ip = target.of(mapping.address, port.protocol)
            carried = mapping.address.version == 6 and port.protocol != "sctp"
            if carried and container_ip is not None:
                mapping.proxy = await start_proxy(
                    mapping.socket, port.protocol, container_ip, port.container_port
                )

    async def _let_go(self, mappings: list[_Mapping]) -> None:
        for mapping in mappings:
            if mapping.proxy is not None:
                with contextlib.suppress(OSError):
                    await mapping.proxy.close()
            mapping.socket.close()
            port = mapping.published
            self._allocator.release((mapping.address,), port.protocol, port.host_port)


async def _forget_flows(published: Iterable[PublishedPort]) -> None:
    """Let clients that were already sending reach the container."""
    ports = {port.host_port for port in published if port.protocol == "udp"}
    if not ports:
        return
    try:
        await in_own_thread(lambda: forget_flows(PROTOCOLS["udp"], ports))
    except OSError as err:  # a kernel without ctnetlink: such clients must pause for a while
        log.warning("cannot forget flows to UDP ports %s: %s", sorted(ports), err)


def port_rules(target: Target, published: Iterable[PublishedPort], version: int) -> list[PortRule]:
    """The firewall's part of published ports: those that stay within a family."""
    return [
        PortRule(port.protocol, address, port.host_port, container_ip, port.container_port)
        for port in published
        if (address := ip_address(port.host_ip)).version == version
        and (container_ip := target.of(address, port.protocol)) is not None
        and container_ip.version == version
    ]
