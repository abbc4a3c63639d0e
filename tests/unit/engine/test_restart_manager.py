"""The back-off of restart policies, in dockerd's numbers."""

import asyncio

import pytest

from runner.engine.restart_manager import RestartManager
from runner.types.container import RestartPolicy


def manager(name: str, most: int = 0, count: int = 0) -> RestartManager:
    return RestartManager(RestartPolicy(name=name, maximum_retry_count=most), count)


def ask(of: RestartManager, code: int = 1, *, manual: bool = False, ran: float = 0) -> float | None:
    return of.should_restart(code, manually_stopped=manual, ran_for=ran)


@pytest.mark.parametrize(
    ("policy", "code", "manual", "restarts"),
    [
        ("no", 1, False, False),
        ("", 1, False, False),
        ("always", 0, False, True),
        ("always", 0, True, True),
        ("unless-stopped", 0, False, True),
        ("unless-stopped", 0, True, False),
        ("on-failure", 0, False, False),
        ("on-failure", 3, False, True),
    ],
)
def test_policies(policy: str, code: int, manual: bool, restarts: bool) -> None:
    assert (ask(manager(policy), code, manual=manual) is not None) is restarts


def test_delays_double_up_to_a_minute() -> None:
    always = manager("always")
    delays = [ask(always) for _ in range(12)]
    assert delays[:5] == [0.1, 0.2, 0.4, 0.8, 1.6]
    assert delays[9:] == [51.2, 60.0, 60.0]


def test_a_run_of_ten_seconds_resets_the_delay() -> None:
    always = manager("always")
    for _ in range(4):
        ask(always)
    assert ask(always, ran=9.9) == 1.6
    assert ask(always, ran=10) == 0.1


def test_on_failure_counts_from_the_restarts_so_far() -> None:
    twice = manager("on-failure", most=3, count=1)
    assert [ask(twice) is not None for _ in range(3)] == [True, True, False]


async def test_cancelling_ends_a_back_off_at_once() -> None:
    always = manager("always")
    waiting = asyncio.create_task(always.back_off(60))
    await asyncio.sleep(0)
    always.cancel()
    assert await asyncio.wait_for(waiting, 1) is False
    assert ask(always) is None


async def test_a_back_off_that_is_left_alone_ends_in_a_restart() -> None:
    assert await manager("always").back_off(0.01) is True


def test_a_new_policy_counts_on() -> None:
    on_failure = manager("on-failure", most=2)
    assert [ask(on_failure) for _ in range(3)] == [0.1, 0.2, None]
    on_failure.set_policy(RestartPolicy(name="on-failure", maximum_retry_count=4))
    assert ask(on_failure) is not None
    on_failure.set_policy(RestartPolicy(name="no"))
    assert ask(on_failure) is None
