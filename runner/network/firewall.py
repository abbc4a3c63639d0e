"""Packet filtering and address translation for one bridge and one family of addresses (libnetwork
bridge firewaller).

Everything is in chains that carry the bridge's name, so that several engines, and dockerd, live
side by side. Each change writes a chain anew as a whole, in one batch: nothing is ever half there,
and what somebody else has broken is repaired by the next change.

    mangle PREROUTING   RUNNER-x        nobody from outside speaks to a container's own address
           FORWARD      RUNNER-FWD-x    what is internal stays inside
    nat    PREROUTING   RUNNER-x        published ports, for whoever comes from elsewhere
           OUTPUT       RUNNER-x        the same for this host, its 127.0.0.1 included
           POSTROUTING  RUNNER-POST-x   masquerading
    filter FORWARD      RUNNER-x        outside only published ports and answers get in

dockerd guards containers' addresses in the raw table, one rule each; the mangle table, which more
kernels have, does as well: there too packets still carry the address that they came with. What an
internal network keeps inside is decided there too, since in the filter table the chain of another
bridge may come first and accept it.
"""

from __future__ import annotations

import asyncio
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import tenacity

from runner.network.ports import ANY4, ANY6
from runner.network.threads import in_own_thread
from runner.types.errors import System

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from runner.network.ip import IPAddress, IPInterface, IPNetwork
    from runner.network.iptables import IPTables

_LOOPBACK: Final = {4: "127.0.0.0/8", 6: "::1/128"}
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True, order=True)
class PortRule:
    """Packets for a host port go to a container's port."""

    protocol: str
    host_ip: IPAddress
    host_port: int
    container_ip: IPAddress
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


@dataclass(frozen=True, slots=True)
class Policy:
    """What a network lets through. `source` is the host's address that the world sees, if not that
    of the interface; `trusted` are interfaces from where containers' own addresses are reached."""

    internal: bool = False
    icc: bool = True
    masquerade: bool = True
    unprotected: bool = False
    source: IPAddress | None = None
    trusted: tuple[str, ...] = ()


