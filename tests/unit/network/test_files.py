"""The files on disk: modes, edits by the user, what each network mode gets."""

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from runner.network import files as module
from runner.network.files import NetworkFiles, ResolutionConfig, write_initial, write_joined
from runner.network.records import Sandbox

SANDBOX = Sandbox("c", "0" * 64, "/run/netns")
CONFIG = ResolutionConfig(hostname="web")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NetworkFiles:
    """Files of a container on a host with known ones."""
    (tmp_path / "host-hosts").write_text("127.0.0.1 host\n")
    (tmp_path / "host-resolv.conf").write_text("nameserver 127.0.0.1\nnameserver 10.0.0.1\n")
    monkeypatch.setattr(module, "_HOSTS", tmp_path / "host-hosts")
    monkeypatch.setattr(module, "HOST_PATH", str(tmp_path / "host-resolv.conf"))
    monkeypatch.setattr(module, "choose_source", lambda _: str(tmp_path / "host-resolv.conf"))
    (tmp_path / "container").mkdir()
    return NetworkFiles(tmp_path / "container")


def test_at_first_the_host_s_nameservers_and_no_address(files: NetworkFiles) -> None:
    write_initial(files, CONFIG, None)
    assert files.hostname.read_text() == "web\n"
    assert "web" not in files.hosts.read_text()
    assert "nameserver 127.0.0.1\n" in files.resolv_conf.read_text()
    modes = {path.stat().st_mode & 0o777 for path in files.directory.iterdir()}
    assert modes == {0o644}


def test_joined_with_an_address(files: NetworkFiles) -> None:
    write_initial(files, CONFIG, None)
    inode = files.hosts.stat().st_ino
    write_joined(files, CONFIG, SANDBOX, addresses=["172.30.0.2"], host_gateway=None)
    assert files.hosts.read_text().endswith("172.30.0.2\tweb\n")
    assert files.hosts.stat().st_ino == inode  # mounted into the container already
    assert "nameserver 127.0.0.1" not in files.resolv_conf.read_text()
    assert "(legacy)" in files.resolv_conf.read_text()


def test_an_edited_resolv_conf_is_left_alone(files: NetworkFiles) -> None:
    write_initial(files, CONFIG, None)
    files.resolv_conf.write_text("nameserver 9.9.9.9\n")
    write_joined(files, CONFIG, SANDBOX, host_gateway=None)
    assert files.resolv_conf.read_text() == "nameserver 9.9.9.9\n"


def test_a_new_sandbox_starts_anew(files: NetworkFiles) -> None:
    files.resolv_conf.write_text("nameserver 9.9.9.9\n")
    write_initial(files, CONFIG, None)
    assert "9.9.9.9" not in files.resolv_conf.read_text()


def test_on_the_host_s_network_the_host_s_files(files: NetworkFiles) -> None:
    config = ResolutionConfig(hostname="web", host_mode=True)
    write_initial(files, config, None)
    write_joined(files, config, SANDBOX, host_gateway=None)
    assert files.hosts.read_text() == "127.0.0.1 host\n"
    assert "nameserver 127.0.0.1\n" in files.resolv_conf.read_text()
    assert "(legacy)" not in files.resolv_conf.read_text()


def test_on_the_host_s_network_with_own_names(files: NetworkFiles) -> None:
    config = ResolutionConfig(hostname="web", host_mode=True, extra_hosts=("a:host-gateway",))
    assert config.needs_host_gateway
    write_initial(files, config, IPv4Address("172.30.0.1"))
    assert files.hosts.read_text().endswith("ff02::2\tip6-allrouters\n172.30.0.1\ta\n")


def test_a_host_without_files(files: NetworkFiles) -> None:
    for name in ("host-hosts", "host-resolv.conf"):
        (files.directory.parent / name).unlink()
    write_initial(files, ResolutionConfig(hostname="web", host_mode=True), None)
    assert files.hosts.read_text() == ""
    assert "nameserver" not in files.resolv_conf.read_text()
