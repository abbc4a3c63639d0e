"""Small choices with their own checks: restart, logging, storage, health, namespaces."""

from __future__ import annotations

from runner.cli.create.files import to_map
from runner.cli.errors import CliError
from runner.cli.values.numbers import decimal_int

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.declarations.create import ContainerFlags


def restart(text: str) -> dict[str, Any]:
    """HostConfig.RestartPolicy (docker/cli ParseRestartPolicy)."""
    if not text:
        return {}
    name, separator, count = text.partition(":")
    if separator and not name:
        raise CliError("invalid restart policy format: no policy provided before colon")
    policy: dict[str, Any] = {"Name": name, "MaximumRetryCount": 0}
    if count:
        try:
            policy["MaximumRetryCount"] = decimal_int(count)
        except ValueError:
            raise CliError(
                "invalid restart policy format: maximum retry count must be an integer"
            ) from None
    return policy


def logging(driver: str, options: list[str]) -> dict[str, Any]:
    """HostConfig.LogConfig."""
    if driver == "none" and options:
        raise CliError(f"invalid logging opts for driver {driver}")
    return {"Type": driver, "Config": to_map(options)}


def storage(options: list[str]) -> dict[str, str]:
    """HostConfig.StorageOpt."""
    if not all("=" in option for option in options):
        raise CliError("invalid storage option")
    return to_map(options)


def health(options: ContainerFlags) -> dict[str, Any] | None:
    """Config.Healthcheck; None leaves it to the image. Durations in nanoseconds."""
    settings = {
        "Interval": options.health_interval or 0,
        "Timeout": options.health_timeout or 0,
        "Retries": options.health_retries or 0,
        "StartPeriod": options.health_start_period or 0,
        "StartInterval": options.health_start_interval or 0,
    }
    given = bool(options.health_cmd) or any(settings.values())
    if options.no_healthcheck:
        if given:
            raise CliError("--no-healthcheck conflicts with --health-* options")
        return {"Test": ["NONE"]}
    if not given:
        return None
    for name, value in settings.items():
        if value < 0:
            raise CliError(f"--health-{_dashed(name)} cannot be negative")
    test = {"Test": ["CMD-SHELL", options.health_cmd]} if options.health_cmd else {}
    return test | {name: value for name, value in settings.items() if value}


def _dashed(name: str) -> str:
    return name.replace("Start", "start-").lower()


def check_namespaces(options: ContainerFlags) -> None:
    """The modes that docker judges before the engine does."""
    pid = options.pid or ""
    if pid not in ("", "host") and not (pid.startswith("container:") and pid[10:]):
        raise CliError("--pid: invalid PID mode")
    for flag, value, word, known in (
        ("uts", options.uts, "UTS", ("host",)),
        ("userns", options.userns, "USER", ("host",)),
        ("cgroupns", options.cgroupns, "CGROUP", ("host", "private")),
    ):
        if value and value not in known:
            raise CliError(f"--{flag}: invalid {word} mode")
