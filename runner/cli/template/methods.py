"""Methods of the declared types: how some of them print, and the parts of a port."""

from __future__ import annotations

from runner.cli.template.types import INT, STRING, Signature, Value
from runner.cli.values import times
from runner.client import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_SECOND = 1_000_000_000


def of(name: str) -> dict[str, Any]:
    """The keywords for Type that a type of this name has."""
    if name == "nat.Port":
        return {"methods": {"Port": _port, "Proto": _protocol, "Int": _number}}
    found: dict[str, Any] = {"json": _JSON.get(name)}
    if text := _TEXTS.get(name):
        string = Signature((), lambda value: Value(STRING, text(value.data)))
        found |= {"text": text, "methods": {"String": string}}
    return found


def duration(nanoseconds: int) -> str:
    """time.Duration: 1h2m3.5s, 300ms, 0s."""
    if not nanoseconds:
        return "0s"
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if rest < _SECOND:
        scale, unit = next(pair for pair in _SMALL if rest >= pair[0])
        return f"{sign}{_decimal(rest, scale)}{unit}"
    minutes, rest = divmod(rest, 60 * _SECOND)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, _SECOND)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{text}"
    return f"{sign}{minutes}m{text}" if minutes else sign + text


_SMALL = ((1_000_000, "ms"), (1_000, "µs"), (1, "ns"))


def _decimal(number: int, scale: int) -> str:
    whole, fraction = divmod(number, scale)
    digits = str(scale + fraction)[1:].rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def _mode(data: int) -> str:
    """fs.FileMode of permission bits."""
    bits = "rwxrwxrwx"
    return "-" + "".join(
        char if data & (1 << (8 - place)) else "-" for place, char in enumerate(bits)
    )


def _platform(data: Any) -> str:
    """platforms.FormatAll: os(version+features)/architecture/variant."""
    version = "+".join((data.get("os.version", ""), *(data.get("os.features") or ())))
    system = data.get("os", "") + (f"({version})" if version else "")
    return "/".join(filter(None, (system, data.get("architecture"), data.get("variant"))))


def octets(data: str) -> str:
    """[]byte, which JSON has in base64."""
    from base64 import b64decode

    return f"[{' '.join(map(str, b64decode(data)))}]"


_TEXTS: dict[str, Callable[[Any], str]] = {
    "time.Duration": duration,
    "time.Time": lambda data: times.shown(data or ""),
    "fs.FileMode": _mode,
    "digest.Digest": str,
    "formatter.Platform": _platform,
    "units.Ulimit": lambda data: f"{data['Name']}={data['Soft']}:{data['Hard']}",
    "blkiodev.WeightDevice": lambda data: f"{data['Path']}:{data['Weight']}",
    "blkiodev.ThrottleDevice": lambda data: f"{data['Path']}:{data['Rate']}",
}


def _registries(data: Any) -> str:
    """registry.ServiceConfig goes through a map, which sorts it; what is obsolete is left out."""
    names = ("IndexConfigs", "InsecureRegistryCIDRs", "Mirrors")
    return jsontext.compact({name: _ordered(data.get(name)) for name in names})


def _ordered(data: Any) -> Any:
    if not isinstance(data, dict):
        return data
    return {name: _ordered(data[name]) for name in sorted(data)}


_JSON: dict[str, Callable[[Any], str]] = {
    "time.Time": lambda data: f'"{data or times.ZERO}"',
    "registry.ServiceConfig": _registries,
}


def _protocol_of(port: str) -> str:
    return port.partition("/")[2].lower() or "tcp"


_port = Signature((), lambda value: Value(STRING, value.data.partition("/")[0]))
_protocol = Signature((), lambda value: Value(STRING, _protocol_of(value.data)))
_number = Signature((), lambda value: Value(INT, int(value.data.partition("/")[0])))
