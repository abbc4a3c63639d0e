"""Which log options are allowed (moby daemon/logger/factory.go, daemon/logs.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.logs.syslog.options import validate_syslog
from runner.types.container import LogConfig
from runner.types.errors import InvalidParameter, NotImplementedYet
from runner.types.gotext import parse_bool
from runner.types.units import ram_in_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DRIVERS: Final = ("journald", "json-file", "local", "syslog")
"""The drivers to name in `info`; `none` is not one to dockerd."""

_DOCKERS_OTHERS: Final = frozenset({"awslogs", "fluentd", "gcplogs", "gelf", "splunk"})
_FILE: Final = frozenset({"max-file", "max-size", "compress"})
_ATTRIBUTES: Final = frozenset({"labels", "labels-regex", "env", "env-regex", "tag"})
_SYSLOG: Final = frozenset(
    {
        "syslog-address",
        "syslog-facility",
        "syslog-format",
        "syslog-tls-ca-cert",
        "syslog-tls-cert",
        "syslog-tls-key",
        "syslog-tls-skip-verify",
    }
)
_OPTIONS: Final = {
    "journald": _ATTRIBUTES,
    "json-file": _FILE | _ATTRIBUTES,
    "local": _FILE,
    "syslog": _SYSLOG | _ATTRIBUTES,
}
_VALIDATORS: Final[dict[str, Callable[[Mapping[str, str]], None]]] = {"syslog": validate_syslog}
"""What else is looked at when a container is created; mostly a value is when it starts."""

_CACHE: Final = frozenset({"cache-disabled", *(f"cache-{option}" for option in _FILE)})
_BUILT_IN: Final = frozenset({"mode", "max-buffer-size"}) | _CACHE
"""Valid with every driver."""

DEFAULT_RING_SIZE: Final = 1_000_000


def merge_and_verify_log_config(config: LogConfig, default: LogConfig) -> LogConfig:
    """The container's log configuration, completed by the engine's default and checked.

    The options of the cache are the engine's for every driver (moby MergeDefaultLogConfig).
    Raises InvalidParameter or NotImplementedYet.
    """
    driver = config.type or default.type
    defaults = {
        option: value
        for option, value in default.config.items()
        if driver == default.type or option in _CACHE
    }
    merged = LogConfig(type=driver, config={**defaults, **config.config})
    validate_log_opts(merged)
    return merged


def validate_log_opts(config: LogConfig) -> None:
    """What dockerd checks when a container is created.

    Raises InvalidParameter or NotImplementedYet.
    """
    if config.type == "none":
        return
    _validate_mode(config.config)
    _validate_cache(config.config)
    check_driver(config.type)
    for option in sorted(config.config):
        if option not in _BUILT_IN and option not in _OPTIONS[config.type]:
            raise InvalidParameter(_unknown_option(option, config.type))
    if validate := _VALIDATORS.get(config.type):
        try:
            validate(config.config)
        except ValueError as err:
            raise InvalidParameter(str(err)) from err


def _unknown_option(option: str, driver: str) -> str:
    named = f"log driver {driver}" if driver == "local" else f"{driver} log driver"
    return f"unknown log opt '{option}' for {named}"


def check_driver(name: str) -> None:
    """Raises InvalidParameter when nobody knows the driver, NotImplementedYet when only dockerd."""
    if name in DRIVERS or name == "none":
        return
    if name in _DOCKERS_OTHERS:
        raise NotImplementedYet(f"log driver '{name}' is not supported")
    raise InvalidParameter(f'error looking up logging plugin {name}: plugin "{name}" not found')


def ring_size(options: Mapping[str, str]) -> int | None:
    """Bytes to buffer in non-blocking mode, None when blocking. Raises ValueError."""
    if options.get("mode") != "non-blocking":
        return None
    size = options.get("max-buffer-size")
    return DEFAULT_RING_SIZE if size is None else ram_in_bytes(size)


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


def _validate_cache(options: Mapping[str, str]) -> None:
    disabled = options.get("cache-disabled", "")
    try:
        if disabled:
            parse_bool(disabled)
    except ValueError:
        raise InvalidParameter(f"invalid value for option cache-disabled: {disabled}") from None
