from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from runner.oci.apparmor import default_profile, is_loaded, select_profile
from runner.types.container import HostConfig
from tests.unit.oci import golden, support

if TYPE_CHECKING:
    from pathlib import Path

LOADED = "docker-default (enforce)\n/usr/sbin/docker-default-2 (complain)\nbroken\n"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("docker-default", True),
        ("docker", False),
        ("/usr/sbin/docker-default-2", True),
        ("broken", False),
    ],
)
def test_is_loaded(name: str, found: bool) -> None:
    assert is_loaded(name, LOADED) is found


@pytest.mark.parametrize(
    ("chosen", "privileged", "profile"),
    [
        ("", False, "docker-default"),
        ("", True, "unconfined"),
        ("mine", True, "mine"),
        ("unconfined", False, "unconfined"),
    ],
)
def test_select(chosen: str, privileged: bool, profile: str) -> None:
    assert select_profile(chosen, privileged) == profile


def test_profile_without_macros(tmp_path: Path) -> None:
    text = default_profile("runner", tmp_path)
    assert "profile docker-default flags=(attach_disconnected,mediate_deleted) {" in text
    assert "@{PROC}=/proc/\n" in text
    assert "signal (receive) peer=runner,\n" in text
    assert "#include" not in text
    assert "$" not in text


def test_profile_with_macros(tmp_path: Path) -> None:
    for macro in ("tunables/global", "abstractions/base"):
        (tmp_path / macro).parent.mkdir()
        (tmp_path / macro).touch()
    text = default_profile("unconfined", tmp_path)
    assert "#include <tunables/global>\n" in text
    assert "  #include <abstractions/base>\n" in text
    assert "@{PROC}=" not in text


class CountingFiles(golden.RecordedFiles):
    loads = 0

    def ensure_default_apparmor_profile(self) -> None:
        self.loads += 1


@pytest.mark.parametrize(
    ("option", "profile", "loads"),
    [
        ([], "docker-default", 1),
        (["apparmor=docker-default"], "docker-default", 1),
        (["apparmor=unconfined"], "unconfined", 0),
    ],
)
def test_the_default_is_loaded_when_used(option: list[str], profile: str, loads: int) -> None:
    files = CountingFiles(support.NOTHING)
    host = dataclasses.replace(support.host(apparmor=True), files=files)
    made = support.spec(settings=HostConfig(security_opt=option), on=host)
    assert (made.process.apparmor_profile, files.loads) == (profile, loads)
