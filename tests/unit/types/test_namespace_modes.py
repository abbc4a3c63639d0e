"""Tables of moby's api/types/container/hostconfig_unix_test.go questions, in our words."""

from __future__ import annotations

import pytest

from runner.types.modes import CgroupnsMode, IpcMode, NetworkMode, PidMode, UsernsMode, UTSMode


@pytest.mark.parametrize(
    ("mode", "answers"),
    [
        ("none", "private none"),
        ("default", "private default"),
        ("bridge", "private bridge"),
        ("host", "host"),
        ("container:", "container"),
        ("container:web", "container"),
        ("containers", "private user_defined"),
        ("mine", "private user_defined"),
        ("", "private"),
    ],
)
def test_network(mode: str, answers: str) -> None:
    questions = ("private", "none", "default", "bridge", "host", "container", "user_defined")
    found = NetworkMode(mode)
    assert {q for q in questions if getattr(found, f"is_{q}")} == set(answers.split())


@pytest.mark.parametrize(
    ("mode", "answers", "valid"),
    [
        ("", "", True),
        ("none", "none", True),
        ("private", "private", True),
        ("shareable", "shareable", True),
        ("host", "host", True),
        ("container:x", "container", True),
        ("container:", "container", True),
        ("container", "", False),
        ("Host", "", False),
    ],
)
def test_ipc(mode: str, answers: str, valid: bool) -> None:
    questions = ("none", "private", "shareable", "host", "container")
    found = IpcMode(mode)
    assert {q for q in questions if getattr(found, f"is_{q}")} == set(answers.split())
    assert found.valid is valid


@pytest.mark.parametrize(
    ("mode", "private", "valid"),
    [
        ("", True, True),
        ("host", False, True),
        ("container:x", False, True),
        ("container:", False, False),
        ("private", True, False),
    ],
)
def test_pid(mode: str, private: bool, valid: bool) -> None:
    assert (PidMode(mode).is_private, PidMode(mode).valid) == (private, valid)


def test_whom_it_joins() -> None:
    assert IpcMode("container:a:b").container == "a:b"
    assert IpcMode("host").container == ""


@pytest.mark.parametrize("kind", [UTSMode, UsernsMode])
def test_host_or_nothing(kind: type[UTSMode] | type[UsernsMode]) -> None:
    assert kind("host").is_host
    assert kind("").valid
    assert not kind("").is_host
    assert not kind("private").valid


def test_cgroupns() -> None:
    assert CgroupnsMode("private").is_private
    assert CgroupnsMode("host").is_host
    assert [m for m in ("", "private", "host", "x") if CgroupnsMode(m).valid] == [
        "",
        "private",
        "host",
    ]
