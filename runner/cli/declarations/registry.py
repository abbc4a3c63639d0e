"""All commands and groups, in the order in which help shows them."""

from __future__ import annotations

from runner.cli.declarations import container, image, inside, system, volume

GROUPS = (*container.GROUPS, *image.GROUPS, *volume.GROUPS, *system.GROUPS)
COMMANDS = (
    *container.COMMANDS,
    *inside.COMMANDS,
    *image.COMMANDS,
    *volume.COMMANDS,
    *system.COMMANDS,
)
