"""The portable half, Config (moby validateContainerConfig)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from runner.engine.signals import parse_signal
from runner.types.errors import InvalidParameter
from runner.types.paths import clean

if TYPE_CHECKING:
    from runner.types.container import Config
    from runner.types.image import HealthConfig

_INTEGER: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)
_MINIMUM_DURATION: Final = 1_000_000
"""Of everything in a health check, in nanoseconds (container.MinimumDuration)."""


def validate_container_config(config: Config) -> None:
    """Raise InvalidParameter; the working directory is cleaned in place."""
    translate_working_dir(config)
    if config.stop_signal:
        validate_stop_signal(config.stop_signal)
    for variable in config.env or []:
        if not variable.partition("=")[0]:
            raise InvalidParameter(f"invalid environment variable: {variable}")
    if config.healthcheck is not None:
        validate_health_check(config.healthcheck)


def translate_working_dir(config: Config) -> None:
    """Make the working directory the shortest equivalent path; it must be absolute."""
    if not config.working_dir:
        return
    if not config.working_dir.startswith("/"):
        raise InvalidParameter(
            f"the working directory '{config.working_dir}' is invalid, "
            "it needs to be an absolute path"
        )
    config.working_dir = clean(config.working_dir)


def validate_stop_signal(text: str) -> None:
    """Any number but 0 will do here: the kernel has the last word, when the signal is sent."""
    if not _INTEGER.fullmatch(text):
        parse_signal(text)
    elif int(text) == 0:
        raise InvalidParameter(f"invalid signal: {text}")


def validate_health_check(health: HealthConfig) -> None:
    """Durations are unset or long enough (moby validateHealthCheck)."""
    _long_enough("Interval", health.interval)
    _long_enough("Timeout", health.timeout)
    if health.retries < 0:
        raise InvalidParameter("Retries in Healthcheck cannot be negative")
    _long_enough("StartPeriod", health.start_period)
    _long_enough("StartInterval", health.start_interval)


def _long_enough(name: str, duration: int) -> None:
    if duration and duration < _MINIMUM_DURATION:
        raise InvalidParameter(f"{name} in Healthcheck cannot be less than 1ms")
