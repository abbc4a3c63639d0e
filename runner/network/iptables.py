"""The iptables programs, whichever flavour (nf_tables, legacy) the host has chosen. Calls block."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import Final

from runner.types.errors import System

_TIMEOUT: Final = 60.0


@dataclass(frozen=True, slots=True)
class IPTables:
    """`command` names the flavour: iptables, iptables-nft or iptables-legacy."""

    command: str = "iptables"

    def of_family(self, version: int) -> IPTables:
        """The same flavour for IPv6, or this one for IPv4."""
        return self if version == 4 else IPTables(self.command.replace("iptables", "ip6tables", 1))

    def save(self) -> str:
        """All tables, as iptables-save prints them. Raises System."""
        return self._run(f"{self.command}-save", "")

    def restore(self, rules: str) -> None:
        """Apply `rules` to what is there, each table at once or not at all. Raises System."""
        self._run(f"{self.command}-restore", rules, "--noflush", "--wait")

    @staticmethod
    def _run(program: str, text: str, *arguments: str) -> str:
        try:
            done = subprocess.run(
                [program, *arguments],
                input=text,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT,
                check=False,
            )
        except FileNotFoundError as err:
            raise System(f"{program} not found: the bridge network needs iptables") from err
        except subprocess.TimeoutExpired as err:
            raise System(f"{program} did not end within {_TIMEOUT:.0f} seconds") from err
        if done.returncode != 0:
            raise System(f"{program} failed: {done.stderr.strip()}")
        return done.stdout
