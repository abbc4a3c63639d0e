"""All commands and groups, in the order in which help shows them."""

from __future__ import annotations

from runner.cli.declarations import container, image, inside, network, system, volume

GROUPS = (*container.GROUPS, *image.GROUPS, *network.GROUPS, *volume.GROUPS, *system.GROUPS)
COMMANDS = (
    *container.COMMANDS,
    *inside.COMMANDS,
    *image.COMMANDS,
    *network.COMMANDS,
    *volume.COMMANDS,
    *system.COMMANDS,
)
