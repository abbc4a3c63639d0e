"""`docker cp` both ways, `docker export` and `docker diff`, runner and dockerd by turns.

    python benchmarks/files.py --megabytes 50 --files 1000

The stock docker CLI copies one large file, many small ones and a single small one; `api` is the
archive endpoint alone, without the client, which has most of the work with many files. The
container runs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import shutil
import socket as sockets
import sys
import tarfile
from typing import TYPE_CHECKING

from benchmarks import harness
from benchmarks.api import VERSION
from benchmarks.daemons import IMAGE, Daemons
from benchmarks.harness import Contestant, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.daemons import Command

_SMALL = 2000
"""Bytes of a small file."""

_AT_MOST = 1.1
"""Of dockerd's time; the tenth is what two runs of the same differ by."""


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """One way of moving files, the same for both engines."""

    name: str
    run: Callable[[Rival], None]

    def contestants(self, rivals: list[Rival]) -> list[Contestant]:
        """Everybody doing this job, compared with the first."""
        return [
            Contestant(
                f"{self.name}, {rival.name}",
                functools.partial(self._once, rival),
                f"{self.name}, {rivals[0].name}" if rival is not rivals[0] else "",
                rival.tidy,
            )
            for rival in rivals
        ]

    def _once(self, rival: Rival) -> harness.Phases:
        self.run(rival)
        return {}


class Rival:
    """An engine with a running container, and a directory for what is copied out of it."""

    def __init__(
        self, name: str, docker: Callable[..., Command], socket: Path, folder: Path
    ) -> None:
        self.name = name
        self._docker = docker
        self._socket = socket
        self.out = folder / f"out-{name}"
        self.out.mkdir()
        self.docker("run", "-d", "--name=box", "--network=none", IMAGE, "sleep", "100000")

    def docker(self, *arguments: str) -> None:
        """Run the stock CLI."""
        self._docker(*arguments).output()

    def tidy(self) -> None:
        """Remove what was copied, out and in."""
        shutil.rmtree(self.out)
        self.out.mkdir()
        self.docker("exec", "box", "rm", "-rf", "/in")
        self.docker("exec", "box", "mkdir", "/in")

    def get(self, path: str) -> None:
        """GET archive, read to its end."""
        with self._request(f"GET /{VERSION}/containers/box/archive?path={path}") as connection:
            connection.sendall(b"\r\n")
            self._read(connection)

    def put(self, archive: Path) -> None:
        """PUT archive."""
        with (
            self._request(f"PUT /{VERSION}/containers/box/archive?path=/in") as connection,
            open(archive, "rb") as file,
        ):
            connection.sendall(f"Content-Length: {archive.stat().st_size}\r\n\r\n".encode())
            connection.sendfile(file)
            self._read(connection)

    @contextlib.contextmanager
    def _request(self, line: str) -> Iterator[sockets.socket]:
        # HTTP/1.0 has no chunks: undoing them in Python would take longer than the engines take.
        with sockets.socket(sockets.AF_UNIX) as connection:
            connection.connect(str(self._socket))
            connection.sendall(f"{line} HTTP/1.0\r\nHost: engine\r\n".encode())
            yield connection

    @staticmethod
    def _read(connection: sockets.socket) -> None:
        buffer = bytearray(1 << 20)
        count = connection.recv_into(buffer)
        if not buffer.startswith((b"HTTP/1.0 200", b"HTTP/1.1 200")):
            raise RuntimeError(bytes(buffer[:count]).decode(errors="replace"))
        while connection.recv_into(buffer):
            pass


def make_files(folder: Path, megabytes: int, files: int) -> None:
    """The large file and the small ones, the latter as a tar too."""
    (folder / "large").write_bytes(os.urandom(megabytes * 1_000_000))
    (folder / "small").write_bytes(os.urandom(_SMALL))
    for number in range(files):
        place = folder / "many" / str(number // 100)
        place.mkdir(parents=True, exist_ok=True)
        (place / f"file-{number}").write_bytes(os.urandom(_SMALL))
    for name in ("large", "many"):
        with tarfile.open(folder / f"{name}.tar", "w", format=tarfile.PAX_FORMAT) as tar:
            tar.add(folder / name, name)


def jobs(folder: Path) -> list[Job]:
    """What is measured."""
    docker_in = {name: str(folder / name) for name in ("large", "many", "small")}
    return [
        *(
            Job(f"cp out, {name}", lambda r, n=name: r.docker("cp", "-q", f"box:/{n}", str(r.out)))
            for name in docker_in
        ),
        *(
            Job(f"cp in, {name}", lambda r, p=path: r.docker("cp", "-q", p, "box:/in"))
            for name, path in docker_in.items()
        ),
        *(Job(f"api out, {name}", lambda r, n=name: r.get(f"/{n}")) for name in docker_in),
        *(
            Job(f"api in, {name}", lambda r, n=name: r.put(folder / f"{n}.tar"))
            for name in ("large", "many")
        ),
        Job("diff", lambda rival: rival.docker("diff", "box")),
        Job("export", lambda rival: rival.docker("export", "-o", str(rival.out / "x"), "box")),
    ]


def main() -> int:
    """Measure and print."""
    parser = harness.options(__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=200, help="of the large file (200)")
    parser.add_argument("--files", type=int, default=5000, help="how many small ones (5000)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="jobs whose names contain this")
    chosen = parser.parse_args()

    facts = harness.machine()
    print(harness.describe(facts), end="\n\n")
    with Daemons() as daemons:
        folder = daemons.workspace.folder("files")
        make_files(folder, chosen.megabytes, chosen.files)
        rivals = [
            Rival("dockerd", daemons.docker, daemons.dockerd.socket, folder),
            Rival("runner", daemons.docker_on_runner, daemons.engine.socket, folder),
        ]
        for rival in rivals:
            for name in ("large", "many", "small"):
                rival.docker("cp", "-q", str(folder / name), "box:/")
            rival.tidy()
        contestants = [
            contestant
            for job in jobs(folder)
            if chosen.only in job.name
            for contestant in job.contestants(rivals)
        ]
        results = harness.take_turns(contestants, rounds=chosen.rounds, warmup=1)
        for rival in rivals:
            rival.docker("rm", "-f", "box")
    print(harness.medians(results, contestants))
    targets = [Target(c.name, _AT_MOST) for c in contestants if c.against]
    print("", *harness.judge(results, contestants, targets), sep="\n")
    harness.write_json(chosen.json, {"machine": facts, "results": results})
    return 0


if __name__ == "__main__":
    sys.exit(main())
