"""Help has the shape of docker's: usage lines, aliases and headings, whatever the sentences say."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from runner.cli import helptext
from runner.cli.declarations.registry import COMMANDS, GROUPS
from runner.cli.main import _NOT_YET
from tests.support.toolchain import docker_cli

_OURS = {"bundle", "completion", "demo", "doctor", "man", "serve", "system stop", "system install"}
"""Groups and commands that docker has not got."""
_HIDDEN = ", runner image rmi"
"""docker takes it, too, and does not say so."""

_GROUPS = [group.name for group in GROUPS if group.name not in _OURS]
_PATHS = [
    path
    for command in COMMANDS
    if not {command.path, command.path.split()[0]} & _OURS
    for path in (command.path, *command.aliases)
]

pytestmark = [pytest.mark.oracle, pytest.mark.thorough]


def dockers(path: str) -> str:
    """docker's help, which needs no engine."""
    done = subprocess.run(
        [str(docker_cli()), *path.split(), "--help"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"DOCKER_HOST": "unix:///nowhere.sock"},
    )
    return done.stdout.replace("docker", "runner")


def ours(path: str) -> str:
    """Our help as it is printed."""
    return helptext.page(path) + "\n"


def skeleton(text: str) -> list[str]:
    """What has no sentences in it."""
    shown = re.findall(
        r"^(?:Usage:.*|\trunner .*|\w[\w ]*:|  runner .*|Run '.*)$", text, re.MULTILINE
    )
    return [line.replace(_HIDDEN, "") for line in shown]


@pytest.mark.parametrize("path", _PATHS)
def test_a_command(path: str) -> None:
    expected = skeleton(dockers(path))
    if "Options:" not in expected:  # we have --trace in every one
        expected.append("Options:")
    assert skeleton(ours(path)) == expected


@pytest.mark.parametrize("group", _GROUPS)
def test_a_group(group: str) -> None:
    assert skeleton(ours(group)) == skeleton(dockers(group))
    names = [name for name in listed(ours(group)) if f"{group} {name}" not in _OURS]
    assert names == [name for name in listed(dockers(group)) if f"{group} {name}" not in _NOT_YET]


def listed(text: str) -> list[str]:
    """The names of the commands, as far to the right as docker puts them."""
    return re.findall(r"^  (\w+) +(?<=^.{14})\b", text, re.MULTILINE)


def test_the_program() -> None:
    theirs = [line for line in skeleton(dockers("")) if line != "Swarm Commands:"]
    assert skeleton(ours("")) == theirs
