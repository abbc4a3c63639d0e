"""hosts.toml and Docker's certificates, as containerd reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.image.reference import parse
from runner.image.registry.endpoint import Capability, Endpoint, Tls, endpoint
from runner.image.registry.hosts import RegistryHosts
from runner.image.registry.pusher import mount_candidate


def hosts(folder: Path, text: str | None, name: str = "example.com_5000_") -> RegistryHosts:
    place = folder / name
    place.mkdir()
    if text is not None:
        (place / "hosts.toml").write_text(text)
    return RegistryHosts((folder / "nowhere", folder))


def test_without_a_directory_the_registry_itself_is_asked() -> None:
    assert RegistryHosts((Path("/nowhere"),)).endpoints("example.com") == [endpoint("example.com")]


def test_hosts_come_in_the_files_order_and_the_server_last(tmp_path: Path) -> None:
    text = """
    server = "https://upstream.example.com/base"
    [host."http://b.example.com:5000"]
    capabilities = ["Pull", "resolve"]
    dial_timeout = "1.5s"
    [host."http://b.example.com:5000".header]
    x-one = "1"
    x-two = ["2", "3"]
    [host."a.example.com/v2/mirror"]
    override_path = true
    skip_verify = true
    [host."http://c.example.com:5000"]
    ca = ["one.pem", "/two.pem"]
    client = [["cert.pem", "key.pem"], "both.pem"]
    """
    place = tmp_path / "example.com_5000_"
    found = hosts(tmp_path, text).endpoints("example.com:5000")
    assert found == [
        Endpoint(
            "b.example.com:5000",
            ("http",),
            capabilities=Capability.PULL | Capability.RESOLVE,
            headers={"x-one": "1", "x-two": "2, 3"},
            dial_timeout=1.5,
        ),
        Endpoint("a.example.com", ("https",), Tls(verify=False), "/v2/mirror"),
        Endpoint(
            "c.example.com:5000",
            ("https", "http"),
            Tls(
                authorities=(place / "one.pem", Path("/two.pem")),
                pairs=((place / "cert.pem", place / "key.pem"), (place / "both.pem", None)),
            ),
        ),
        Endpoint("upstream.example.com", ("https",), path="/base/v2"),
    ]


@pytest.mark.parametrize("name", ["example.com_5000_", "example.com:5000", "_default"])
def test_the_directorys_name(tmp_path: Path, name: str) -> None:
    found = hosts(tmp_path, '[host."https://m.example.com"]', name).endpoints("example.com:5000")
    assert [each.host for each in found] == ["m.example.com", "example.com:5000"]


@pytest.mark.parametrize(
    "text",
    [
        "not toml",
        'host = "x"',
        '[host."https://x"]\ncapabilities = ["fly"]',
        '[host."https://x"]\nca = 1',
        '[host."https://x"]\nclient = [["a"]]',
        '[host."https://x"]\ndial_timeout = "soon"',
        '[host."https://x".header]\nx = 1',
    ],
)
def test_a_malformed_file_is_left_aside(tmp_path: Path, text: str) -> None:
    (tmp_path / "example.com_5000_").mkdir()
    (tmp_path / "example.com_5000_/ca.crt").touch()
    place = tmp_path / "example.com_5000_"
    (place / "hosts.toml").write_text(text)
    found = RegistryHosts((tmp_path,)).endpoints("example.com:5000")
    assert found == [endpoint("example.com:5000", Tls(authorities=(place / "ca.crt",)))]


def test_dockers_certificates(tmp_path: Path) -> None:
    found = hosts(tmp_path, None)
    place = tmp_path / "example.com_5000_"
    for name in ("b.crt", "a.crt", "me.cert", "me.key", "both.cert"):
        (place / name).touch()
    (only,) = found.endpoints("example.com:5000")
    assert only.tls == Tls(
        authorities=(place / "a.crt", place / "b.crt"),
        pairs=((place / "both.cert", None), (place / "me.cert", place / "me.key")),
    )


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("", None),
        ("team/app", None),
        ("team/base", "team/base"),
        ("other/x,team/base,zzz", "team/base"),
        ("other/a,other/b", "other/b"),
    ],
)
def test_what_to_mount_from(label: str, expected: str | None) -> None:
    labels = {"containerd.io/distribution.source.example.com": label}
    assert mount_candidate(parse("example.com:5000/team/app:1"), labels) == expected
    assert mount_candidate(parse("other.example.com/team/app:1"), labels) is None
