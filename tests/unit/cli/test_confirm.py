"""The question before something is lost."""

from __future__ import annotations

import io
import sys

import pytest

from runner.cli.confirm import confirm
from runner.cli.errors import Declined


class Answered(io.StringIO):
    """A terminal whose user presses Ctrl-C the moment the question is seen."""

    def flush(self) -> None:
        if self.getvalue().endswith("[y/N] "):
            raise KeyboardInterrupt


@pytest.mark.parametrize("answer", ["y\n", " Y \n"])
def test_yes(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    confirm("Sure?")


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "yes\n"])
def test_anything_else_declines(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    with pytest.raises(Declined):
        confirm("Sure?")


def test_ctrl_c_declines_even_before_the_question_is_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = Answered()
    monkeypatch.setattr(sys, "stdout", screen)
    with pytest.raises(Declined):
        confirm("Sure?")
    assert screen.getvalue() == "Sure? [y/N] \n"