class Rules:
    """The text of the rules for a bridge and its subnet. No I/O. Without a `gateway` the bridge has
    no address in the subnet."""

    def __init__(
        self,
        bridge: str,
        address: IPInterface | IPNetwork,
        policy: Policy = Policy(),
    ) -> None:
        self.chain = f"RUNNER-{bridge}"
        self.post_chain = f"RUNNER-POST-{bridge}"
        self.fence_chain = f"RUNNER-FWD-{bridge}"
        self._bridge = bridge
        self._policy = policy
        self._gateway = getattr(address, "ip", None)
        self._subnet = getattr(address, "network", address)
        self.version = address.version
        self._loopback = _LOOPBACK[self.version]
        self._jumps = tuple(self._make_jumps())

    def _make_jumps(self) -> Iterable[_Jump]:
        local = "-m addrtype --dst-type LOCAL "
        yield _Jump("mangle", "PREROUTING", self.chain)
        if self._policy.internal:
            yield _Jump("mangle", "FORWARD", self.fence_chain)
        else:
            # What comes from outside and claims to be for 127.0.0.1 gets nowhere (CVE-2020-8558).
            yield _Jump("nat", "PREROUTING", self.chain, f"! -d {self._loopback} {local}")
            # To ::1 no container can answer: the engine carries that itself.
            here = local if self.version == 4 else f"! -d {self._loopback} {local}"
            yield _Jump("nat", "OUTPUT", self.chain, here)
            yield _Jump("nat", "POSTROUTING", self.post_chain)
        # First: a firewall of the host may end its FORWARD chain with REJECT.
        yield _Jump("filter", "FORWARD", self.chain, first=True)

    def install(self, saved: str, ports: Iterable[PortRule]) -> str:
        """All rules, for iptables-restore; `saved` tells which jumps are there already."""
        present = {(table, words[1], words[-1]) for table, words in _saved_rules(saved)}
        jumps = [
            jump for jump in self._jumps if (jump.table, jump.chain, jump.target) not in present
        ]
        mangle = {self.chain: self._guard()}
        if self._policy.internal:
            mangle[self.fence_chain] = self._fence()
            nat = ""
        else:
            chains = {self.chain: self._translate(ports), self.post_chain: self._post()}
            nat = self._table("nat", chains, jumps)
        return (
            self._table("mangle", mangle, jumps)
            + nat
            + self._table("filter", {self.chain: self._forward()}, jumps)
        )

    def publish(self, ports: Iterable[PortRule]) -> str:
        """The published ports, these and no others."""
        return self._table("nat", {self.chain: self._translate(ports)})

    def uninstall(self, saved: str) -> str:
        """What undoes all that of these rules is in `saved`; empty when there is nothing."""
        chains = {self.chain, self.post_chain, self.fence_chain}
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
        if self.version == 4:
            # route_localnet opens the host's 127.0.0.1 to the bridge: shut it again, but for
            # answers, which bear the gateway's address here.
            yield f"-i {self._bridge} -d {self._loopback} -j DROP"
        if self._gateway is not None:
            yield f"-d {self._gateway}/{self._gateway.max_prefixlen} -j RETURN"
        for interface in self._policy.trusted:
            yield f"-i {interface} -d {self._subnet} -j RETURN"
        if not self._policy.unprotected:
            yield f"! -i {self._bridge} -d {self._subnet} -j DROP"

    def _fence(self) -> Iterable[str]:
        yield f"-i {self._bridge} ! -o {self._bridge} -j DROP"
        yield f"! -i {self._bridge} -o {self._bridge} -j DROP"

    @staticmethod
    def _translate(ports: Iterable[PortRule]) -> Iterable[str]:
        for port in sorted(ports):
            address = port.host_ip
            where = "" if address in (ANY4, ANY6) else f"-d {address}/{address.max_prefixlen} "
            match = f"-p {port.protocol} -m {port.protocol} --dport {port.host_port}"
            container = port.container_ip
            shown = f"[{container}]" if container.version == 6 else f"{container}"
            yield f"{where}{match} -j DNAT --to-destination {shown}:{port.container_port}"

    def _post(self) -> Iterable[str]:
        if self._policy.source is not None:
            to_source = f"SNAT --to-source {self._policy.source}"
            yield f"-s {self._subnet} ! -o {self._bridge} -j {to_source}"
        elif self._policy.masquerade:
            yield f"-s {self._subnet} ! -o {self._bridge} -j MASQUERADE"
        if self.version == 4:
            # A container cannot answer 127.0.0.1.
            yield f"-s {self._loopback} -o {self._bridge} -j MASQUERADE"
        # A container that asks a published port of its own network must get the answer from the
        # address that it asked, not straight from its neighbour.
        yield f"-s {self._subnet} -o {self._bridge} -m conntrack --ctstate DNAT -j MASQUERADE"

    def _forward(self) -> Iterable[str]:
        neighbours = "ACCEPT" if self._policy.icc else "DROP"
        if self._policy.internal:
            yield f"-i {self._bridge} -o {self._bridge} -j {neighbours}"
            return
        yield f"-o {self._bridge} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
        yield f"-o {self._bridge} -m conntrack --ctstate DNAT -j ACCEPT"
        yield f"-i {self._bridge} -o {self._bridge} -j {neighbours}"
        for interface in self._policy.trusted:
            yield f"-i {interface} -o {self._bridge} -j ACCEPT"
        yield f"-o {self._bridge} -j {'ACCEPT' if self._policy.unprotected else 'DROP'}"
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
        self._failed = False
        self._turn = asyncio.Lock()

    async def install(self, ports: Iterable[PortRule]) -> None:
        """Put everything in place, whatever is there. Raises System."""
        self._ports = set(ports)
        await self.reinstall()

    async def reinstall(self) -> None:
        """The same again, after somebody has flushed them. Raises System."""
        async with self._turn:
            await in_own_thread(self._install)

    @property
    def version(self) -> int:
        """The family of addresses."""
        return self._rules.version

    def expect(self, ports: Iterable[PortRule]) -> None:
        """These ports are open already; `install_all` writes them."""
        self._ports = set(ports)

    def batch(self, saved: str) -> str:
        """All rules, for iptables-restore; `saved` tells what is there."""
        return self._rules.install(saved, self._ports)

    async def publish(self, ports: Collection[PortRule]) -> None:
        """Open ports. Raises System; withdraw them then, for a change that was cut off may yet have
        been made."""
        if ports:
            self._ports.update(ports)
            await self._apply()

    async def withdraw(self, ports: Collection[PortRule]) -> None:
        """Close ports, those too that could not be closed before. Idempotent. Raises System."""
        if self._failed or not self._ports.isdisjoint(ports):
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
            try:
                await in_own_thread(lambda: self._iptables.restore(text))
            except BaseException:
                self._failed = True
                raise
            self._done, self._failed = covered, False

    def _install(self) -> None:
        _install(self._iptables, [self])

    def _uninstall(self) -> None:
        if commands := self._rules.uninstall(self._iptables.save()):
            self._iptables.restore(commands)


async def install_all(iptables: IPTables, firewalls: Sequence[Firewall]) -> None:
    """Put the rules of many networks in place, each family's in one batch. Raises System."""
    for version in (4, 6):
        chosen = [firewall for firewall in firewalls if firewall.version == version]
        if chosen:
            program = iptables.of_family(version)
            await in_own_thread(functools.partial(_install, program, chosen))


@tenacity.retry(
    # between looking and doing somebody else may change what jumps are there
    retry=tenacity.retry_if_exception_type(System),
    stop=tenacity.stop_after_attempt(_ATTEMPTS),
    reraise=True,
)
def _install(iptables: IPTables, firewalls: Sequence[Firewall]) -> None:
    saved = iptables.save()
    iptables.restore("".join(firewall.batch(saved) for firewall in firewalls))
