"""Steps of a clean-up: each is tried whatever became of the others, and a failure is logged."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable

log = logging.getLogger(__name__)


async def attempt(step: Awaitable[object], what: str) -> bool:
    """Await the step; whether it succeeded."""
    try:
        await step
    except Exception as err:
        log.warning("failed to %s: %s", what, err, exc_info=err)
        return False
    return True
