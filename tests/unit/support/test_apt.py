"""Finding the machine's archive in apt's sources."""

from __future__ import annotations

from tests.support.apt import ArchiveSource, parse_deb822, parse_one_line

_KEYRING = "/usr/share/keyrings/archive.gpg"
_DEB822 = f"""\
Types: deb
URIs: https://extras.example/debian
Suites: stable-extras
Components: main

# a comment
Types: deb deb-src
URIs: https://mirror.example/debian https://second.example/debian
Suites: trixie trixie-updates
Components: main contrib
Signed-By: {_KEYRING}

Types: deb
URIs: https://mirror.example/debian-security
Suites: trixie-security
Components: main
"""


def test_a_deb822_source_is_found_among_others() -> None:
    assert parse_deb822(_DEB822) == ArchiveSource("https://mirror.example/debian", _KEYRING)


def test_a_disabled_source_is_passed_over() -> None:
    text = _DEB822.replace("Types: deb deb-src", "Enabled: no\nTypes: deb deb-src")
    assert parse_deb822(text) is None


def test_a_one_line_source_is_found_among_others() -> None:
    text = (
        "# deb https://old.example/debian bookworm main\n"
        "deb https://mirror.example/debian-security bookworm-security main\n"
        f"deb [arch=amd64 signed-by={_KEYRING}] https://mirror.example/debian bookworm main\n"
    )
    assert parse_one_line(text) == ArchiveSource("https://mirror.example/debian", _KEYRING)


def test_another_distribution_is_no_source() -> None:
    assert parse_one_line("deb https://mirror.example/ubuntu noble main universe\n") is None


def test_only_the_suite_changes() -> None:
    stanza = ArchiveSource("https://mirror.example/debian", _KEYRING).stanza("forky")
    assert "Suites: forky\n" in stanza
    assert f"Signed-By: {_KEYRING}\n" in stanza
