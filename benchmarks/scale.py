"""Many containers under one engine: memory, `ps`, a new start of the engine, from 10 to 200.

    python benchmarks/scale.py --containers 10 50 200 --checked 50

The first `--checked` of them have a health check every ten seconds and log ten lines a second.
dockerd does the same, one after the other with ours: both at once would not be this machine's
figures.
"""

from __future__ import annotations

import dataclasses
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from benchmarks import harness
from benchmarks.api import Connection
from benchmarks.daemons import IMAGE, Daemons
from tests.support.process import status_number, wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.support.dockerd import Dockerd
    from tests.support.engine import Engine

_CHATTY = ["sh", "-c", "while :; do echo a line of the log; sleep 0.1; done"]
_QUIET = ["sleep", "36000"]
_SECOND = 10**9
_STARTERS = 4


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """What was measured with so many containers; seconds, and megabytes of resident memory."""

    containers: int
    memory: float
    ps: float
    restart: float
    started: float
    """Containers started a second on the way here."""


def create_and_start(socket: Path, number: int, *, checked: bool) -> None:
    """One container that stays."""
    body: dict[str, Any] = {
        "Image": IMAGE,
        "Cmd": _CHATTY if checked else _QUIET,
        "HostConfig": {"LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}}},
    }
    if checked:
        body["Healthcheck"] = {"Test": ["CMD", "true"], "Interval": 10 * _SECOND}
    with Connection(socket) as requests:
        made = requests.ask("POST", f"/containers/create?name=many-{number}", body)["Id"]
        requests.ask("POST", f"/containers/{made}/start")


def memory_of(pid: int) -> float:
    """Megabytes that are the process's own, or shared but resident."""
    return status_number(pid, "VmRSS") / 1024


def list_containers(socket: Path, expected: int) -> float:
    """The median time of five `ps`."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        with Connection(socket) as requests:
            found = requests.ask("GET", "/containers/json")
        times.append(time.perf_counter() - began)
        if len(found) != expected:
            raise RuntimeError(f"{len(found)} containers run, not {expected}")
    return statistics.median(times)


def restart(daemon: Engine | Dockerd, expected: int) -> float:
    """From the start of a new engine, the old one having been killed, to its first `ps`."""
    daemon.kill()
    began = time.perf_counter()
    daemon.start()
    with Connection(daemon.socket) as requests:
        found = requests.ask("GET", "/containers/json")
    elapsed = time.perf_counter() - began
    if len(found) != expected:
        raise RuntimeError(f"after the restart {len(found)} containers run, not {expected}")
    return elapsed


def all_healthy(socket: Path, checked: int) -> bool:
    """Whether every container with a check has passed one."""
    with Connection(socket) as requests:
        query = '/containers/json?filters={"health":["healthy"]}'
        return len(requests.ask("GET", query)) == checked


def measure(daemon: Engine | Dockerd, steps: Sequence[int], checked: int) -> list[Figures]:
    """Fill it up step by step, and look at it at each."""
    figures, there = [], 0
    for step in steps:
        began = time.perf_counter()
        with ThreadPoolExecutor(_STARTERS) as pool:
            work = [
                pool.submit(create_and_start, daemon.socket, number, checked=number < checked)
                for number in range(there, step)
            ]
            for future in work:
                future.result()
        rate = (step - there) / (time.perf_counter() - began)
        there = step
        looked_at = min(step, checked)
        wait_until(
            lambda count=looked_at: all_healthy(daemon.socket, count),  # type: ignore[misc]
            seconds=120,
            what=f"{looked_at} containers to be healthy",
        )
        memory = memory_of(daemon.daemon.pid)
        ps = list_containers(daemon.socket, step)
        figures.append(Figures(step, memory, ps, restart(daemon, step), rate))
    return figures


def main() -> int:
    """Measure and print."""
    parser = harness.options(__doc__.partition("\n")[0])
    parser.add_argument("--containers", type=int, nargs="+", default=[10, 50, 100, 200])
    parser.add_argument("--checked", type=int, default=50, help="how many are checked and chatty")
    parser.add_argument("--only", choices=("runner", "dockerd"))
    chosen = parser.parse_args()

    facts = harness.machine()
    print(harness.describe(facts), end="\n\n")
    found: dict[str, list[Figures]] = {}
    for name in ("runner", "dockerd"):
        if chosen.only in (None, name):
            with Daemons(dockerd_arguments=["--live-restore"]) as daemons:
                daemon = daemons.engine if name == "runner" else daemons.dockerd
                idle = memory_of(daemon.daemon.pid)
                print(f"{name}: {idle:.0f} MB without containers")
                found[name] = measure(daemon, chosen.containers, chosen.checked)
    rows = (
        [
            name,
            str(each.containers),
            f"{each.memory:.0f}",
            harness.ms(each.ps),
            f"{each.restart:.2f}",
            f"{each.started:.1f}",
        ]
        for name, figures in found.items()
        for each in figures
    )
    headers = ["", "containers", "memory MB", "ps ms", "restart s", "started/s"]
    print(harness.table(headers, rows))
    harness.write_json(chosen.json, {"machine": facts, "figures": found})
    return 0


if __name__ == "__main__":
    sys.exit(main())
