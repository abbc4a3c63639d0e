"""SIGUSR1 writes down what the engine is doing (moby daemon/debugtrap_unix.go)."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = logging.getLogger("runner.api.debugtrap")


def dump_stacks(directory: Path) -> None:
    """Write every thread's and every task's stack to a file of its own; its path is logged."""
    path = directory / f"stacks-{time.strftime('%Y-%m-%dT%H%M%S')}.log"
    try:
        with path.open("w") as file:
            faulthandler.dump_traceback(file)
            for task in sorted(asyncio.all_tasks(), key=lambda task: task.get_name()):
                file.writelines(f"{line}\n" for line in _describe(task))
    except OSError as err:
        log.error("cannot write the stacks: %s", err)
    else:
        log.info("stacks written to %s", path)


def _describe(task: asyncio.Task[Any]) -> Iterator[str]:
    """The task's name, then where each of its coroutines waits for the next, innermost last."""
    yield f"\nTask {task.get_name()}"
    awaited: Any = task.get_coro()
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "ag_frame", None)
        if frame is None:
            yield f"  {awaited!r}"
        else:
            code = frame.f_code
            yield f'  File "{code.co_filename}", line {frame.f_lineno}, in {code.co_qualname}'
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "ag_await", None)
