"""An exec whose start is cut off, and one that has ended."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from runner.engine import exec_run
from runner.engine.execs import Exec, ExecRecord, Execs, saved
from runner.engine.exit_status import ExitStatus
from runner.types import times
from runner.types.errors import Conflict, System, Unavailable

if TYPE_CHECKING:
    from tests.unit.engine.support import FakeEngine


class Tasks:
    """A containerd whose Start answers when told to."""

    def __init__(self) -> None:
        self.starting = asyncio.Event()
        self.answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.calls: list[str] = []
        self.deleting = asyncio.Event()

    async def exec(self, *_: Any, **__: Any) -> None:
        self.calls.append("exec")

    async def start(self, *_: Any) -> int:
        self.starting.set()
        return await self.answer

    async def wait(self, *_: Any) -> None:
        await asyncio.Event().wait()

    async def kill(self, *_: Any, **__: Any) -> None:
        self.calls.append("kill")

    async def delete_process(self, *_: Any) -> None:
        self.calls.append("delete")
        self.deleting.set()
        raise Unavailable("away")


@pytest.fixture
async def exec_(fake_engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> Exec:
    async def process(*_: Any) -> bytes:
        return b"{}"

    monkeypatch.setattr(exec_run, "_process", process)
    fake_engine.containerd = SimpleNamespace(tasks=Tasks())
    fake_engine.execs = Execs()
    box = fake_engine.add()
    box.state.running = True
    record = ExecRecord("e1", "sh", [], [], user="", working_dir="", running=True)
    made = Exec(box, record)
    fake_engine.execs.add(made)
    return made


async def test_by_the_engines_end_it_is_left_to_the_next_one(
    fake_engine: FakeEngine, exec_: Exec
) -> None:
    starting = asyncio.create_task(exec_run.start(fake_engine, exec_))  # type: ignore[arg-type]
    await fake_engine.containerd.tasks.starting.wait()
    starting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await starting
    assert [record.running for record in saved(exec_.container)] == [True]
    assert fake_engine.containerd.tasks.calls == ["exec"]


async def test_by_a_failure_nothing_is_left(fake_engine: FakeEngine, exec_: Exec) -> None:
    tasks = fake_engine.containerd.tasks
    tasks.answer.set_exception(System("OCI runtime exec failed"))
    with pytest.raises(System, match="OCI runtime exec failed"):
        await exec_run.start(fake_engine, exec_)  # type: ignore[arg-type]
    assert tasks.calls == ["exec", "delete"]
    assert list(exec_.container.runtime_dir.iterdir()) == []
    assert exec_.record.exit_code == 128


async def test_a_signal_waits_for_the_start(fake_engine: FakeEngine, exec_: Exec) -> None:
    tasks = fake_engine.containerd.tasks
    killing = asyncio.create_task(
        exec_run.kill(fake_engine, exec_, signal.SIGKILL)  # type: ignore[arg-type]
    )
    starting = asyncio.create_task(exec_run.start(fake_engine, exec_))  # type: ignore[arg-type]
    await tasks.starting.wait()
    assert tasks.calls == ["exec"]
    tasks.answer.set_result(7)
    await asyncio.gather(starting, killing)
    assert tasks.calls == ["exec", "kill"]
    await exec_.streams.end()


async def test_nothing_is_made_once_the_container_has_ended(
    fake_engine: FakeEngine, exec_: Exec
) -> None:
    exec_.container.state.running = False
    with pytest.raises(Conflict, match="is not running"):
        await exec_run.start(fake_engine, exec_)  # type: ignore[arg-type]
    assert not exec_.container.runtime_dir.exists()


async def test_no_record_is_without_its_process_once_the_code_is_told(
    fake_engine: FakeEngine, exec_: Exec
) -> None:
    """The next engine would say 126, of an exec that was never started."""
    tasks = fake_engine.containerd.tasks
    tasks.answer.set_result(7)
    await exec_run.start(fake_engine, exec_)  # type: ignore[arg-type]
    exec_.tell_exit(ExitStatus(3, times.now()))
    await exec_.ended.wait()
    assert (exec_.record.exit_code, tasks.calls) == (3, ["exec"])
    await tasks.deleting.wait()
    assert list(exec_.container.runtime_dir.iterdir()) == []
