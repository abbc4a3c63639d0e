"""Steps in a file: what a line holds, and that writing it never harms the step."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import pytest

from runner.trace import step
from runner.trace.file import writing_steps


def lines(file: io.BytesIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.getvalue().splitlines()]


def test_a_step_is_a_line_once_it_has_ended() -> None:
    file = io.BytesIO()
    before = time.monotonic()
    with writing_steps(file):
        with step("outer", container="c1"):
            with step("inner"):
                assert lines(file) == []
            assert [line["name"] for line in lines(file)] == ["inner"]
    inner, outer = lines(file)
    assert outer["name"] == "outer"
    assert outer["attributes"] == {"container": "c1"}
    assert outer["error"] is None
    assert before <= outer["started"] <= inner["started"] <= time.monotonic()
    assert outer["duration"] >= inner["duration"] >= 0


def test_an_error_is_told_and_passed_on() -> None:
    file = io.BytesIO()
    with pytest.raises(ValueError, match="no such thing"), writing_steps(file), step("failing"):
        raise ValueError("no such thing")
    assert [line["error"] for line in lines(file)] == ["no such thing"]


def test_attributes_may_be_anything() -> None:
    file = io.BytesIO()
    with writing_steps(file), step("mount", target=Path("/mnt")):
        pass
    assert lines(file)[0]["attributes"] == {"target": "/mnt"}


def test_nothing_is_written_outside() -> None:
    file = io.BytesIO()
    with writing_steps(file):
        pass
    with step("later"):
        pass
    assert file.getvalue() == b""


def test_a_full_disk_does_not_harm_the_step() -> None:
    done = False
    with open("/dev/full", "wb", buffering=0) as full, writing_steps(full), step("goes on"):
        done = True
    assert done
