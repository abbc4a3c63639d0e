"""login, logout, push and pull of our own command on our own engine and a real registry."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.support.fixtures import PASSWORD, USER
from tests.support.images import Blobs, Image, file, layer_tar, write_oci_layout

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.engine import Engine
    from tests.support.registry import Registry

    Run = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.root

HELPER = """#!/bin/sh
store="$(dirname "$0")/kept"
case "$1" in
store) cat >"$store" ;;
get) cat "$store" 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;;
erase) cat >/dev/null; rm -f "$store" ;;
esac
"""


@pytest.fixture
def run(engine: Engine, tmp_path: Path) -> Run:
    """Our command, with a settings folder of its own and a credential helper on PATH."""
    helper = tmp_path / "bin/docker-credential-test"
    helper.parent.mkdir()
    helper.write_text(HELPER)
    helper.chmod(0o755)
    (tmp_path / "settings").mkdir()

    def run(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        path = f"{helper.parent}:{os.environ['PATH']}"
        env = os.environ | {"DOCKER_CONFIG": str(tmp_path / "settings"), "PATH": path}
        return engine.runner(*arguments, input=text, env=env)

    return run


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("settings", [{}, {"credsStore": "test"}], ids=["file", "helper"])
def test_a_login_is_kept_and_used_and_forgotten(
    run: Run, private_registry: Registry, tmp_path: Path, settings: dict[str, str]
) -> None:
    address, file_ = private_registry.address, tmp_path / "settings/config.json"
    file_.write_text(json.dumps(settings | {"HttpHeaders": {"X": "y"}}))
    blobs = Blobs()
    target = Image([layer_tar([file("x", "y")])]).add_to(blobs)
    name = f"{address}/{tmp_path.name}/app:1".lower().replace("_", "-")
    archive = write_oci_layout(tmp_path / "image.tar", blobs, {name: target})
    ok(run("load", "-i", str(archive)))
    assert "no basic auth credentials" in run("push", name).stderr

    refused = run("login", "-u", USER, "--password-stdin", address, text="wrong\n")
    assert refused.returncode == 1
    assert "failed with status: 401 Unauthorized" in refused.stderr
    assert "auths" not in json.loads(file_.read_bytes())

    done = run("login", "-u", USER, "--password-stdin", address, text=f"{PASSWORD}\n")
    assert ok(done) == "Login Succeeded\n"
    kept = json.loads(file_.read_bytes())
    assert kept["HttpHeaders"] == {"X": "y"}
    assert file_.stat().st_mode & 0o077 == 0 or settings
    assert ("stored unencrypted" in done.stderr) == (not settings)
    assert bool(kept["auths"][address]) == (not settings)

    ok(run("push", name))
    ok(run("rmi", name))
    assert "Downloaded newer image" in ok(run("pull", name))
    assert "existing credentials" in run("login", address).stderr
    assert ok(run("logout", address)) == f"Removing login credentials for {address}\n"
    assert json.loads(file_.read_bytes())["auths"] == {}
    assert run("pull", name).returncode == 1
    ok(run("rmi", name))
