"""The program as a whole, without an engine: global flags, help, errors, exit codes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from runner import __version__

ROOT = Path(__file__).parents[3]


def runner(*argv: str, stdin: int = subprocess.DEVNULL, **env: str) -> tuple[int, str, str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | env
    done = subprocess.run(
        [sys.executable, "-m", "runner", *argv],
        stdin=stdin,
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


NOWHERE = "unix:///nowhere/x.sock"
ABSENT = f"Cannot connect to the engine at {NOWHERE}. Is it running? (runner serve starts one)"


def test_version_needs_no_engine() -> None:
    assert runner("-v") == (0, f"runner version {__version__}\n", "")


@pytest.mark.parametrize("argv", [["-H", NOWHERE, "ps"], ["--host=" + NOWHERE, "rm", "x"]])
def test_an_absent_engine(argv: list[str]) -> None:
    assert runner(*argv) == (1, "", f"{ABSENT}\n")


def test_the_environment_names_an_engine_and_docker_host_does_not() -> None:
    _, _, said = runner("ps", RUNNER_HOST=NOWHERE, DOCKER_HOST="unix:///other")
    assert said == f"{ABSENT}\n"


def test_run_maps_an_absent_engine_to_125() -> None:
    assert runner("-H", NOWHERE, "run", "x") == (
        125,
        "",
        f"runner: {ABSENT}\n\nRun 'runner run --help' for more information\n",
    )


@pytest.mark.parametrize(
    ("argv", "code", "text"),
    [
        (["bogus"], 1, "runner: unknown command: runner bogus"),
        (["image", "bogus"], 1, "runner: unknown command: runner image bogus"),
        (["bogus", "--bogus"], 125, "unknown flag: --bogus"),
        (["build", "-t", "x", "."], 1, "runner: 'runner build' is not supported yet"),
        (["image", "build", "."], 1, "runner: 'runner image build' is not supported yet"),
        (["help", "bogus"], 1, "unknown help topic: bogus"),
        (["help", "image", "ls", "x", "y"], 1, "unknown help topic: x y"),
        (["help", "--bogus"], 125, "unknown flag: --bogus"),
        (["--bogus", "ps"], 125, "unknown flag: --bogus"),
        (["image", "--bogus"], 125, "unknown flag: --bogus"),
        (["-H"], 125, "flag needs an argument: 'H' in -H"),
        (["-H", "foo://x", "ps"], 1, "invalid bind address format: foo://x"),
        (["run", "-d", "-a", "stdin", "x"], 1,
         "conflicting options: cannot specify both --attach and --detach"),
        (["-H", NOWHERE, "run", "-it", "x"], 1, "the input device is not a TTY"),
        (["load", "-i", "/nonexistent"], 1, "open /nonexistent: no such file or directory"),
    ],
)  # fmt: skip
def test_wrong_command_lines(argv: list[str], code: int, text: str) -> None:
    got, out, err = runner(*argv)
    assert (got, out, err.splitlines()[0]) == (code, "", text)


@pytest.mark.parametrize(
    ("argv", "usage"),
    [
        (["--help"], "[OPTIONS] COMMAND"),
        (["help"], "[OPTIONS] COMMAND"),
        (["help", "--help"], "[OPTIONS] COMMAND"),
        (["bogus", "--help"], "[OPTIONS] COMMAND"),
        (["image", "--help"], "image COMMAND"),
        (["image", "bogus", "--help"], "image COMMAND"),
        (["help", "image"], "image COMMAND"),
        (["help", "run"], "run [OPTIONS] IMAGE [COMMAND] [ARG...]"),
        (["run", "--help"], "run [OPTIONS] IMAGE [COMMAND] [ARG...]"),
        (["container", "ls", "--help"], "container ls [OPTIONS]"),
        (["container", "list", "--help"], "container ls [OPTIONS]"),
        (["help", "container", "list"], "container ls [OPTIONS]"),
    ],
)
def test_help(argv: list[str], usage: str) -> None:
    code, out, err = runner(*argv)
    assert (code, out.splitlines()[0], err) == (0, f"Usage:  runner {usage}", "")


@pytest.mark.parametrize(
    ("argv", "usage"), [([], "[OPTIONS] COMMAND"), (["image"], "image COMMAND")]
)
def test_who_asks_nothing_gets_help_on_stderr(argv: list[str], usage: str) -> None:
    code, out, err = runner(*argv)
    assert (code, out, err.splitlines()[0]) == (0, "", f"Usage:  runner {usage}")


def test_help_is_typers_help() -> None:
    """What `typer runner.cli.app run` shows."""
    shown = [sys.executable, "-m", "typer", "runner.cli.app", "run", "image", "--help"]
    done = subprocess.run(shown, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.stdout == runner("image", "--help")[1], done.stderr


def test_completion() -> None:
    _, out, _ = runner(
        _RUNNER_COMPLETE="complete_bash", COMP_WORDS="runner run --memory-s", COMP_CWORD="2"
    )
    assert out.split() == ["--memory-swap", "--memory-swappiness"]


def test_a_closed_stdin_and_stdout_are_no_trouble() -> None:
    command = f"{sys.executable} -m runner -H {NOWHERE} run -i x <&- >&-"
    done = subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert done.returncode == 125


def test_units_are_printed_or_installed(tmp_path: Path) -> None:
    code, out, _ = runner("system", "install", "--print")
    assert code == 0
    assert "ListenStream=/run/runner.sock" in out
    assert f"ExecStart={sys.executable} -m runner serve --host fd://" in out
    code, out, _ = runner("system", "install", "--root", str(tmp_path))
    folder = tmp_path / "etc/systemd/system"
    assert code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["runner.service", "runner.socket"]


def test_a_bundle_wants_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    code, _, err = runner("-H", NOWHERE, "bundle", "create", "busybox", str(tmp_path))
    assert (code, err) == (1, f"{tmp_path} is not empty: a bundle needs a folder of its own\n")


def test_a_directory_is_no_archive(tmp_path: Path) -> None:
    """docker says so too, behind the request that it had begun: no connection is at fault."""
    with socket.create_server(("127.0.0.1", 0)) as engine:
        host = f"tcp://127.0.0.1:{engine.getsockname()[1]}"
        for argv in (["load", "-i"], ["import"]):
            assert runner("-H", host, *argv, str(tmp_path)) == (
                1,
                "",
                f"read {tmp_path}: is a directory\n",
            )


def test_import_leaves_no_argument_aside() -> None:
    """docker does, silently."""
    code, out, err = runner("import", "-", "a:b", "c")
    assert (code, out) == (1, "")
    assert err.startswith("runner: 'runner import' requires at most 2 arguments\n")


def test_swarms_volumes_are_not_supported() -> None:
    said = runner("-H", NOWHERE, "volume", "ls", "--cluster")
    assert said == (1, "", '"--cluster" is not supported by runner\n')
    assert runner("-H", NOWHERE, "volume", "ls", "--cluster=false") == (1, "", f"{ABSENT}\n")
