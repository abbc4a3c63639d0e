"""Steps whose failure must not keep others from being taken."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from runner.types.errors import NotFound, RunnerError

if TYPE_CHECKING:
    from collections.abc import Awaitable

log = logging.getLogger(__name__)


async def attempt(step: Awaitable[object], what: str) -> bool:
    """Await the step; whether it succeeded or had nothing to do. A failure is logged."""
    try:
        await step
    except NotFound:
        return True
    except RunnerError as err:
        log.warning("%s failed, it is tried again later: %s", what, err)
        return False
    except Exception:
        log.exception("%s failed; it is tried again later", what)
        return False
    return True
