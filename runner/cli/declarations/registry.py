"""All commands and groups, in the order in which help shows them."""

from __future__ import annotations

from runner.cli.declarations import container, image, system

GROUPS = (*container.GROUPS, *image.GROUPS, *system.GROUPS)
COMMANDS = (*container.COMMANDS, *image.COMMANDS, *system.COMMANDS)
