"""Engine addresses: unix:///path and tcp://host:port (docker/cli opts.ParseHost)."""

from __future__ import annotations

from runner.client.errors import ClientError

DEFAULT_HOST = "unix:///run/runner.sock"
_TCP_PORT = "2375"
_TLS_PORT = "2376"


class Address:
    """Where an engine listens."""

    def __init__(self, host: str, *, path: str = "", name: str = "", port: int = 0) -> None:
        self.host = host
        """The address as the user wrote it, for messages."""
        self.path = path
        """The unix socket's path, empty for TCP."""
        self.name = name
        self.port = port


def parse_host(host: str, *, tls: bool = False) -> Address:
    """Parse an address as docker does. Raises ClientError with docker's text."""
    scheme, separator, rest = host.partition("://")
    if not separator:
        scheme, rest = "tcp", host
    if scheme == "unix":
        if "://" in rest:
            raise ClientError(f"invalid proto, expected unix: {rest}")
        return Address(f"unix://{rest}", path=rest or DEFAULT_HOST.removeprefix("unix://"))
    if scheme == "tcp":
        return _tcp(host, rest, _TLS_PORT if tls else _TCP_PORT)
    raise ClientError(f"invalid bind address format: {host}")


def _tcp(host: str, rest: str, default_port: str) -> Address:
    if "://" in rest:
        raise ClientError(f"invalid proto, expected tcp: {rest}")
    rest = rest.rstrip("/")
    name, separator, port = rest.rpartition(":")
    if not separator or port.endswith("]"):
        name, port = rest, ""
    name = name.removeprefix("[").removesuffix("]") or "localhost"
    port = port or default_port
    if not port.isdecimal() or int(port) > 65535:
        raise ClientError(f"invalid bind address format: {host}")
    shown = f"[{name}]" if ":" in name else name
    return Address(f"tcp://{shown}:{port}", name=name, port=int(port))
