"""Signals by name and number."""

import signal

import pytest

from runner.engine.signals import parse_signal, stop_signal
from runner.types.errors import InvalidParameter


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("KILL", 9),
        ("SIGKILL", 9),
        ("sigkill", 9),
        ("9", 9),
        ("HUP", 1),
        ("RTMIN+3", signal.SIGRTMIN + 3),
        ("SIGRTMAX-1", signal.SIGRTMAX - 1),
    ],
)
def test_good(text: str, number: int) -> None:
    assert parse_signal(text) == number


@pytest.mark.parametrize("text", ["", "0", "65", "9" * 5000, "-9", "NOPE", "SIG", "9x", "٣"])
def test_bad(text: str) -> None:
    with pytest.raises(InvalidParameter, match="invalid signal"):
        parse_signal(text)


def test_an_unusable_stop_signal_means_term() -> None:
    assert stop_signal("") == stop_signal("NOPE") == signal.SIGTERM
    assert stop_signal("SIGQUIT") == signal.SIGQUIT
