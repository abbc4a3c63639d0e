"""Platform specifiers, read by hand as the library reads them by regular expressions."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.types import platforms

_COMPONENT = re.compile(r"[A-Za-z0-9_.-]+")
_SYSTEM = re.compile(r"([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.-]*)\))?")


@given(st.lists(st.sampled_from([*"a.-_()/* é\n", "10", "Linux"]), max_size=8).map("".join))
def test_the_hand_takes_what_the_expressions_take(text: str) -> None:
    first, *others = text.split("/", 3)
    system = _SYSTEM.fullmatch(first)
    wanted = system and all(map(_COMPONENT.fullmatch, others)) and 1 <= len(others) <= 2
    try:
        found = platforms.parse(f"{text}")
    except ValueError as err:
        assert str(err).endswith(": invalid argument")
        assert not wanted
        return
    assert system is not None
    assert (found["os"], found.get("os.version", "")) == (system[1].lower(), system[2] or "")


def test_the_answer_is_an_oci_platforms_json() -> None:
    assert list(platforms.parse("windows(10.0)/arm64/9").items()) == [
        ("architecture", "arm64"),
        ("os", "windows"),
        ("os.version", "10.0"),
        ("variant", "v9"),
    ]


@pytest.mark.parametrize(
    ("told", "machine", "variant"),
    [
        ("CPU architecture: 8\n", "aarch64", "v8"),
        ("CPU architecture: 7\nmodel name\t: ARMv7 Processor\n", "armv7l", "v7"),
        ("model name\t: ARMv6-compatible\nCPU architecture: 7\n", "armv6l", "v6"),
        ("", "armv5tel", "v5"),
        ("", "aarch64", "v8"),
        ("CPU architecture: new\n", "aarch64", "unknown"),
    ],
)
def test_an_arm_variant(
    told: str, machine: str, variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = dict(re.findall(r"^(.*?)\s*: (.*)$", told.lower(), re.MULTILINE))
    monkeypatch.setattr(platforms, "_cpuinfo", facts.get)
    assert platforms._cpu_variant(machine) == variant
