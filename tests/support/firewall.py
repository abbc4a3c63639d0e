"""iptables as the tests see it: what is there, and the removal of exactly what a daemon added."""

from __future__ import annotations

import dataclasses
import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from tests.support.toolchain import path_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

FAMILIES: Final = ("iptables", "ip6tables")
BACKENDS: Final = (
    "iptables-nft",
    "ip6tables-nft",
    "iptables-legacy",
    "ip6tables-legacy",
)


@dataclasses.dataclass(frozen=True, order=True)
class Line:
    """One rule, chain or policy of one table."""

    table: str
    text: str
    """As iptables-save writes it, without counters."""


def save(command: str) -> list[Line]:
    """What `<command>-save` prints: rules and chains, but not what every kernel has anyway."""
    program = shutil.which(f"{command}-save", path=path_with())
    if program is None:
        return []
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    return list(parse(done.stdout))


def parse(text: str) -> Iterator[Line]:
    """The lines of iptables-save's output that somebody added."""
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith(":"):
            chain, policy = line[1:].split()[:2]
            if policy != "ACCEPT":
                yield Line(table, f":{chain} {policy}")
        elif line.startswith("-A"):
            yield Line(table, line)


def remove(command: str, unwanted: Callable[[Line], bool]) -> None:
    """Delete the rules, then the chains, and reset the policies that the predicate picks."""
    lines = [line for line in save(command) if unwanted(line)]
    for line in lines:
        if line.text.startswith("-A "):
            _change(command, line.table, "-D", *shlex.split(line.text)[1:])
    for line in lines:
        if line.text.startswith(":"):
            chain, policy = line.text[1:].split()
            if policy == "-":
                _change(command, line.table, "-F", chain)
                _change(command, line.table, "-X", chain)
            else:
                _change(command, line.table, "-P", chain, "ACCEPT")


def remove_naming(*words: str) -> None:
    """Delete the rules of both families in which one of the words occurs, and chains so named.

    Words are interfaces, subnets, chains.
    """
    for command in FAMILIES:
        remove(command, lambda line: names_any(line, words))


def names_any(line: Line, words: Iterable[str]) -> bool:
    """Whether the line is a rule, or the user's chain, in which one of the words occurs, whole."""
    found = (re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", line.text) for word in words)
    return (line.text.startswith("-A") or line.text.endswith(" -")) and any(found)


def _change(command: str, table: str, *arguments: str) -> None:
    program = shutil.which(command, path=path_with()) or command
    # Another process may have been quicker: a rule that is gone is what was wanted.
    subprocess.run([program, "-w", "-t", table, *arguments], capture_output=True, check=False)
