"""Health checks: a probe now and then, and what its results make of the container
(moby daemon/health.go).

    init_health_monitor      at every start: starting, no failures
    update_health_monitor    probes while the container runs and is not paused
    stop_healthchecks        at its end

A probe is an exec like any other. Nothing is done to an unhealthy container but to say so.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.engine import exec_run
from runner.engine.exec import add, new_record
from runner.types import times
from runner.types.container import Health, HealthcheckResult
from runner.types.errors import RunnerError
from runner.types.gotext import format_duration

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.engine.execs import Exec
    from runner.engine.stdio import Subscription
    from runner.types.image import HealthConfig

log = logging.getLogger(__name__)

STARTING: Final = "starting"
HEALTHY: Final = "healthy"
UNHEALTHY: Final = "unhealthy"

_SECOND: Final = 1_000_000_000
_INTERVAL: Final = 30 * _SECOND
_TIMEOUT: Final = 30 * _SECOND
_START_INTERVAL: Final = 5 * _SECOND
_RETRIES: Final = 3
_LOG_ENTRIES: Final = 5
_OUTPUT: Final = 4096
"""Bytes of a probe's output that are kept."""

_STARTING_LIMIT: Final = 30.0
"""Seconds for a probe to be started; the check's own timeout counts from there."""

_DEFAULT_SHELL: Final = ("/bin/sh", "-c")


@dataclass(frozen=True, slots=True)
class Timing:
    """A check's durations in nanoseconds, and how many failures are too many."""

    interval: int
    timeout: int
    start_period: int
    start_interval: int
    retries: int

    @classmethod
    def of(cls, check: HealthConfig) -> Timing:
        """What is not set has Docker's default."""
        return cls(
            interval=check.interval or _INTERVAL,
            timeout=check.timeout or _TIMEOUT,
            start_period=check.start_period,
            start_interval=check.start_interval or _START_INTERVAL,
            retries=check.retries if check.retries > 0 else _RETRIES,
        )

    def until_next(self, status: str, ran_for: int) -> int:
        """From the end of one probe to the next, when the container has run for so long."""
        starting = status == STARTING and ran_for < self.start_period
        return self.start_interval if starting else self.interval


def probe_command(check: HealthConfig | None, shell: list[str] | None) -> list[str] | None:
    """What a probe runs; None when there is no check (moby getProbe)."""
    match check.test if check is not None else None:
        case ["CMD", *command] if command:
            return command
        case ["CMD-SHELL", *command]:
            return [*(shell or _DEFAULT_SHELL), *command]
        case _:  # none, NONE, or a kind that nobody knows
            return None


def apply_result(
    health: Health, result: HealthcheckResult, timing: Timing, started_at: str
) -> None:
    """Take a probe's result into account (moby handleProbeResult).

    In the start period a container that was never healthy collects no failures.
    """
    health.log = [*(health.log or ())[1 - _LOG_ENTRIES :], result]
    if result.exit_code == 0:
        health.failing_streak = 0
        health.status = HEALTHY
        return
    ran_for = times.parse_ns(result.start) - times.parse_ns(started_at)
    if health.status == STARTING and ran_for < timing.start_period:
        return
    health.failing_streak += 1
    if health.failing_streak >= timing.retries:
        health.status = UNHEALTHY


def init_health_monitor(engine: Engine, container: Container) -> None:
    """Begin anew with a run; what earlier probes said stays (moby initHealthMonitor)."""
    if _probe_command(container) is None:
        return
    stop_healthchecks(container)
    known = container.state.health
    container.state.health = Health(STARTING, 0, known.log if known else [])
    update_health_monitor(engine, container)


def update_health_monitor(engine: Engine, container: Container) -> None:
    """Probe or not, as the container's state wants it (moby updateHealthMonitor)."""
    state = container.state
    if state.health is None:
        return
    if not state.running or state.paused or _probe_command(container) is None:
        stop_healthchecks(container)
    elif container.health_monitor is None:
        container.health_monitor = engine.background(
            _monitor(engine, container), f"check the health of {container.id}"
        )


def stop_healthchecks(container: Container) -> None:
    """Probe no longer. Who is not looked at counts as unhealthy, which is no event."""
    monitor, container.health_monitor = container.health_monitor, None
    if monitor is not None:
        monitor.cancel()
        if container.state.health is not None:
            container.state.health.status = UNHEALTHY


