"""What the resolver answers by itself, from the question's bytes to the answer's."""

from ipaddress import ip_address

import dns.flags
import dns.message
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.network import answers
from runner.network.ip import IPAddress


class Directory:
    def addresses_of(self, name: str) -> list[IPAddress] | None:
        known = {"web": ["10.0.0.2", "10.0.0.3", "fd00::2"], "four": ["10.0.0.4"]}
        known["many"] = [f"10.0.1.{number}" for number in range(100)]
        return [ip_address(text) for text in known[name]] if name in known else None

    def name_of(self, address: IPAddress) -> str:
        return "web.front" if str(address) in ("10.0.0.2", "fd00::2") else ""


def ask(name: str, kind: str, **options: int) -> dns.message.Message | None:
    query = answers.parse(dns.message.make_query(name, kind, **options).to_wire())  # type: ignore[arg-type]
    assert query is not None
    found = answers.answer(query, Directory())
    if found is None:
        return None
    return dns.message.from_wire(answers.encode(found, query, datagram=True))


@pytest.mark.parametrize(
    ("name", "kind", "texts"),
    [
        ("web.", "A", {"10.0.0.2", "10.0.0.3"}),
        ("web.", "AAAA", {"fd00::2"}),
        ("four.", "AAAA", set()),
        ("web.", "MX", set()),
        ("2.0.0.10.in-addr.arpa.", "PTR", {"web.front."}),
    ],
)
def test_answers(name: str, kind: str, texts: set[str]) -> None:
    found = ask(name, kind)
    assert found is not None
    assert found.rcode() == dns.rcode.NOERROR
    assert found.flags & dns.flags.RA
    assert {str(item) for answer in found.answer for item in answer} == texts
    assert all(answer.ttl == 600 for answer in found.answer)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("nosuch.", "A"),
        ("web.", "TXT"),
        ("web.", "SRV"),
        ("9.9.9.10.in-addr.arpa.", "PTR"),
        ("web.", "PTR"),
        ("x.in-addr.arpa.", "PTR"),
    ],
)
def test_what_others_are_to_be_asked(name: str, kind: str) -> None:
    assert ask(name, kind) is None


def test_a_long_answer_is_cut_short_unless_the_client_takes_it() -> None:
    short, long = ask("many.", "A"), ask("many.", "A", payload=4096, use_edns=0)
    assert short is not None
    assert long is not None
    assert short.flags & dns.flags.TC
    assert not long.flags & dns.flags.TC
    assert len(long.answer[0]) == 100
    assert 20 < len(short.answer[0]) < 100


@given(st.binary(max_size=80))
def test_any_bytes(wire: bytes) -> None:
    query = answers.parse(wire)
    if query is not None:
        answers.answer(query, Directory())
        answers.encode(answers.failure(query, refused=True), query, datagram=True)


def test_only_a_sound_answer_to_the_question_counts() -> None:
    query = dns.message.make_query("x.", "A")
    wire, good = query.to_wire(), dns.message.make_response(query)
    failed = dns.message.make_response(query)
    failed.set_rcode(dns.rcode.SERVFAIL)
    assert answers.is_usable(good.to_wire(), wire)
    assert not answers.is_usable(failed.to_wire(), wire)
    assert not answers.is_usable(wire, wire)
    assert not answers.is_usable(good.to_wire(), b"\0\0" + wire[2:])
    assert not answers.is_usable(b"", wire)


def test_bare_names() -> None:
    def bare(name: str) -> bool:
        return answers.is_bare(dns.message.make_query(name, "A"))

    assert bare("host.")
    assert not bare("host.example.")
