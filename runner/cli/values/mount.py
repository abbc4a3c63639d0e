"""--mount type=…,source=…,target=… (docker/cli opts.MountOpt)."""

from __future__ import annotations

import os

from runner.cli.values import csv
from runner.cli.values.numbers import boolean, ram_in_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Mount = dict[str, Any]

_BARE = {
    "readonly": "true",
    "ro": "true",
    "volume-nocopy": "true",
    "bind-nonrecursive": "true",
}
_RECURSIVE = {
    "enabled": "",
    "disabled": "NonRecursive",
    "writable": "ReadOnlyNonRecursive",
    "readonly": "ReadOnlyForceRecursive",
}
_FAMILIES = {
    "VolumeOptions": "volume",
    "ImageOptions": "image",
    "BindOptions": "bind",
    "TmpfsOptions": "tmpfs",
}


def mount(text: str) -> Mount:
    """The mount as the API wants it. Raises ValueError with docker's text."""
    made: Mount = {"Type": "volume"}
    for field in csv.fields(text):
        key, separator, value = field.partition("=")
        key = key.lower()
        if not separator:
            if key not in _BARE:
                raise ValueError(f"invalid field '{field}' must be a key=value pair")
            value = _BARE[key]
        if key not in _SETTERS:
            raise ValueError(f"unexpected key '{key}' in '{field}'")
        _SETTERS[key](made, key, value)
    _check(made)
    return made


def absolute_source(path: str) -> str:
    """A path that starts with a dot is the caller's: made absolute, cleaned."""
    return os.path.abspath(path) if path.startswith(".") else path  # noqa: PTH100 - cheap import


def _check(made: Mount) -> None:
    if not made["Type"]:
        raise ValueError("type is required")
    if not made.get("Target"):
        raise ValueError("target is required")
    for family, kind in _FAMILIES.items():
        if family in made and made["Type"] != kind:
            raise ValueError(f"cannot mix '{kind}-*' options with mount type '{made['Type']}'")
    _check_recursion(made.get("BindOptions", {}), read_only=made.get("ReadOnly", False))


def _check_recursion(bind: dict[str, Any], *, read_only: bool) -> None:
    for option, value in (
        ("ReadOnlyNonRecursive", "writable"),
        ("ReadOnlyForceRecursive", "readonly"),
    ):
        if bind.get(option) and not read_only:
            raise ValueError(
                f"option 'bind-recursive={value}' requires 'readonly' "
                "to be specified in conjunction"
            )
    if bind.get("ReadOnlyForceRecursive") and bind.get("Propagation") != "rprivate":
        raise ValueError(
            "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' "
            "to be specified in conjunction"
        )


def _plain(name: str, convert: Callable[[str], str] = str) -> Callable[[Mount, str, str], None]:
    def assign(made: Mount, _key: str, value: str) -> None:
        made[name] = convert(value)

    return assign


def _family(made: Mount, name: str) -> dict[str, Any]:
    empty: dict[str, Any] = {}
    if name == "VolumeOptions":
        empty = {"Labels": {}, "DriverConfig": {}}
    options: dict[str, Any] = made.setdefault(name, empty)
    return options


def _option(
    family: str, name: str, convert: Callable[[str, str], Any]
) -> Callable[[Mount, str, str], None]:
    def assign(made: Mount, key: str, value: str) -> None:
        _family(made, family)[name] = convert(key, value)

    return assign


def _truth(key: str, value: str) -> bool:
    try:
        return boolean(value)
    except ValueError:
        raise ValueError(f"invalid value for {key}: {value}") from None


def _read_only(made: Mount, key: str, value: str) -> None:
    made["ReadOnly"] = _truth(key, value)


def _bind_recursive(made: Mount, key: str, value: str) -> None:
    if value not in _RECURSIVE:
        raise ValueError(
            f"invalid value for {key}: {value} "
            '(must be "enabled", "disabled", "writable", or "readonly")'
        )
    if _RECURSIVE[value]:
        _family(made, "BindOptions")[_RECURSIVE[value]] = True


def _volume_label(made: Mount, _key: str, value: str) -> None:
    _set_pair(_family(made, "VolumeOptions")["Labels"], value)


def _volume_driver(made: Mount, _key: str, value: str) -> None:
    _family(made, "VolumeOptions")["DriverConfig"]["Name"] = value


def _volume_option(made: Mount, _key: str, value: str) -> None:
    _set_pair(_family(made, "VolumeOptions")["DriverConfig"].setdefault("Options", {}), value)


def _set_pair(target: dict[str, str], text: str) -> None:
    key, _, value = text.partition("=")
    if key:
        target[key] = value


def _size(key: str, value: str) -> int:
    try:
        return ram_in_bytes(value)
    except ValueError:
        raise ValueError(f"invalid value for {key}: {value}") from None


def _mode(key: str, value: str) -> int:
    try:
        if not (value.isascii() and value.isdigit()):
            raise ValueError(value)
        mode = int(value, 8)
    except ValueError:
        mode = 1 << 32
    if mode >= 1 << 32:
        raise ValueError(f"invalid value for {key}: {value}")
    return mode


def _text(_key: str, value: str) -> str:
    return value


def _lower(_key: str, value: str) -> str:
    return value.lower()


_SETTERS: dict[str, Callable[[Mount, str, str], None]] = {
    "type": _plain("Type", str.lower),
    "source": _plain("Source", absolute_source),
    "src": _plain("Source", absolute_source),
    "target": _plain("Target"),
    "dst": _plain("Target"),
    "destination": _plain("Target"),
    "readonly": _read_only,
    "ro": _read_only,
    "consistency": _plain("Consistency", str.lower),
    "bind-propagation": _option("BindOptions", "Propagation", _lower),
    "bind-nonrecursive": _option("BindOptions", "NonRecursive", _truth),
    "bind-recursive": _bind_recursive,
    "volume-subpath": _option("VolumeOptions", "Subpath", _text),
    "volume-nocopy": _option("VolumeOptions", "NoCopy", _truth),
    "volume-label": _volume_label,
    "volume-driver": _volume_driver,
    "volume-opt": _volume_option,
    "image-subpath": _option("ImageOptions", "Subpath", _text),
    "tmpfs-size": _option("TmpfsOptions", "SizeBytes", _size),
    "tmpfs-mode": _option("TmpfsOptions", "Mode", _mode),
}
