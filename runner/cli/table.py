"""The parse table: the built one when it is there and fresh, else one made by typer right now."""

from __future__ import annotations

from runner.cli.fingerprint import fingerprint
from runner.cli.pflag import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Table:
    """All commands by path."""

    def __init__(self, module: dict[str, Any]) -> None:
        self._commands = module["COMMANDS"]
        self._aliases = module["ALIASES"]
        self.groups: dict[str, str] = module["GROUPS"]
        """Their names, and how usage errors go on behind them."""

    def find(self, words: list[str]) -> tuple[str, Command, int] | None:
        """The command that the first words name: the path to speak of it by, and their number."""
        for count in (2, 1):
            path = " ".join(words[:count])
            if len(words) < count:
                continue
            target, shown = self._aliases.get(path, (path, path))
            record = self._commands.get(target)
            if record is not None:
                target, usage, interspersed, flags, positionals = record
                command = Command(target, f"{shown} {usage}", interspersed, flags, positionals)
                return shown, command, count
        return None


def load() -> Table:
    """The table; slower by typer's import where no fresh one was built."""
    try:
        module = vars(__import__("runner.cli._table", fromlist=["COMMANDS"]))
    except ImportError:
        return Table(_make())
    fresh = fingerprint() in (module["FINGERPRINT"], "")
    return Table(module if fresh else _make())


def _make() -> dict[str, Any]:
    from runner.cli import tablegen

    return tablegen.build()
