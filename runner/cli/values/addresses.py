"""IP and MAC addresses and host names (docker/cli opts, Go net)."""

from __future__ import annotations

import _socket

from runner.cli.values.numbers import go_quote

_HEX = frozenset("0123456789abcdefABCDEF")
_ALNUM = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def is_ip(text: str) -> bool:
    """Whether Go's net.ParseIP takes it: no zone, no leading zeros in IPv4."""
    return _packed(text) is not None


def is_loopback(text: str) -> bool:
    """127.0.0.0/8 or ::1."""
    packed = _packed(text) or b""
    return packed[:1] == b"\x7f" if len(packed) == 4 else packed == b"\0" * 15 + b"\1"


def _packed(text: str) -> bytes | None:
    family = _socket.AF_INET6 if ":" in text else _socket.AF_INET
    try:
        return _socket.inet_pton(family, text)
    except (OSError, ValueError):
        return None


def ip_address(text: str) -> str:
    """An address in its canonical form (ValidateIPAddress)."""
    stripped = text.strip()
    packed = _packed(stripped)
    if packed is None:
        raise ValueError(f"IP address is not correctly formatted: {text}")
    if len(packed) == 16 and packed.startswith(b"\0" * 10 + b"\xff\xff"):
        packed = packed[12:]  # Go shows IPv4 in IPv6 as IPv4
    return _socket.inet_ntop(_socket.AF_INET6 if len(packed) == 16 else _socket.AF_INET, packed)


def extra_host(text: str) -> str:
    """`name:ip`, from name:ip or name=ip with optional brackets (ValidateExtraHost)."""
    name, separator, address = text.partition("=")
    if not separator:
        name, separator, address = text.partition(":")
    if not separator or not name or ":" in name:
        raise ValueError(f"bad format for add-host: {go_quote(text)}")
    if address != "host-gateway":
        if len(address) > 2 and address[0] == "[" and address[-1] == "]":
            address = address[1:-1]
        if not is_ip(address.strip()):
            raise ValueError(f"invalid IP address in add-host: {go_quote(address)}")
    return f"{name}:{address}"


def dns_search(text: str) -> str:
    """A search domain, "." for none (ValidateDNSSearch)."""
    text = text.strip(" ")
    if text == ".":
        return text
    domain = text.rstrip().removesuffix(".").lstrip(":")
    letters = any(char in _ALNUM and not char.isdigit() for char in text)
    if not letters or not all(map(_is_label, domain.split("."))) or len(domain) >= 255:
        raise ValueError(f"{text} is not a valid domain")
    return domain


def _is_label(label: str) -> bool:
    return (
        bool(label)
        and label[0] in _ALNUM
        and label[-1] in _ALNUM
        and all(char in _ALNUM or char == "-" for char in label)
    )


def is_mac(text: str) -> bool:
    """Whether Go's net.ParseMAC takes it: 6, 8 or 20 octets with `:`, `-` or `.` between."""
    text = text.strip()
    separator = next((char for char in text if char in ":-."), "")
    if not separator:
        return False
    parts = text.split(separator)
    width = 4 if separator == "." else 2
    octets = len(parts) * width // 2
    return octets in (6, 8, 20) and all(
        len(part) == width and _HEX.issuperset(part) for part in parts
    )


def parse_cidr(text: str) -> tuple[bytes, int]:
    """Address and prefix length of `ADDRESS/LENGTH` (net.ParseCIDR). Raises ValueError."""
    address, _, length = text.partition("/")
    packed = _packed(address)
    plain = length.isascii() and length.isdigit() and len(length) <= 3
    if packed is None or not plain or int(length) > len(packed) * 8:
        raise ValueError(f"invalid CIDR address: {text}")
    return packed, int(length)


def contains(subnet: str, text: str) -> bool:
    """Whether an address, be it with a prefix length, is of the subnet. Raises ValueError for a
    malformed subnet."""
    network, length = parse_cidr(subnet)
    packed = parse_cidr(text)[0] if "/" in text else _packed(text)
    if packed is None or len(packed) != len(network):
        return False
    rest = len(network) * 8 - length
    return int.from_bytes(packed, "big") >> rest == int.from_bytes(network, "big") >> rest
