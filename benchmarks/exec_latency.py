"""`exec CONTAINER true`, runner and dockerd by turns: by command line and by the API alone.

python benchmarks/exec_latency.py --rounds 30
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING

from benchmarks import harness
from benchmarks.api import Connection
from benchmarks.daemons import IMAGE, Daemons
from benchmarks.harness import Contestant, Target

if TYPE_CHECKING:
    from pathlib import Path

_NAME = "bench-exec"
_TARGETS = (
    Target("runner API", ratio=1.0),
    Target("docker CLI on runner", ratio=1.0),
)


def run_and_inspect(socket: Path) -> harness.Phases:
    """An exec from its making to its exit code."""
    with Connection(socket) as requests:
        body = {"Cmd": ["true"], "AttachStdout": True, "AttachStderr": True}
        made = requests.ask("POST", f"/containers/{_NAME}/exec", body)["Id"]
    with Connection(socket) as streams:
        streams.begin("POST", f"/exec/{made}/start", {})()  # without an upgrade: read to the end
    with Connection(socket) as requests:
        found = requests.ask("GET", f"/exec/{made}/json")
    if found["ExitCode"] != 0:
        raise RuntimeError(f"the exec ended with {found['ExitCode']}")
    return {}


def main() -> int:
    """Measure, print, judge."""
    parser = harness.options(__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=30)
    chosen = parser.parse_args()

    facts = harness.machine()
    print(harness.describe(facts), end="\n\n")
    with Daemons() as daemons:
        run = ("run", "-d", "--name", _NAME, "--network=none", IMAGE, "sleep", "3600")
        daemons.docker(*run).output()
        daemons.docker_on_runner(*run).output()
        words = ("exec", _NAME, "true")
        contestants = [
            Contestant("dockerd API", functools.partial(run_and_inspect, daemons.dockerd.socket)),
            Contestant(
                "runner API",
                functools.partial(run_and_inspect, daemons.engine.socket),
                "dockerd API",
            ),
            Contestant("docker CLI", daemons.docker(*words)),
            Contestant("docker CLI on runner", daemons.docker_on_runner(*words), "docker CLI"),
        ]
        results = harness.take_turns(contestants, rounds=chosen.rounds, pause=0.1)
    print(harness.medians(results, contestants), end="\n\n")
    verdicts = harness.judge(results, contestants, _TARGETS)
    print(*verdicts, sep="\n")
    harness.write_json(chosen.json, {"machine": facts, "results": results, "verdicts": verdicts})
    return 0


if __name__ == "__main__":
    sys.exit(main())
