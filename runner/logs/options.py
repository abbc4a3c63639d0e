"""Which log options are allowed (moby daemon/logger/factory.go, daemon/logs.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.types.container import LogConfig
from runner.types.errors import InvalidParameter, NotImplementedYet
from runner.types.units import ram_in_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

DRIVERS: Final = ("json-file",)
"""The drivers to name in `info`; `none` is not one to dockerd."""

_DOCKERS_OTHERS: Final = frozenset(
    {"awslogs", "fluentd", "gcplogs", "gelf", "journald", "local", "splunk", "syslog"}
)
_FILE_OPTIONS: Final = frozenset({"max-file", "max-size", "compress"})
_JSON_FILE_OPTIONS: Final = _FILE_OPTIONS | {"labels", "labels-regex", "env", "env-regex", "tag"}
_BUILT_IN: Final = {"mode", "max-buffer-size", "cache-disabled"} | {
    f"cache-{option}" for option in _FILE_OPTIONS
}
"""Valid with every driver. The cache is for drivers that cannot read; json-file can."""

_DEFAULT_RING_SIZE: Final = 1_000_000
_BOOLEANS: Final = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}


def merge_and_verify_log_config(config: LogConfig, default: LogConfig) -> LogConfig:
    """The container's log configuration, completed by the engine's default and checked.

    Raises InvalidParameter or NotImplementedYet.
    """
    driver = config.type or default.type
    defaults = default.config if driver == default.type else {}
    merged = LogConfig(type=driver, config={**defaults, **config.config})
    validate_log_opts(merged)
    return merged


def validate_log_opts(config: LogConfig) -> None:
    """What dockerd checks when a container is created; the values are looked at when it starts.

    Raises InvalidParameter or NotImplementedYet.
    """
    if config.type == "none":
        return
    _validate_mode(config.config)
    cache = config.config.get("cache-disabled", "")
    if cache and cache not in _BOOLEANS:
        raise InvalidParameter(f"invalid value for option cache-disabled: {cache}")
    check_driver(config.type)
    for option in sorted(config.config):
        if option not in _BUILT_IN and option not in _JSON_FILE_OPTIONS:
            raise InvalidParameter(f"unknown log opt '{option}' for {config.type} log driver")


def check_driver(name: str) -> None:
    """Raises InvalidParameter when nobody knows the driver, NotImplementedYet when only dockerd."""
    if name in DRIVERS or name == "none":
        return
    if name in _DOCKERS_OTHERS:
        raise NotImplementedYet(f"log driver '{name}' is not supported")
    raise InvalidParameter(f'error looking up logging plugin {name}: plugin "{name}" not found')


def ring_size(config: LogConfig) -> int | None:
    """Bytes to buffer in non-blocking mode, None when blocking. Raises ValueError."""
    if config.config.get("mode") != "non-blocking":
        return None
    size = config.config.get("max-buffer-size")
    return _DEFAULT_RING_SIZE if size is None else ram_in_bytes(size)


def parse_bool(text: str) -> bool:
    """strconv.ParseBool. Raises ValueError."""
    try:
        return _BOOLEANS[text]
    except KeyError:
        raise ValueError(f'strconv.ParseBool: parsing "{text}": invalid syntax') from None


def _validate_mode(options: Mapping[str, str]) -> None:
    mode = options.get("mode", "")
    if mode not in ("", "blocking", "non-blocking"):
        raise InvalidParameter(f"logger: logging mode not supported: {mode}")
    size = options.get("max-buffer-size")
    if size is None:
        return
    if mode != "non-blocking":
        raise InvalidParameter(
            "logger: max-buffer-size option is only supported with 'mode=non-blocking'"
        )
    try:
        ram_in_bytes(size)
    except ValueError as err:
        raise InvalidParameter(f"error parsing option max-buffer-size: {err}") from err
