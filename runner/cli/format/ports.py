"""The PORTS column of `ps` (docker/cli DisplayablePorts)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def display(ports: list[dict[str, Any]]) -> str:
    """Ports with their host addresses; neighbouring numbers that map to themselves as a range."""
    shown: list[str] = []
    moved: list[str] = []
    groups: dict[str, tuple[int, int]] = {}
    for port in sorted(ports, key=_order):
        private, address = port["PrivatePort"], port.get("IP", "")
        if address and port.get("PublicPort", 0) != private:
            host = join(address, str(port.get("PublicPort", 0)))
            moved.append(f"{host}->{private}/{port['Type']}")
            continue
        key = f"{address}/{port['Type']}" if address else port["Type"]
        first, last = groups.get(key, (private, private))
        if key in groups and private != last + 1:
            shown.append(_group(key, first, last))
            first = private
        groups[key] = (first, private)
    shown += [_group(key, first, last) for key, (first, last) in groups.items()]
    return ", ".join(shown + moved)


def _order(port: dict[str, Any]) -> tuple[int, str, int, str]:
    return (
        port["PrivatePort"],
        port.get("IP", ""),
        port.get("PublicPort", 0),
        port["Type"],
    )


def _group(key: str, first: int, last: int) -> str:
    address, separator, protocol = key.partition("/")
    numbers = str(first) if first == last else f"{first}-{last}"
    if not separator:
        return f"{numbers}/{address}"
    return f"{join(address, numbers)}->{numbers}/{protocol}"


def join(address: str, port: str) -> str:
    """An address with its port; one of IPv6 stands in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
