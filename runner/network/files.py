"""The files that make names work in a container: hosts, hostname, resolv.conf
(libnetwork sandbox_dns_unix.go).

They are bind-mounted into the container and hence always written in place. Functions block; they
raise OSError, and InvalidParameter or System for what the configuration asks in vain.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.network import hosts
from runner.network.resolvconf import HOST_PATH, ResolvConf, choose_source, parse_resolv_conf

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.network.records import Sandbox

_HOSTS: Final = Path("/etc/hosts")
_RESOLVER: Final = IPv4Address("127.0.0.11")
_MODE: Final = 0o644


@dataclass(frozen=True, slots=True)
class NetworkFiles:
    """Where a container's files are on the host."""

    directory: Path

    @property
    def hosts(self) -> Path:
        """Mounted as /etc/hosts."""
        return self.directory / "hosts"

    @property
    def hostname(self) -> Path:
        """Mounted as /etc/hostname."""
        return self.directory / "hostname"

    @property
    def resolv_conf(self) -> Path:
        """Mounted as /etc/resolv.conf."""
        return self.directory / "resolv.conf"

    @property
    def resolv_conf_hash(self) -> Path:
        """Tells whether the user has changed resolv.conf."""
        return self.directory / "resolv.conf.hash"


@dataclass(frozen=True, slots=True)
class ResolutionConfig:
    """What the container's flags say of names. `host_mode`: it is on the host's network."""

    hostname: str
    domainname: str = ""
    extra_hosts: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    host_mode: bool = False

    @property
    def needs_host_gateway(self) -> bool:
        """Whether the host's address on the bridge must be known."""
        return any(entry.endswith(f":{hosts.HOST_GATEWAY}") for entry in self.extra_hosts)


def write_initial(
    files: NetworkFiles, config: ResolutionConfig, host_gateway: IPv4Address | None
) -> None:
    """Write all three for a new sandbox, over what an earlier run has left
    (setupResolutionFiles): before it is known which addresses and whether IPv6 there will be."""
    _write(files.hostname, f"{config.hostname}\n")
    _write(files.hosts, _hosts(config, (), ipv6=True, host_gateway=host_gateway))
    _write_resolv_conf(files, _load_resolv_conf(config))


def write_joined(
    files: NetworkFiles,
    config: ResolutionConfig,
    sandbox: Sandbox,
    *,
    addresses: Iterable[str] = (),
    linked: Iterable[hosts.Record] = (),
    host_gateway: IPv4Address | None,
) -> None:
    """Bring hosts and resolv.conf in line with the sandbox (rebuildHostsFile, updateDNS).

    Due for every network but another container's; `linked` are other containers that it has links
    to. A resolv.conf that the user has changed since `write_initial` is left alone.
    """
    text = _hosts(config, addresses, ipv6=sandbox.ipv6, host_gateway=host_gateway, linked=linked)
    _write(files.hosts, text)
    if _user_modified(files):
        return
    resolv_conf = _load_resolv_conf(config)
    if not config.host_mode:
        resolv_conf = resolv_conf.for_legacy_network(ipv6=sandbox.ipv6)
    _write_resolv_conf(files, resolv_conf)


def write_internal(files: NetworkFiles, config: ResolutionConfig) -> ResolvConf:
    """Make resolv.conf name the sandbox's own resolver, and tell what it said instead
    (rebuildDNS). A file that the user has changed is left alone.

    As with dockerd the file is not marked as ours then, so that nothing changes it any more.
    """
    resolv_conf = _load_resolv_conf(config).for_resolver(_RESOLVER)
    if not _user_modified(files):
        _write(files.resolv_conf, resolv_conf.text())
    return resolv_conf


def add_hosts(files: NetworkFiles, config: ResolutionConfig, addresses: Iterable[str]) -> None:
    """Name the container's own addresses on one more network in its hosts file, whatever else is
    there by now (etchosts Add)."""
    records = hosts.own_names(map(ip_address, addresses), config.hostname, config.domainname)
    _write(files.hosts, _read(files.hosts) + "".join(map(hosts.line, records)))


def remove_hosts(files: NetworkFiles, config: ResolutionConfig, addresses: Iterable[str]) -> None:
    """Take them out again (etchosts Delete)."""
    records = hosts.own_names(map(ip_address, addresses), config.hostname, config.domainname)
    unwanted = set(map(hosts.line, records))
    kept = [line for line in _read(files.hosts).splitlines(keepends=True) if line not in unwanted]
    _write(files.hosts, "".join(kept))


def change_host(path: Path, name: str, address: str) -> None:
    """Give a name in a hosts file another address, if it stands there (etchosts Update)."""
    line = re.compile(rf"^\S+(?=\t{re.escape(name)}[\s.])", re.MULTILINE)
    text = _read(path)
    changed = line.sub(address, text)
    if changed != text:
        _write(path, changed)


def _hosts(
    config: ResolutionConfig,
    addresses: Iterable[str],
    *,
    ipv6: bool,
    host_gateway: IPv4Address | None,
    linked: Iterable[hosts.Record] = (),
) -> str:
    # With names of its own, a container on the host's network gets a file of its own too: it must
    # be able to override the host's (moby #48823).
    if config.host_mode and not config.extra_hosts:
        return _read(_HOSTS)
    own = hosts.own_names(map(ip_address, addresses), config.hostname, config.domainname)
    extra = hosts.extra_hosts(config.extra_hosts, host_gateway)
    return hosts.hosts_text((*extra, *linked, *own), ipv6=ipv6)


def _load_resolv_conf(config: ResolutionConfig) -> ResolvConf:
    """The host's, with the user's overrides (loadResolvConf)."""
    text, source = _read(Path(HOST_PATH)), HOST_PATH
    if not config.host_mode and (source := choose_source(text)) != HOST_PATH:
        text = _read(Path(source))
    host = parse_resolv_conf(text, source)
    return host.override(config.dns, config.dns_search, config.dns_options)


def _write_resolv_conf(files: NetworkFiles, resolv_conf: ResolvConf) -> None:
    text = resolv_conf.text()
    _write(files.resolv_conf, text)
    _write(files.resolv_conf_hash, _digest(text.encode()))


def _user_modified(files: NetworkFiles) -> bool:
    try:
        written = files.resolv_conf_hash.read_text()
    except FileNotFoundError:
        return False
    return _digest(files.resolv_conf.read_bytes()) != written


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _read(path: Path) -> str:
    """The text, whatever its encoding; a file that is not there is an empty one."""
    try:
        return path.read_text(errors="surrogateescape")
    except FileNotFoundError:
        return ""


def _write(path: Path, text: str) -> None:
    with path.open("w", errors="surrogateescape") as file:
        file.write(text)
        os.fchmod(file.fileno(), _MODE)
