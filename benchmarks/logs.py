"""200 MB of 100-byte lines through the json-file log driver and back, runner and dockerd by turns.

    python benchmarks/logs.py --megabytes 50

What a container prints is in its log when its exit is reported: that is checked, not only timed.
"""

from __future__ import annotations

import functools
import socket as sockets
import statistics
import sys
import time
from typing import TYPE_CHECKING

from benchmarks import harness
from benchmarks.api import VERSION, Connection
from benchmarks.daemons import IMAGE, Daemons
from benchmarks.harness import Contestant

if TYPE_CHECKING:
    from pathlib import Path

LINE = b"x" * 99 + b"\n"
_BLOCK = 10_000_000


def print_and_read(socket: Path, folder: Path, blocks: int) -> harness.Phases:
    """Run a container that prints the block again and again, then read its log."""
    body = {
        "Image": IMAGE,
        "Cmd": ["sh", "-c", f"for i in $(seq {blocks}); do cat /lines/block; done"],
        "HostConfig": {
            "Binds": [f"{folder}:/lines:ro"],
            "NetworkMode": "none",
            "LogConfig": {"Type": "json-file", "Config": {}},
        },
    }
    with Connection(socket) as requests, Connection(socket) as waiting:
        container = requests.ask("POST", "/containers/create", body)["Id"]
        try:
            exited = waiting.begin("POST", f"/containers/{container}/wait?condition=next-exit")
            began = time.perf_counter()
            requests.ask("POST", f"/containers/{container}/start")
            if (status := exited()["StatusCode"]) != 0:
                raise RuntimeError(f"the container ended with {status}")
            printed = time.perf_counter()
            log = read_log(socket, container)
            read = time.perf_counter()
        finally:
            requests.ask("DELETE", f"/containers/{container}?force=1")
    if (lines := log.count(LINE)) != blocks * _BLOCK // len(LINE):
        raise RuntimeError(f"only {lines} lines are in the log")
    return {"print": printed - began, "read": read - printed}


def read_log(socket: Path, container: str) -> bytes:
    """A container's whole log as it comes, with the headers of its frames."""
    with sockets.socket(sockets.AF_UNIX) as connection:
        connection.connect(str(socket))
        # HTTP/1.0 has no chunks: undoing them in Python would take longer than the engines take.
        target = f"/{VERSION}/containers/{container}/logs?stdout=1&stderr=1"
        connection.sendall(f"GET {target} HTTP/1.0\r\nHost: engine\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(1 << 20), b""))
    status = answer.partition(b"\r\n")[0].decode()
    if status.split()[1] != "200":
        raise RuntimeError(f"logs: {status}")
    return answer


def main() -> int:
    """Measure and print."""
    parser = harness.options(__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=200, help="a multiple of 10 (200)")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    blocks = chosen.megabytes // 10

    facts = harness.machine()
    print(harness.describe(facts), end="\n\n")
    with Daemons() as daemons:
        folder = daemons.workspace.folder("lines")
        (folder / "block").write_bytes(LINE * (_BLOCK // len(LINE)))
        work = functools.partial(print_and_read, folder=folder, blocks=blocks)
        contestants = [
            Contestant("dockerd", lambda: work(daemons.dockerd.socket)),
            Contestant("runner", lambda: work(daemons.engine.socket), "dockerd"),
        ]
        results = harness.take_turns(contestants, rounds=chosen.rounds, warmup=1, pause=1)
    print(harness.table(["", "print MB/s", "read MB/s"], _rates(results, blocks * _BLOCK / 1e6)))
    harness.write_json(chosen.json, {"machine": facts, "results": results})
    return 0


def _rates(results: harness.Results, megabytes: float) -> list[list[str]]:
    return [
        [
            name,
            *(f"{megabytes / statistics.median(s.phases[part]):.0f}" for part in ("print", "read")),
        ]
        for name, s in results.items()
    ]


if __name__ == "__main__":
    sys.exit(main())
