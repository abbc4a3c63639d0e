"""Processes that clients add to running containers, and who they are (moby container.ExecStore).

An exec is known until some minutes after its end, so that its exit code can be asked for. While its
container runs, its record lies beside the container's FIFOs: an engine that starts anew finds it
there and is with the process again.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from runner.engine.fifo import FifoSet
from runner.engine.stdio import Streams
from runner.types.errors import Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.engine.container import Container
    from runner.engine.exit_status import ExitStatus

_GC_INTERVAL = 300.0
_SUFFIX = ".exec"


class ExecRecord(msgspec.Struct):
    """What an exec is to run and what became of it.

    `takes_input` says that it was started with a FIFO for its input. `exit_code` is None until it
    has ended.
    """

    id: str
    entrypoint: str
    args: list[str]
    env: list[str]
    user: str
    working_dir: str
    tty: bool = False
    privileged: bool = False
    open_stdin: bool = False
    open_stdout: bool = False
    open_stderr: bool = False
    detach_keys: bytes = b""
    console_size: tuple[int, int] | None = None
    takes_input: bool = False
    running: bool = False
    exit_code: int | None = None
    pid: int = 0


_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(ExecRecord).decode


class Exec:
    """An exec while the engine runs (moby container.ExecConfig).

    `started` is set once the process runs or could not be started, `ended` when its exit has been
    told.
    """

    def __init__(self, container: Container, record: ExecRecord) -> None:
        self.container = container
        self.record = record
        self.streams = Streams()
        self.started = asyncio.Event()
        self.ended = asyncio.Event()
        self.watcher: asyncio.Task[None] | None = None
        self.exit_event: asyncio.Future[ExitStatus] = asyncio.get_running_loop().create_future()
        self.can_remove = False

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def command(self) -> str:
        """The command line as events tell it."""
        return f"{self.record.entrypoint} {' '.join(self.record.args)}"

    @property
    def fifos(self) -> FifoSet:
        """The FIFOs of the process."""
        record = self.record
        return FifoSet.named(
            self.container.runtime_dir, record.id, stdin=record.takes_input, tty=record.tty
        )

    def tell_exit(self, exit_status: ExitStatus) -> None:
        """The process has ended, says somebody who knows; the first to say so is heard."""
        if not self.exit_event.done():
            self.exit_event.set_result(exit_status)

    def save(self) -> None:
        """Leave the record for an engine that starts anew. A run that is over keeps none."""
        path = _path(self.container, self.id)
        with suppress(FileNotFoundError):
            if not self.record.running:  # the first time: nobody knows of it yet
                path.write_bytes(_encode(self.record))
                return
            scratch = path.with_suffix(".new")
            scratch.write_bytes(_encode(self.record))
            scratch.replace(path)

    def discard_files(self) -> None:
        """The process has ended: its FIFOs and its record go. Idempotent."""
        for path in (*map(Path, self.fifos.paths()), _path(self.container, self.id)):
            path.unlink(missing_ok=True)


def _path(container: Container, exec_id: str) -> Path:
    return container.runtime_dir / f"{exec_id}{_SUFFIX}"


def saved(container: Container) -> Iterator[ExecRecord]:
    """The records that the previous engine has left with a running container."""
    for path in sorted(container.runtime_dir.glob(f"*{_SUFFIX}")):
        with suppress(msgspec.DecodeError):
            yield _decode(path.read_bytes())


class Execs:
    """Every exec of the engine by its ID; of those whose container is removed, the ID alone."""

    def __init__(self) -> None:
        self._by_id: dict[str, Exec] = {}
        self._retired: set[str] = set()
        self._retired_before: set[str] = set()

    def add(self, exec_: Exec) -> None:
        """Make it known, to the engine and to its container (moby registerExecCommand)."""
        self._by_id[exec_.id] = exec_
        exec_.container.execs[exec_.id] = exec_

    def get(self, exec_id: str) -> Exec:
        """By its whole ID. Raises NotFound."""
        found = self._by_id.get(exec_id)
        if found is None:
            raise NotFound(f"No such exec instance: {exec_id}")
        return found

    def knows(self, exec_id: str) -> bool:
        """Whether there is or was such an exec."""
        return exec_id in self._by_id or self._is_retired(exec_id)

    def retire(self, container: Container) -> None:
        """The container is removed; what it ran need not be kept until it is forgotten."""
        gone = {exec_.id for exec_ in self._by_id.values() if exec_.container is container}
        for exec_id in gone:
            del self._by_id[exec_id]
        self._retired |= gone

    def _is_retired(self, exec_id: str) -> bool:
        return exec_id in self._retired or exec_id in self._retired_before

    def active(self, exec_id: str) -> Exec:
        """The exec, if its container can run it now (moby getExecConfig).

        Raises NotFound, Conflict.
        """
        if self._is_retired(exec_id):
            raise NotFound(f"No such container: {exec_id}")
        exec_ = self.get(exec_id)
        check_active(exec_.container, exec_.container.id)
        return exec_

    async def collect_garbage(self) -> None:
        """Forget execs that have ended, for ever: those that were found ended the last time
        (moby execCommandGC)."""
        while True:
            await asyncio.sleep(_GC_INTERVAL)
            self._retired, self._retired_before = set(), self._retired
            for exec_ in list(self._by_id.values()):
                if exec_.can_remove:
                    del self._by_id[exec_.id]
                elif exec_.id not in exec_.container.execs:
                    exec_.can_remove = True


def check_active(container: Container, name: str) -> None:
    """Raise Conflict unless processes can be added to the container now."""
    container.check_running()
    if container.state.paused:
        raise Conflict(f"Container {name} is paused, unpause the container before exec")
    container.check_not_restarting()
