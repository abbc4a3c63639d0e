"""Programs under a terminal."""

from __future__ import annotations

import pytest

from tests.support.process import HarnessError
from tests.support.pty import Terminal, plain


def test_keys_go_in_and_the_screen_comes_out() -> None:
    with Terminal(["sh", "-c", "test -t 0 && read line && echo got $line"]) as terminal:
        terminal.send("word\r")
        terminal.expect("got word")
        assert terminal.wait() == 0


def test_control_c_reaches_the_program() -> None:
    with Terminal(["sh", "-c", "trap 'exit 9' INT; echo ready; while :; do sleep 0.05; done"]) as t:
        t.expect("ready")
        t.send("\x03")
        assert t.wait() == 9


def test_a_resize_is_seen() -> None:
    script = "trap 'stty size; exit' WINCH; stty size; while :; do sleep 0.05; done"
    with Terminal(["sh", "-c", script], rows=30, columns=90) as terminal:
        terminal.expect("30 90")
        terminal.resize(41, 101)
        terminal.expect("41 101")
        assert terminal.size() == (41, 101)


def test_what_does_not_come_is_an_error_that_shows_the_screen() -> None:
    with (
        Terminal(["echo", "something else"]) as terminal,
        pytest.raises(HarnessError, match="else"),
    ):
        terminal.expect("never", seconds=0.5)


def test_escape_sequences_are_removed() -> None:
    assert plain(b"\x1b[1;31mred\x1b[0m\r\n\x1b]0;title\x07ok") == "red\nok"
