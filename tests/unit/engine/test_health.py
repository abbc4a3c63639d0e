"""What probes' results make of a container, as a table."""

from __future__ import annotations

import pytest

from runner.engine.health import Timing, _Output, apply_result, probe_command
from runner.engine.stdio import Streams
from runner.types.container import Health, HealthcheckResult
from runner.types.image import HealthConfig
from runner.types.times import format_ns

SECOND = 10**9
STARTED = 1_700_000_000 * SECOND


def after(seconds: float, exit_code: int) -> HealthcheckResult:
    """A probe that began so long after the container's start."""
    moment = format_ns(STARTED + int(seconds * SECOND))
    return HealthcheckResult(start=moment, end=moment, exit_code=exit_code, output="")


def history(check: HealthConfig, *results: HealthcheckResult) -> list[tuple[str, int]]:
    """Status and failing streak after each result."""
    health = Health("starting", 0, [])
    seen = []
    for result in results:
        apply_result(health, result, Timing.of(check), format_ns(STARTED))
        seen.append((health.status, health.failing_streak))
    return seen


@pytest.mark.parametrize(
    ("check", "results", "expected"),
    [
        (HealthConfig(), [after(1, 0)], [("healthy", 0)]),
        (
            HealthConfig(),
            [after(1, 1), after(2, 2), after(3, -1), after(4, 0)],
            [("starting", 1), ("starting", 2), ("unhealthy", 3), ("healthy", 0)],
        ),
        (
            HealthConfig(retries=1, start_period=10 * SECOND),
            [after(1, 1), after(9.9, 1), after(10, 1)],
            [("starting", 0), ("starting", 0), ("unhealthy", 1)],
        ),
        (  # once healthy, the start period is over
            HealthConfig(retries=2, start_period=10 * SECOND),
            [after(1, 0), after(2, 1), after(3, 1)],
            [("healthy", 0), ("healthy", 1), ("unhealthy", 2)],
        ),
        (HealthConfig(retries=-1), [after(1, 1)] * 2, [("starting", 1), ("starting", 2)]),
    ],
)
def test_results(
    check: HealthConfig, results: list[HealthcheckResult], expected: list[tuple[str, int]]
) -> None:
    assert history(check, *results) == expected


def test_the_last_five_are_kept() -> None:
    health = Health("starting", 0, [])
    for number in range(8):
        apply_result(health, after(number, number), Timing.of(HealthConfig()), format_ns(STARTED))
    assert [result.exit_code for result in health.log or ()] == [3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("check", "status", "ran_for", "expected"),
    [
        (HealthConfig(), "starting", 0, 30),
        (HealthConfig(interval=2 * SECOND), "healthy", 0, 2),
        (HealthConfig(start_period=10 * SECOND), "starting", 9, 5),
        (HealthConfig(start_period=10 * SECOND), "starting", 10, 30),
        (HealthConfig(start_period=10 * SECOND), "healthy", 1, 30),
        (
            HealthConfig(start_period=10 * SECOND, start_interval=SECOND),
            "starting",
            1,
            1,
        ),
    ],
)
def test_how_long_to_wait(check: HealthConfig, status: str, ran_for: int, expected: int) -> None:
    assert Timing.of(check).until_next(status, ran_for * SECOND) == expected * SECOND


@pytest.mark.parametrize(
    ("test", "shell", "expected"),
    [
        (None, None, None),
        ([], None, None),
        (["NONE"], None, None),
        (["OTHER", "x"], None, None),
        (["CMD"], None, None),
        (["CMD", "a", "b"], ["bash"], ["a", "b"]),
        (["CMD-SHELL", "a b"], None, ["/bin/sh", "-c", "a b"]),
        (["CMD-SHELL", "a b"], ["bash", "-lc"], ["bash", "-lc", "a b"]),
    ],
)
def test_the_probe(
    test: list[str] | None, shell: list[str] | None, expected: list[str] | None
) -> None:
    assert probe_command(HealthConfig(test=test), shell) == expected
    assert probe_command(None, shell) is None


async def test_output_is_cut() -> None:
    for size, kept in ((4096, "x" * 4096), (4097, "x" * 4096 + "..."), (0, "")):
        streams, output = Streams(), _Output()
        subscription = streams.subscribe(stdout=True, stderr=True)
        for _ in range(size):
            subscription.feed(1, b"x")
        subscription.end()
        await output.collect(subscription)
        assert str(output) == kept
