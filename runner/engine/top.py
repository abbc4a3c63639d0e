"""The processes of a container, as the host's ps tells of them (moby daemon/top_unix.go)."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

from runner.linux.libc import error_text
from runner.types.container import TopResponse
from runner.types.errors import RunnerError, System
from runner.types.gotext import atoi

if TYPE_CHECKING:
    from runner.engine.engine import Engine

_DEFAULT: Final = "-ef"
_TITLE: Final = re.compile(r"(?<!\s)\s+(\S*)=\s*(PID\S*)", re.ASCII)
"""A title of the user's own for a column that then looks like the one with the PIDs."""


async def container_top(engine: Engine, reference: str, ps_args: str) -> TopResponse:
    """Run the host's ps and keep the container's lines (moby ContainerTop). Emits `top`.

    Raises NotFound, Conflict when the container does not run, RunnerError for arguments that hide
    the PIDs, System with what ps says.
    """
    arguments = ps_args or _DEFAULT
    _validate(arguments)
    container = engine.containers.get(reference)
    async with container.lock:
        container.check_running()
        container.check_not_restarting()
    pids = [process.pid for process in await engine.containerd.tasks.list_pids(container.id)]
    found = parse_ps_output(await _ps(arguments.split(" "), pids), pids)
    engine.events.log_container(container, "top")
    return found


def _validate(arguments: str) -> None:
    """moby validatePSArgs, whose error is untyped."""
    for name, title in _TITLE.findall(arguments):
        if name != "pid":
            raise RunnerError(f'specifying "{name}={title}" is not allowed')


async def _ps(arguments: list[str], pids: list[int]) -> str:
    """ps for these PIDs; for all, should the arguments not go with a choice."""
    try:
        return await _output_of(*arguments, f"-q{','.join(map(str, pids))}")
    except System:
        return await _output_of(*arguments)


async def _output_of(*arguments: str) -> str:
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec("ps", *arguments, stdout=pipe, stderr=pipe)
    except (OSError, ValueError) as err:  # ValueError: a NUL among the arguments
        reason = error_text(err) if isinstance(err, OSError) else "invalid argument"
        raise System(f"ps: {reason}") from err
    output, complaint = await process.communicate()
    if process.returncode:
        reason = complaint.decode("utf-8", "replace").partition("\n")[0]
        raise System(f"ps: {reason or f'exit status {process.returncode}'}")
    return output.decode("utf-8", "replace")


def parse_ps_output(output: str, pids: list[int]) -> TopResponse:
    """The lines of these processes, and of their threads where ps lists them (moby parsePSOutput).

    What stands behind the last title belongs to it. Raises RunnerError when PIDs cannot be told.
    """
    first, *lines = output.split("\n")
    titles = _fields(first)
    if "PID" not in titles:
        raise RunnerError("Couldn't find PID field in ps output")
    column, wanted = titles.index("PID"), set(pids)
    processes: list[list[str]] = []
    ours = False
    for fields in map(_fields, filter(None, lines)):
        if len(fields) < len(titles):
            raise RunnerError(f"Unexpected line in ps output: {' '.join(fields)}")
        if fields[column] != "-":  # which stands for another thread of the process above
            ours = _pid(fields[column]) in wanted
        if ours:
            last = len(titles) - 1
            processes.append([*fields[:last], " ".join(fields[last:])])
    return TopResponse(processes=processes or None, titles=titles)


def _fields(line: str) -> list[str]:
    """At ASCII's white space only: a command line may have any other."""
    return [field for field in re.split(r"[\t\n\f\r ]+", line) if field]


def _pid(text: str) -> int:
    try:
        return atoi(text)
    except ValueError as err:
        raise RunnerError(f"Unexpected pid '{text}': {err}") from err
