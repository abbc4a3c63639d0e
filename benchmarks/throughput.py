"""Containers in a second: clients that create, start, wait for and remove them, runner and dockerd
by turns.

    python benchmarks/throughput.py --clients 8 --seconds 10
"""

from __future__ import annotations

import functools
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from benchmarks import harness
from benchmarks.api import Connection
from benchmarks.daemons import IMAGE, Daemons
from tests.support.process import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.dockerd import Dockerd
    from tests.support.engine import Engine


def one_container(requests: Connection, waiting: Connection, network: str) -> None:
    """The whole life of a container that runs `true`."""
    body = {"Image": IMAGE, "Cmd": ["true"], "HostConfig": {"NetworkMode": network}}
    container = requests.ask("POST", "/containers/create", body)["Id"]
    exited = waiting.begin("POST", f"/containers/{container}/wait?condition=next-exit")
    requests.ask("POST", f"/containers/{container}/start")
    if (status := exited()["StatusCode"]) != 0:
        raise RuntimeError(f"a container ended with {status}")
    requests.ask("DELETE", f"/containers/{container}")


def client(socket: Path, network: str, until: float) -> int:
    """One client; the number of containers it saw through."""
    done = 0
    with Connection(socket) as requests, Connection(socket) as waiting:
        while time.perf_counter() < until:
            one_container(requests, waiting, network)
            done += 1
    return done


def containers_per_second(
    rival: Dockerd | Engine, network: str, clients: int, seconds: float
) -> float:
    """All clients at once; those that are under way when the time is up are finished and count.

    The time ends when the last container is gone from the disk, too: an engine that answers first
    and sweeps up later has nothing of it here.
    """
    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        until = began + seconds
        work = [pool.submit(client, rival.socket, network, until) for _ in range(clients)]
        done = sum(future.result() for future in work)
    folder = rival.workspace.path / "data/containers"
    wait_until(lambda: not os.listdir(folder), seconds=60, what=f"{folder} to be empty")
    return done / (time.perf_counter() - began)


def main() -> int:
    """Measure and print."""
    parser = harness.options(__doc__.partition("\n\n")[0])
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=8, help="length of a turn (8)")
    parser.add_argument("--turns", type=int, default=3, help="turns of each engine (3)")
    parser.add_argument("--network", default="bridge")
    chosen = parser.parse_args()

    facts = harness.machine()
    print(harness.describe(facts), end="\n\n")
    rates: dict[str, list[float]] = {"dockerd": [], "runner": []}
    with Daemons() as daemons:
        rivals: dict[str, Dockerd | Engine] = {"dockerd": daemons.dockerd, "runner": daemons.engine}
        measure = functools.partial(containers_per_second, network=chosen.network)
        for rival in rivals.values():
            measure(rival, clients=1, seconds=1)
        for _ in range(chosen.turns):
            for name, rival in rivals.items():
                rate = measure(rival, clients=chosen.clients, seconds=chosen.seconds)
                rates[name].append(rate)
                time.sleep(1)
    medians = {name: statistics.median(values) for name, values in rates.items()}
    rows = (
        [name, f"{median:.1f}", " ".join(f"{rate:.1f}" for rate in rates[name])]
        for name, median in medians.items()
    )
    print(harness.table(["", "containers/s", "turns"], rows))
    ratio = medians["runner"] / medians["dockerd"]
    print(f"\nrunner does {ratio:.2f} times what dockerd does ({chosen.clients} clients)")
    harness.write_json(chosen.json, {"machine": facts, "rates": rates, "ratio": ratio})
    return 0


if __name__ == "__main__":
    sys.exit(main())
