"""-p and --expose (docker go-connections nat, docker/cli opts)."""

from __future__ import annotations

from runner.cli.errors import CliError
from runner.cli.values.addresses import is_ip

TYPE_CHECKING = False
if TYPE_CHECKING:
    Bindings = dict[str, list[dict[str, str]]]
    Exposed = dict[str, dict[str, str]]

_PROTOCOLS = ("tcp", "udp", "sctp")


def parse(publish: list[str], expose: list[str]) -> tuple[Exposed, Bindings]:
    """Config.ExposedPorts and HostConfig.PortBindings. Raises CliError with docker's text."""
    exposed: Exposed = {}
    bindings: Bindings = {}
    for text in publish:
        for port, binding in _mappings(_short_form(text)):
            exposed.setdefault(port, {})
            bindings.setdefault(port, []).append(binding)
    for text in expose:
        for port in _exposed(text):
            exposed.setdefault(port, {})
    return exposed, bindings


def _short_form(text: str) -> str:
    """`published=8080,target=80,protocol=tcp` as `8080:80/tcp`."""
    if "=" not in text:
        return text
    values = {"protocol": "tcp"}
    for field in text.split(","):
        key, separator, value = field.partition("=")
        if not separator or not key:
            raise CliError(f"invalid publish opts format (should be name=value but got '{field}')")
        values[key] = value
    return f"{values.get('published', '')}:{values.get('target', '')}/{values['protocol']}"


def _mappings(text: str) -> list[tuple[str, dict[str, str]]]:
    """The bindings that one -p stands for, a port each."""
    address, host, container = _parts(text)
    protocol, container = _split_protocol(container)
    if protocol.lower() not in _PROTOCOLS:
        raise CliError(_INVALID_PROTOCOL + protocol.lower())
    address = _address(address)
    first, last = _container_range(text, container)
    host_first, host_last = _host_range(host, container, last - first)
    mappings = []
    for offset in range(last - first + 1):
        published = str(host_first + offset) if host else ""
        if host and first == last and host_first != host_last:
            published += f"-{host_last}"
        binding = {"HostIp": address, "HostPort": published}
        mappings.append((f"{first + offset}/{protocol.lower()}", binding))
    return mappings


_INVALID_PROTOCOL = "invalid proto: "


def _parts(text: str) -> tuple[str, str, str]:
    parts = text.split(":")
    if len(parts) < 3:
        return ("", "", *parts) if len(parts) == 1 else ("", *parts)  # type: ignore[return-value]
    return ":".join(parts[:-2]), parts[-2], parts[-1]


def _split_protocol(text: str) -> tuple[str, str]:
    port, _, protocol = text.partition("/")
    return (protocol or "tcp", port) if port else ("", "")


def _address(text: str) -> str:
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    if text and not is_ip(text):
        raise CliError(f"invalid IP address: {text}")
    return text


def _container_range(text: str, container: str) -> tuple[int, int]:
    if not container:
        raise CliError(f"no port specified: {text}<empty>")
    try:
        return port_range(container)
    except ValueError:
        raise CliError(f"invalid containerPort: {container}") from None


def _host_range(host: str, container: str, span: int) -> tuple[int, int]:
    if not host:
        return 0, 0
    try:
        first, last = port_range(host)
    except ValueError:
        raise CliError(f"invalid hostPort: {host}") from None
    if span and last - first != span:
        raise CliError(
            f"invalid ranges specified for container and host Ports: {container} and {host}"
        )
    return first, last


def _exposed(text: str) -> list[str]:
    if ":" in text:
        raise CliError(f"invalid port format for --expose: {text}")
    protocol, port = _split_protocol(text)
    try:
        first, last = port_range(port)
    except ValueError as err:
        raise CliError(f"invalid range format for --expose: {text}, error: {err}") from None
    return [f"{number}/{protocol}" for number in range(first, last + 1)]


def port_range(text: str) -> tuple[int, int]:
    """`80` or `80-90`. Raises ValueError with Go's text."""
    if not text:
        raise ValueError("empty string specified for ports")
    first, separator, last = text.partition("-")
    start = _port(first)
    end = _port(last.partition("-")[0]) if separator else start
    if end < start:
        raise ValueError(f"invalid range specified for port: {text}")
    return start, end


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f'strconv.ParseUint: parsing "{text}": invalid syntax')
    if int(text) > 65535:
        raise ValueError(f'strconv.ParseUint: parsing "{text}": value out of range')
    return int(text)