def _probe_command(container: Container) -> list[str] | None:
    return probe_command(container.config.healthcheck, container.config.shell)


async def _monitor(engine: Engine, container: Container) -> None:
    """One probe after the other, until cancelled (moby monitor)."""
    check, command = container.config.healthcheck, _probe_command(container)
    assert check is not None and command is not None
    timing = Timing.of(check)
    started = time.monotonic_ns() - _age(container)
    while True:
        health = container.state.health
        status = health.status if health else UNHEALTHY
        await asyncio.sleep(timing.until_next(status, time.monotonic_ns() - started) / _SECOND)
        result = await _probe(engine, container, command, timing)
        async with container.lock:
            _handle_result(engine, container, result, timing)


def _age(container: Container) -> int:
    return time.time_ns() - times.parse_ns(container.state.started_at)


def _handle_result(
    engine: Engine, container: Container, result: HealthcheckResult, timing: Timing
) -> None:
    """Not saved: it goes along with the next checkpoint, as with moby."""
    health = container.state.health
    if health is None:
        return
    before = health.status
    apply_result(health, result, timing, container.state.started_at)
    if health.status != before:
        engine.events.log_container(container, f"health_status: {health.status}")


async def _probe(
    engine: Engine, container: Container, command: list[str], timing: Timing
) -> HealthcheckResult:
    """Run the check once (moby cmdProbe.run); a failure to run it is a failed check."""
    started = times.now()
    failed = False
    try:
        exit_code, output = await _run(engine, container, command, timing)
    except RunnerError as err:
        failed = True
        log.warning("health check error: %s", err, extra={"container": container.id})
        exit_code, output = -1, str(err)
    engine.metrics.health_check(failed=failed)
    return HealthcheckResult(start=started, end=times.now(), exit_code=exit_code, output=output)


async def _run(
    engine: Engine, container: Container, command: list[str], timing: Timing
) -> tuple[int, str]:
    record = new_record(container, command)
    record.open_stdout = record.open_stderr = True
    exec_ = add(engine, container, record)
    record.running = True
    exec_run.log_event(engine, exec_, f"exec_start: {exec_.command}")
    output = _Output()
    subscription = exec_.streams.subscribe(stdout=True, stderr=True)
    collecting = asyncio.create_task(output.collect(subscription))
    try:
        await _start(engine, exec_)
        in_time = await _ends_within(exec_, timing.timeout / _SECOND)
        if not in_time:
            await exec_run.kill(engine, exec_, signal.SIGKILL)
            await exec_.ended.wait()
            return -1, _too_long(timing.timeout, str(output))
        await collecting
        assert record.exit_code is not None
        return record.exit_code, str(output)
    except asyncio.CancelledError:
        # the container stops or pauses
        _end(engine, exec_)
        raise
    finally:
        collecting.cancel()
        exec_.streams.unsubscribe(subscription)


async def _start(engine: Engine, exec_: Exec) -> None:
    began = time.monotonic()
    starting = engine.background(exec_run.start(engine, exec_), f"start exec {exec_.id}")
    done, _ = await asyncio.wait({starting}, timeout=_STARTING_LIMIT)
    if not done:
        _end(engine, exec_)
        raise RunnerError(f"timed out starting health check for container {exec_.container.id}")
    starting.result()
    engine.metrics.health_check_started(time.monotonic() - began)


def _end(engine: Engine, exec_: Exec) -> None:
    """The probe must not stay behind, be it only just being started."""
    engine.background(exec_run.kill(engine, exec_, signal.SIGKILL), f"end probe {exec_.id}")


async def _ends_within(exec_: Exec, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await exec_.ended.wait()
    except TimeoutError:
        return False
    return True


def _too_long(timeout: int, output: str) -> str:
    text = f"Health check exceeded timeout ({format_duration(timeout)})"
    return f"{text}: {output}" if output else text


class _Output:
    """The first bytes of what a probe says (moby limitedBuffer)."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._truncated = False

    async def collect(self, subscription: Subscription) -> None:
        """Keep what there is room for, to the end."""
        while (chunk := await subscription.read()) is not None:
            room = _OUTPUT - len(self._kept)
            self._kept += chunk[1][:room]
            self._truncated |= len(chunk[1]) > room

    def __str__(self) -> str:
        return self._kept.decode(errors="replace") + ("..." if self._truncated else "")
