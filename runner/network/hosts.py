"""The container's /etc/hosts (libnetwork etchosts). No I/O."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Final

from runner.network.ip import IPAddress
from runner.types.errors import InvalidParameter, System

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Record = tuple[IPAddress, str]
"""An address and the names for it."""

HOST_GATEWAY: Final = "host-gateway"
"""The word that stands for the host's address in --add-host."""

_IPV4: Final[tuple[Record, ...]] = ((IPv4Address("127.0.0.1"), "localhost"),)
_IPV6: Final[tuple[Record, ...]] = (
    (IPv6Address("::1"), "localhost ip6-localhost ip6-loopback"),
    (IPv6Address("fe00::"), "ip6-localnet"),
    (IPv6Address("ff00::"), "ip6-mcastprefix"),
    (IPv6Address("ff02::1"), "ip6-allnodes"),
    (IPv6Address("ff02::2"), "ip6-allrouters"),
)


def hosts_text(records: Iterable[Record], *, ipv6: bool) -> str:
    """The file: localhost, IPv6's well-known names, then `records`. Without IPv6 none of its
    addresses (etchosts Build, BuildNoIPv6)."""
    known = _IPV4 + (_IPV6 if ipv6 else ())
    wanted = [record for record in records if ipv6 or record[0].version == 4]
    return "".join(map(line, (*known, *wanted)))


def line(record: Record) -> str:
    """A record as it stands in the file."""
    address, names = record
    return f"{address}\t{names}\n"


def extra_hosts(entries: Iterable[str], host_gateway: IPAddress | None) -> Iterator[Record]:
    """The records of --add-host, `name:address` each (moby buildSandboxOptions).

    Raises InvalidParameter for a malformed one, System when the host's address is asked for and
    there is none.
    """
    for entry in entries:
        name, colon, address = entry.partition(":")
        if not colon or not name:
            raise InvalidParameter(f'bad format for add-host: "{entry}"')
        if address == HOST_GATEWAY:
            if host_gateway is None:
                raise System("unable to derive the IP value for host-gateway")
            yield host_gateway, name
        else:
            yield _parse(address), name


def own_names(
    addresses: Iterable[IPAddress], hostname: str, domainname: str = ""
) -> Iterator[Record]:
    """The container's own names, qualified and short, for each of its addresses
    (libnetwork makeHostsRecs)."""
    names = f"{hostname}.{domainname}" if domainname else hostname
    short, dot, _ = names.partition(".")
    for address in addresses:
        yield address, f"{names} {short}" if dot else names


def _parse(address: str) -> IPAddress:
    try:
        return ip_address(address)
    except ValueError as err:
        raise InvalidParameter(f'invalid IP address in add-host: "{address}"') from err
