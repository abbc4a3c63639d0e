"""The same requests to our engine and to dockerd: do both answer with the same status?

    python -m tests.faults.fuzzing.beside [--requests 1000] [--seed N]

Prints where they do not, with an example of each sort. Some must differ (what ours refuses since it
does not have it), so this judges nothing: it is for reading.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.api.app import ROUTES
from runner.api.routing import Router, split_version
from tests.faults.fuzzing.cases import Cases
from tests.faults.fuzzing.judge import message_of
from tests.faults.fuzzing.seeds import Seeds
from tests.faults.fuzzing.wire import HangError, Request, Seen, send
from tests.support import images
from tests.support.containerd import Containerd
from tests.support.dockerd import Dockerd
from tests.support.engine import Engine
from tests.support.foreground import until_signal

if TYPE_CHECKING:
    from collections.abc import Sequence

_SEPARATE: Final = "RUNNER_FUZZ_SEPARATE"
_LEFT_OUT: Final = ("/runner/", "/exec/", "/info", "/version", "/events", "/_ping")
_CLEANED: Final = 301
"""What dockerd's router answers to a path with `..` or `//`; ours knows no such path."""
_LIMIT: Final = 30.0
_PATIENCE: Final = 0.1


class _NamesOnly(Seeds):
    """Seeds by the names that they have on both."""

    def pick(self, kind: str, dice: random.Random) -> str:
        """One of the seeds'."""
        names = {
            "containers": ["seed-sh", "seed-tty", "seed-cat", "seed-created", "seed-done"],
            "networks": ["seed-net", "bridge", "host", "none"],
            "images": ["busybox", "busybox:latest", "seed/image:1"],
            "distribution": ["127.0.0.1:1/x"],
            "volumes": ["seed-volume"],
        }
        return dice.choice(names.get(kind, ["none"]))


def compare(ours: Engine, theirs: Dockerd, scratch: Path, requests: int, seed: int) -> Counter[str]:
    """Ask both; how often they differed, by route and statuses."""
    archive = images.busybox_archive(scratch / "busybox.tar")
    dice = random.Random(seed)
    both = [_NamesOnly(daemon, archive) for daemon in (ours, theirs)]
    description = ours.api("GET", "/runner/openapi.json").json()
    cases = Cases(description, both[0], str(scratch), size=4, dice=dice)
    router = Router(ROUTES)
    operations = [each for each in cases.operations if not each[1].startswith(_LEFT_OUT)]
    differences: Counter[str] = Counter()
    for done in range(0, requests, 4):
        if done % 20 == 0:
            for seeds in both:
                seeds.plant()
        method, path = dice.choice(operations)
        for request in cases.of(method, path, 4):
            match = router.find(method, split_version(request.target.partition("?")[0])[1])
            stream = match is not None and match.route.stream
            seen = [_ask(daemon.socket, request, stream=stream) for daemon in (ours, theirs)]
            if seen[0].status != seen[1].status and seen[1].status != _CLEANED:
                what = f"{method} {path}: {seen[0].status} for {seen[1].status}"
                differences[what] += 1
                if differences[what] <= 2:
                    _show(what, request, seen)
    return differences


def _ask(socket: Path, request: Request, *, stream: bool) -> Seen:
    try:
        return send(socket, request, limit=_LIMIT, patience=_PATIENCE if stream else None)
    except (HangError, OSError) as error:
        return Seen(0, body=str(error).encode())


def _show(what: str, request: Request, seen: Sequence[Seen]) -> None:
    texts = [message_of(each.body.decode("utf-8", "replace"))[:300] for each in seen]
    print(
        f"{what}\n    {request} {request.body!r:.500}\n    ours   {texts[0]}\n    theirs {texts[1]}"
    )
    sys.stdout.flush()


def _separate() -> None:
    """Namespaces and a directory of our own: the oracle's keeping of the host's firewall is not
    for these."""
    with tempfile.TemporaryDirectory(prefix="fz") as folder:
        environment = os.environ | {_SEPARATE: "1", "TMPDIR": folder}
        again = [sys.executable, "-m", "tests.faults.fuzzing.beside", *sys.argv[1:]]
        script = 'ip link set lo up && exec "$@"'
        command = ["unshare", "--net", "--mount", "sh", "-c", script, "sh", *again]
        raise SystemExit(subprocess.run(command, env=environment).returncode)


def main(arguments: Sequence[str]) -> int:
    """Run it on daemons of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.fuzzing.beside")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    options = parser.parse_args(arguments)
    if _SEPARATE not in os.environ:
        _separate()
    with (
        until_signal(),
        tempfile.TemporaryDirectory() as folder,
        Containerd() as containerd,
        Engine(containerd) as ours,
        Dockerd() as theirs,
    ):
        differences = compare(ours, theirs, Path(folder), options.requests, options.seed)
        print(*(f"{count:7} {what}\n" for what, count in differences.most_common()), sep="", end="")
        print(f"{options.requests} requests, {differences.total()} of them answered differently")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
