"""Packet filtering and address translation for one bridge (libnetwork bridge firewaller).

Everything is in chains that carry the bridge's name, so that several engines, and dockerd, live
side by side. Each change writes a chain anew as a whole, in one batch: nothing is ever half there,
and what somebody else has broken is repaired by the next change.

    mangle PREROUTING   RUNNER-x        nobody from outside speaks to a container's own address
    nat    PREROUTING   RUNNER-x        published ports, for whoever comes from elsewhere
           OUTPUT       RUNNER-x        the same for this host, its 127.0.0.1 included
           POSTROUTING  RUNNER-POST-x   masquerading
    filter FORWARD      RUNNER-x        outside only published ports and answers get in

dockerd guards containers' addresses in the raw table, one rule each; the mangle table, which more
kernels have, does as well: there too packets still carry the address that they came with.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.network.ports import ANY4
from runner.network.threads import in_own_thread
from runner.types.errors import System

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from ipaddress import IPv4Address, IPv4Interface

    from runner.network.iptables import IPTables

_LOOPBACK: Final = "127.0.0.0/8"
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True, order=True)
class PortRule:
    """Packets for a host port go to a container's port."""

    protocol: str
    host_ip: IPv4Address
    host_port: int
    container_ip: IPv4Address
    container_port: int


@dataclass(frozen=True, slots=True)
class _Jump:
    """The way from one of the kernel's chains into one of ours."""

    table: str
    chain: str
    target: str
    condition: str = ""
    first: bool = False

    @property
    def command(self) -> str:
        verb = "-I" if self.first else "-A"
        return f"{verb} {self.chain} {self.condition}-j {self.target}"


class Rules:
    """The text of the rules for a bridge and its subnet. No I/O."""

    def __init__(self, bridge: str, address: IPv4Interface) -> None:
        self.chain = f"RUNNER-{bridge}"
        self.post_chain = f"RUNNER-POST-{bridge}"
        self._bridge = bridge
        self._gateway = address.ip
        self._subnet = address.network
        local = "-m addrtype --dst-type LOCAL "
        self._jumps = (
            _Jump("mangle", "PREROUTING", self.chain),
            # What comes from outside and claims to be for 127.0.0.1 gets nowhere (CVE-2020-8558).
            _Jump("nat", "PREROUTING", self.chain, f"! -d {_LOOPBACK} {local}"),
            _Jump("nat", "OUTPUT", self.chain, local),
            _Jump("nat", "POSTROUTING", self.post_chain),
            # First: a firewall of the host may end its FORWARD chain with REJECT.
            _Jump("filter", "FORWARD", self.chain, first=True),
        )

    def install(self, saved: str, ports: Iterable[PortRule]) -> str:
        """All rules, for iptables-restore; `saved` tells which jumps are there already."""
        present = {(table, words[1], words[-1]) for table, words in _saved_rules(saved)}
        jumps = [
            jump for jump in self._jumps if (jump.table, jump.chain, jump.target) not in present
        ]
        translation = {self.chain: self._translate(ports), self.post_chain: self._post()}
        return (
            self._table("mangle", {self.chain: self._guard()}, jumps)
            + self._table("nat", translation, jumps)
            + self._table("filter", {self.chain: self._forward()}, jumps)
        )

    def publish(self, ports: Iterable[PortRule]) -> str:
        """The published ports, these and no others."""
        return self._table("nat", {self.chain: self._translate(ports)})

    def uninstall(self, saved: str) -> str:
        """What undoes all that of these rules is in `saved`; empty when there is nothing."""
        chains = {self.chain, self.post_chain}
        batches: dict[str, list[str]] = {}
        for table, words in _saved_rules(saved):
            if words[-1] in chains:
                batches.setdefault(table, []).append(" ".join(("-D", *words[1:])))
        for table, chain in _saved_chains(saved):
            if chain in chains:
                batches.setdefault(table, []).extend((f"-F {chain}", f"-X {chain}"))
        return "".join(_batch(table, lines) for table, lines in batches.items())

    @staticmethod
    def _table(table: str, chains: dict[str, Iterable[str]], jumps: Iterable[_Jump] = ()) -> str:
        # Naming a chain makes it, or empties the one that is there.
        lines = [f":{chain} - [0:0]" for chain in chains]
        lines += [f"-A {chain} {rule}" for chain, rules in chains.items() for rule in rules]
        lines += [jump.command for jump in jumps if jump.table == table]
        return _batch(table, lines)

    def _guard(self) -> Iterable[str]:
        # route_localnet opens the host's 127.0.0.1 to the bridge: shut it again, but for answers,
        # which bear the gateway's address here.
        yield f"-i {self._bridge} -d {_LOOPBACK} -j DROP"
        yield f"-d {self._gateway}/32 -j RETURN"
        yield f"! -i {self._bridge} -d {self._subnet} -j DROP"

    @staticmethod
    def _translate(ports: Iterable[PortRule]) -> Iterable[str]:
        for port in sorted(ports):
            where = "" if port.host_ip == ANY4 else f"-d {port.host_ip}/32 "
            match = f"-p {port.protocol} -m {port.protocol} --dport {port.host_port}"
            target = f"{port.container_ip}:{port.container_port}"
            yield f"{where}{match} -j DNAT --to-destination {target}"

    def _post(self) -> Iterable[str]:
        yield f"-s {self._subnet} ! -o {self._bridge} -j MASQUERADE"
        # A container cannot answer 127.0.0.1.
        yield f"-s {_LOOPBACK} -o {self._bridge} -j MASQUERADE"
        # A container that asks a published port of its own network must get the answer from the
        # address that it asked, not straight from its neighbour.
        yield f"-s {self._subnet} -o {self._bridge} -m conntrack --ctstate DNAT -j MASQUERADE"

    def _forward(self) -> Iterable[str]:
        yield f"-o {self._bridge} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
        yield f"-o {self._bridge} -m conntrack --ctstate DNAT -j ACCEPT"
        yield f"-i {self._bridge} -o {self._bridge} -j ACCEPT"
        yield f"-o {self._bridge} -j DROP"
        yield f"-i {self._bridge} -j ACCEPT"


