"""Learning that a process has ended, whatever happens to containerd meanwhile.

Two sources tell of an exit: the answer to a Tasks.Wait that is asked before Tasks.Start, and
containerd's /tasks/exit event. Whichever comes first counts, the other is a duplicate. When
containerd goes away both end; once it serves again the task is asked for its state.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from runner.engine.exit_status import EXIT_UNKNOWN, ExitStatus
from runner.types import times
from runner.types.errors import NotFound, RunnerError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.engine.engine import Engine

log = logging.getLogger(__name__)

_CONTAINERD_TIMEOUT = 300.0
_EVENT_UNDER_WAY = 0.2
_ANSWER_UNDER_WAY = 10.0
_ASK_AGAIN = 0.2


async def exit_of(
    engine: Engine,
    container_id: str,
    event: asyncio.Future[ExitStatus],
    exec_id: str = "",
    *,
    asked: Callable[[], None] = lambda: None,
) -> ExitStatus:
    """The exit of the container's first process, or of one that exec added.

    `event` is resolved by whoever hears of the exit by event; `asked` is called once containerd is
    being asked. A process that is gone, and nobody has told how it ended, has the code 255.
    """
    said = ""
    while True:
        wait = asyncio.ensure_future(_wait(engine, container_id, exec_id, asked))
        try:
            await asyncio.wait({wait, event}, return_when=asyncio.FIRST_COMPLETED)
            return event.result() if event.done() else await wait
        except NotFound:
            # deleted by somebody who may have been told of the exit: then so are we, by event
            await asyncio.wait({event}, timeout=_EVENT_UNDER_WAY)
            return event.result() if event.done() else ExitStatus(EXIT_UNKNOWN, times.now())
        except RunnerError as err:
            if str(err) != said:
                about = {"container": container_id}
                log.warning("cannot wait for the exit, asking again: %s", err, extra=about)
            said = str(err)
            await _until_serving(engine)
            # of a shim that has died containerd tells by event, and until then nothing new
            await asyncio.wait({event}, timeout=_ASK_AGAIN)
        finally:
            if event.done():
                engine.background(_outlast(wait), f"wait for the answer about {container_id}")
            else:
                wait.cancel()


async def _outlast(wait: asyncio.Future[ExitStatus]) -> None:
    """The answer is coming as well, and a call that is cancelled costs gRPC memory for good."""
    try:
        await asyncio.wait({wait}, timeout=_ANSWER_UNDER_WAY)
    finally:
        wait.cancel()
        await asyncio.gather(wait, return_exceptions=True)


async def _wait(
    engine: Engine, container_id: str, exec_id: str, asked: Callable[[], None]
) -> ExitStatus:
    try:
        ended = await engine.containerd.tasks.wait(container_id, exec_id, sent=asked)
    finally:
        asked()  # containerd may be away: nobody has to wait for its return here
    return ExitStatus(ended.status, times.from_datetime(ended.exited_at))


async def _until_serving(engine: Engine) -> None:
    while True:
        try:
            await engine.containerd.wait_until_serving(_CONTAINERD_TIMEOUT)
        except Unavailable as err:
            log.error("containerd is still away: %s", err)
        else:
            return
