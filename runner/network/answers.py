"""What the resolver itself knows of the names that containers ask for. No I/O.

What is not answered here is for the host's name servers. Source: libnetwork resolver.go.
"""

from __future__ import annotations

import random
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, Protocol

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.reversename
import dns.rrset
from dns.rdtypes.ANY.PTR import PTR

if TYPE_CHECKING:
    from runner.network.ip import IPAddress

_TTL: Final = 600
_SMALLEST: Final = 512
"""Bytes of an answer that every client takes by UDP (RFC 1035)."""
_LARGEST: Final = 65535
_VERSIONS: Final = {dns.rdatatype.A: 4, dns.rdatatype.AAAA: 6}


class Directory(Protocol):
    """Who has which name, as a container sees it."""

    def addresses_of(self, name: str) -> list[IPAddress] | None:
        """Of both families; None when nobody is called so."""

    def name_of(self, address: IPAddress) -> str:
        """Empty when nobody has the address."""


def parse(wire: bytes) -> dns.message.Message | None:
    """A question; None for what is none."""
    try:
        message = dns.message.from_wire(wire, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError):
        return None
    return None if message.flags & dns.flags.QR or not message.question else message


def answer(query: dns.message.Message, directory: Directory) -> dns.message.Message | None:
    """The answer, if it is here; None when others are to be asked."""
    question = query.question[0]
    if question.rdclass != dns.rdataclass.IN:
        return None
    if question.rdtype == dns.rdatatype.PTR:
        return _pointer(query, directory)
    if question.rdtype not in (*_VERSIONS, dns.rdatatype.MX):
        return None
    addresses = directory.addresses_of(question.name.to_text(omit_final_dot=True))
    if addresses is None:
        return None
    response = _response(query)
    version = _VERSIONS.get(question.rdtype)  # mail goes to the name itself (RFC 5321 section 5.1)
    found = [str(address) for address in addresses if address.version == version]
    random.shuffle(found)
    if found:
        response.answer.append(
            dns.rrset.from_text(question.name, _TTL, "IN", question.rdtype, *found)
        )
    return response


def _pointer(query: dns.message.Message, directory: Directory) -> dns.message.Message | None:
    question = query.question[0]
    try:
        address = ip_address(dns.reversename.to_address(question.name))
    except (dns.exception.DNSException, ValueError):
        return None
    name = directory.name_of(address)
    if not name:
        return None
    labels = [label.encode() for label in name.split(".")]
    target = PTR(  # type: ignore[no-untyped-call]
        dns.rdataclass.IN, dns.rdatatype.PTR, dns.name.Name([*labels, b""])
    )
    response = _response(query)
    response.answer.append(dns.rrset.from_rdata(question.name, _TTL, target))
    return response


def is_bare(query: dns.message.Message) -> bool:
    """Whether an address is asked for by a name without dots."""
    question = query.question[0]
    return question.rdtype in _VERSIONS and len(question.name.labels) <= 2


def nothing(query: dns.message.Message) -> dns.message.Message:
    """The name may exist, but there is nothing of that kind."""
    return _response(query)


def failure(query: dns.message.Message, *, refused: bool = False) -> dns.message.Message:
    """No answer could be had; or so many are asked for that this one is refused."""
    response = _response(query)
    response.set_rcode(dns.rcode.REFUSED if refused else dns.rcode.SERVFAIL)
    return response


def encode(response: dns.message.Message, query: dns.message.Message, *, datagram: bool) -> bytes:
    """The bytes of an answer, cut short where the client takes no more by UDP."""
    limit = max(_SMALLEST, query.payload) if datagram else _LARGEST
    while True:
        try:
            return response.to_wire(max_size=limit)
        except dns.exception.TooBig:
            response.flags |= dns.flags.TC
            _shorten(response)


def _shorten(response: dns.message.Message) -> None:
    """Leave the last eighth of the records out, one at least; as many are told as find room."""
    records = list(response.answer[0]) if response.answer else []
    if not records:
        raise ValueError("the question alone is too long")
    name, kind = response.answer[0].name, response.answer[0].rdtype
    kept = records[: len(records) * 7 // 8]
    response.answer = [dns.rrset.from_rdata_list(name, _TTL, kept)] if kept else []
    assert not kept or response.answer[0].rdtype == kind


def is_usable(wire: bytes, query: bytes) -> bool:
    """Whether this is a name server's answer to the question, and not one of another server's
    business: SERVFAIL, REFUSED."""
    if len(wire) < 12 or wire[:2] != query[:2] or not wire[2] & 0x80:
        return False
    return (wire[3] & 0x0F) not in (dns.rcode.SERVFAIL, dns.rcode.REFUSED)


def _response(query: dns.message.Message) -> dns.message.Message:
    return dns.message.make_response(query, recursion_available=True)
