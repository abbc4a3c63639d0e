"""Published ports (moby validatePortBindings, go-connections/nat)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from runner.types.errors import InvalidParameter
from runner.types.gotext import quote

if TYPE_CHECKING:
    from runner.types.network import PortMap

_NUMBER: Final = re.compile(r"[0-9]+", re.ASCII)


def validate_port_bindings(bindings: PortMap) -> None:
    """Container ports are numbers, host ports numbers or ranges; either may be empty."""
    for port in sorted(bindings):
        number = _port_of(port)
        if number and not _is_port(number):
            raise InvalidParameter(f"invalid port specification: {quote(number)}")
        for binding in bindings[port] or []:
            if not _is_range(_port_of(binding.host_port)):
                raise InvalidParameter(f"invalid port specification: {quote(binding.host_port)}")


def _port_of(text: str) -> str:
    """Without the protocol (nat.SplitProtoPort)."""
    return text.split("/")[0]


def _is_port(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text)) and int(text) <= 0xFFFF


def _is_range(text: str) -> bool:
    """`80`, `80-90` or nothing; a third number is not looked at, as in nat.ParsePortRange."""
    if not text:
        return True
    first, *others = text.split("-")
    last = others[0] if others else first
    return _is_port(first) and _is_port(last) and int(first) <= int(last)