def _batch(table: str, lines: Collection[str]) -> str:
    return "\n".join((f"*{table}", *lines, "COMMIT\n"))


def _saved_lines(saved: str) -> Iterable[tuple[str, str]]:
    table = ""
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        else:
            yield table, line


def _saved_rules(saved: str) -> Iterable[tuple[str, list[str]]]:
    return ((table, line.split()) for table, line in _saved_lines(saved) if line.startswith("-A "))


def _saved_chains(saved: str) -> Iterable[tuple[str, str]]:
    return (
        (table, line[1:].split()[0]) for table, line in _saved_lines(saved) if line.startswith(":")
    )


class Firewall:
    """The rules of one bridge, kept in the kernel. They stay when the engine ends."""

    def __init__(self, iptables: IPTables, rules: Rules) -> None:
        self._iptables = iptables
        self._rules = rules
        self._ports: set[PortRule] = set()
        self._asked = 0
        self._done = 0
        self._turn = asyncio.Lock()

    async def install(self, ports: Iterable[PortRule]) -> None:
        """Put everything in place, whatever is there. Raises System."""
        self._ports = set(ports)
        async with self._turn:
            await in_own_thread(self._install)

    async def publish(self, ports: Collection[PortRule]) -> None:
        """Open ports. Raises System; withdraw them then, for a change that was cut off may yet have
        been made."""
        if ports:
            self._ports.update(ports)
            await self._apply()

    async def withdraw(self, ports: Collection[PortRule]) -> None:
        """Close ports. Idempotent. Raises System."""
        if not self._ports.isdisjoint(ports):
            self._ports.difference_update(ports)
            await self._apply()

    async def remove(self) -> None:
        """Take everything away. Idempotent. Raises System."""
        self._ports.clear()
        async with self._turn:
            await in_own_thread(self._uninstall)

    async def _apply(self) -> None:
        """Write the ports; who waited meanwhile finds the own change done with the others'."""
        self._asked += 1
        number = self._asked
        async with self._turn:
            if self._done >= number:
                return
            covered = self._asked
            text = self._rules.publish(self._ports)
            await in_own_thread(lambda: self._iptables.restore(text))
            self._done = covered

    def _install(self) -> None:
        # Between looking and doing somebody else may change what jumps are there.
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._iptables.restore(self._rules.install(self._iptables.save(), self._ports))
            except System:
                if attempt == _ATTEMPTS:
                    raise
            else:
                return

    def _uninstall(self) -> None:
        if commands := self._rules.uninstall(self._iptables.save()):
            self._iptables.restore(commands)
