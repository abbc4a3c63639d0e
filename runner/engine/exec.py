"""Exec: a further process in a running container (moby daemon/exec.go).

container_exec_create    what is to run; nothing runs yet
container_exec_start     it runs, with its client on its streams or detached
container_exec_inspect   is it still running, how did it end
"""

from __future__ import annotations

import asyncio
import base64
from functools import partial
from typing import TYPE_CHECKING

from runner.engine import exec_run
from runner.engine.detach_keys import DEFAULT_DETACH_KEYS, DetachDetector, parse_detach_keys
from runner.engine.execs import Exec, ExecRecord, check_active
from runner.engine.stream_copy import StreamCopy
from runner.oci.process import create_daemon_environment, replace_or_append_env_values
from runner.types.errors import Conflict, DeadlineExceeded, InvalidParameter, RunnerError
from runner.types.exec import ExecInspect, ExecProcessConfig
from runner.types.ids import generate_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.engine.stream_copy import Client
    from runner.types.exec import ExecOptions

_RESIZE_TIMEOUT = 10.0


def container_exec_create(engine: Engine, reference: str, options: ExecOptions) -> str:
    """Make an exec; its ID (moby ContainerExecCreate).

    Raises NotFound, Conflict when the container does not run or is paused, InvalidParameter
    without a command and for a user that the container does not know.
    """
    if not options.cmd:
        raise InvalidParameter("No exec command specified")
    container = engine.containers.get(reference)
    check_active(container, reference)
    if options.user:
        exec_run.lookup_user(engine, container, options.user)
    record = new_record(container, options.cmd, tty=options.tty, env=options.env or ())
    record.user = options.user or record.user
    record.working_dir = options.working_dir or record.working_dir
    record.privileged = options.privileged
    record.open_stdin = options.attach_stdin
    record.open_stdout = options.attach_stdout
    record.open_stderr = options.attach_stderr
    record.detach_keys = _escape_keys(options.detach_keys)
    record.console_size = options.console_size
    return add(engine, container, record).id


def new_record(
    container: Container, command: Sequence[str], *, tty: bool = False, env: Sequence[str] = ()
) -> ExecRecord:
    """An exec of the command, as the container's own user and in its working directory."""
    config = container.config
    containers_own = create_daemon_environment(config.hostname, tty, [], config.env or [])
    return ExecRecord(
        id=generate_id(),
        entrypoint=command[0],
        args=list(command[1:]),
        env=replace_or_append_env_values(containers_own, env),
        user=config.user,
        working_dir=config.working_dir,
        tty=tty,
    )


def add(engine: Engine, container: Container, record: ExecRecord) -> Exec:
    """Make the exec known, and tell of it."""
    exec_ = Exec(container, record)
    engine.execs.add(exec_)
    exec_.save()
    exec_run.log_event(engine, exec_, f"exec_create: {exec_.command}")
    return exec_


def _escape_keys(text: str) -> bytes:
    """Raises RunnerError: to dockerd a bad sequence is an untyped error here (500)."""
    try:
        return parse_detach_keys(text) if text else b""
    except InvalidParameter as err:
        raise RunnerError(f"Invalid escape keys ({text}) provided") from err


async def container_exec_start(
    engine: Engine,
    exec_id: str,
    client: Client | None,
    size: tuple[int, int] | None = None,
) -> None:
    """Start the exec, and stay with its client until it ends, the client goes or detaches
    (moby ContainerExecStart). Without a client it returns once the process runs.

    A client that goes does not end the process. Raises NotFound, Conflict when it has been started
    before or the container does not run any more, and what keeps the process from starting.
    """
    exec_ = engine.execs.active(exec_id)
    record = exec_.record
    if record.exit_code is not None:
        raise Conflict(f"exec command {exec_.id} has already run")
    if record.running:
        raise Conflict(f"exec command {exec_.id} is already running")
    record.running = True
    record.takes_input = record.open_stdin and client is not None
    exec_run.log_event(engine, exec_, f"exec_start: {exec_.command}")
    copy = _stream_copy(engine, exec_) if client is not None else None
    starting = engine.background(exec_run.start(engine, exec_, size), f"start exec {exec_.id}")
    try:
        await asyncio.shield(starting)
        if copy is not None and client is not None and await copy.run(client):
            exec_run.log_event(engine, exec_, "exec_detach")
    finally:
        if copy is not None:
            copy.close()


def _stream_copy(engine: Engine, exec_: Exec) -> StreamCopy:
    record = exec_.record
    ends_input = record.takes_input and not record.tty
    return StreamCopy(
        exec_.streams,
        stdin=record.takes_input,
        stdout=record.open_stdout,
        stderr=record.open_stderr,
        end_input=partial(exec_run.close_stdin, engine, exec_) if ends_input else None,
        detector=DetachDetector(record.detach_keys or DEFAULT_DETACH_KEYS) if record.tty else None,
    )


def container_exec_inspect(engine: Engine, exec_id: str) -> ExecInspect:
    """The exec as it is now (moby ContainerExecInspect). Raises NotFound."""
    exec_ = engine.execs.get(exec_id)
    record = exec_.record
    return ExecInspect(
        id=record.id,
        running=record.running,
        exit_code=record.exit_code,
        process_config=ExecProcessConfig(
            tty=record.tty,
            entrypoint=record.entrypoint,
            arguments=record.args,
            privileged=record.privileged,
            user=record.user,
        ),
        open_stdin=record.open_stdin,
        open_stderr=record.open_stderr,
        open_stdout=record.open_stdout,
        can_remove=exec_.can_remove,
        container_id=exec_.container.id,
        detach_keys=base64.b64encode(record.detach_keys).decode(),
        pid=record.pid,
    )


async def container_exec_resize(engine: Engine, exec_id: str, height: int, width: int) -> None:
    """Tell the exec's terminal its size, waiting for its start if need be (ContainerExecResize).

    Raises NotFound, Conflict, InvalidParameter when it could not be started, DeadlineExceeded.
    """
    exec_ = engine.execs.active(exec_id)
    try:
        async with asyncio.timeout(_RESIZE_TIMEOUT):
            await exec_.started.wait()
    except TimeoutError:
        raise DeadlineExceeded("timeout waiting for exec session ready") from None
    if not exec_.record.pid:
        raise InvalidParameter("exec process is not started")
    await engine.containerd.tasks.resize_pty(exec_.container.id, width, height, exec_.id)
