"""The engine started on demand: once for all who ask, and its own words when it cannot start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

ENGINE = """
import os, socket, sys, threading, time
path = sys.argv[-1].removeprefix("--host=unix://")
with open(path + ".starts", "a") as starts:
    starts.write(f"{os.getpid()} {os.getsid(0)} {os.getcwd()}\\n")
time.sleep(0.3)
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen(50)
def serve(connection):
    while request := connection.recv(65536):
        body = b"OK" if b"_ping" in request else b"[]"
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n" + body)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""

COMMAND = """
import os, sys
from runner.cli import context, main, ondemand
folder, engine, user = sys.argv[1:]
ondemand.LOCK, ondemand.LOG = folder + "/lock", folder + "/log"
ondemand.DEFAULT_HOST = context.DEFAULT_HOST = "unix://" + folder + "/s"
ondemand.ENGINE = ("-c", engine)
os.geteuid = lambda: int(user)
sys.exit(main.run(["ps", "-q"]))
"""


def command(folder: Path, engine: str, user: int = 0) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if k != "RUNNER_HOST"}
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(folder), textwrap.dedent(engine), str(user)],
        env=environment | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outcome(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def test_ten_commands_start_one_engine(tmp_path: Path) -> None:
    processes = [command(tmp_path, ENGINE) for _ in range(10)]
    try:
        assert [outcome(process) for process in processes] == [(0, "")] * 10
        starts = (tmp_path / "s.starts").read_text().splitlines()
        assert len(starts) == 1
        process, session, folder = starts[0].split()
        assert process == session, "the engine must outlive the command's terminal"
        assert folder == "/"
    finally:
        for start in (tmp_path / "s.starts").read_text().splitlines():
            os.kill(int(start.split()[0]), signal.SIGKILL)


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        (
            "import sys; sys.exit('first\\nrunner: containerd does not answer at /x: start it\\n')",
            "cannot start runner's engine: containerd does not answer at /x: start it\n",
        ),
        (
            "raise SystemExit(3)",
            "cannot start runner's engine: it ended with code 3; see {folder}/log\n",
        ),
    ],
)
def test_why_it_cannot_start(tmp_path: Path, engine: str, message: str) -> None:
    (tmp_path / "log").write_text("of an earlier day\n")
    code, errors = outcome(command(tmp_path, engine))
    assert (code, errors) == (1, message.format(folder=tmp_path))


def test_only_root_can_start_it(tmp_path: Path) -> None:
    code, errors = outcome(command(tmp_path, ENGINE, user=1000))
    assert code == 1
    assert errors == (
        "runner's engine does not run and only root can start it: run this with sudo, or name an "
        f"engine that runs with --host (tried unix://{tmp_path}/s)\n"
    )
    assert not (tmp_path / "s.starts").exists()
