"""/etc/resolv.conf as dockerd writes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.network.resolvconf import HEADER, choose_source, parse_resolv_conf
from runner.types.errors import InvalidParameter

HOST = """\
# by hand
; as well
nameserver 127.0.0.1
nameserver 10.0.0.53
nameserver fd00::53
nameserver nonsense
nameserver
domain old.example
search a.example b.example
options ndots:2 timeout:1
options edns0
sortlist 10.0.0.0/8
"""


def test_a_host_file_is_kept_as_it_is() -> None:
    assert parse_resolv_conf(HOST).text() == HEADER + (
        "\n"
        "nameserver 127.0.0.1\n"
        "nameserver 10.0.0.53\n"
        "nameserver fd00::53\n"
        "search a.example b.example\n"
        "options ndots:2 timeout:1 edns0\n"
        "sortlist 10.0.0.0/8\n"
        "\n"
        "# Based on host file: '/etc/resolv.conf'\n"
        "# Invalid nameservers: [nonsense]\n"
        "# Overrides: []\n"
        "# Option ndots from: host\n"
    )


@pytest.mark.parametrize(
    ("ipv6", "nameservers"),
    [(True, "nameserver 10.0.0.53\nnameserver fd00::53\n"), (False, "nameserver 10.0.0.53\n")],
)
def test_a_legacy_network_gets_what_it_can_reach(ipv6: bool, nameservers: str) -> None:
    text = parse_resolv_conf(HOST).for_legacy_network(ipv6=ipv6).text()
    assert f"has been modified.\n\n{nameservers}search" in text
    assert "# Based on host file: '/etc/resolv.conf' (legacy)\n" in text


def test_well_known_nameservers_when_none_is_left() -> None:
    host = parse_resolv_conf("nameserver 127.0.0.53\nnameserver ::1\n")
    assert host.for_legacy_network(ipv6=True).text() == HEADER + (
        "\n"
        "nameserver 8.8.8.8\n"
        "nameserver 8.8.4.4\n"
        "nameserver 2001:4860:4860::8888\n"
        "nameserver 2001:4860:4860::8844\n"
        "\n"
        "# Based on host file: '/etc/resolv.conf' (legacy)\n"
        "# Used default nameservers.\n"
        "# Overrides: []\n"
    )
    assert "2001:" not in host.for_legacy_network(ipv6=False).text()


def test_overrides_are_not_filtered() -> None:
    overridden = parse_resolv_conf(HOST).override(["127.0.0.1"], ["c.example"], ["ndots:3"])
    assert overridden.for_legacy_network(ipv6=False).text() == HEADER + (
        "\n"
        "nameserver 127.0.0.1\n"
        "search c.example\n"
        "options ndots:3\n"
        "sortlist 10.0.0.0/8\n"
        "\n"
        "# Based on host file: '/etc/resolv.conf' (legacy)\n"
        "# Invalid nameservers: [nonsense]\n"
        "# Overrides: [nameservers search options]\n"
        "# Option ndots from: override\n"
    )


def test_a_dot_clears_the_search_list() -> None:
    text = parse_resolv_conf(HOST).override([], ["."], []).text()
    assert "search" not in text.replace("# Overrides: [search]", "")


def test_a_bad_override() -> None:
    with pytest.raises(InvalidParameter, match="bad nameserver address nowhere"):
        parse_resolv_conf(HOST).override(["nowhere"], [], [])


def test_behind_the_stub_of_systemd() -> None:
    assert choose_source("nameserver 127.0.0.53\n") == "/run/systemd/resolve/resolv.conf"
    assert choose_source("nameserver 127.0.0.53\nnameserver 1.1.1.1\n") == "/etc/resolv.conf"
    assert choose_source("") == "/etc/resolv.conf"


@given(st.text())
def test_any_host_file_gives_one_that_reads_the_same(text: str) -> None:
    once = parse_resolv_conf(text)
    again = parse_resolv_conf(once.text())
    assert (again.nameservers, again.search) == (once.nameservers, once.search)
