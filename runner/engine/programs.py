"""The programs beside the engine, and what they say of themselves (moby daemon/info_unix.go).

Each is asked once, and again when its file has changed: an answer takes several milliseconds.
"""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from runner.oci.init_binary import lookup_init_path
from runner.types.errors import System

NOT_AVAILABLE: Final = "N/A"
"""The commit of a program that cannot be asked."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program; version and commit as far as it tells them."""

    name: str
    version: str
    commit: str


async def runtime_program(binary: str) -> Program | None:
    """The OCI runtime (parseDefaultRuntimeVersion); None when it cannot be asked."""
    return parse_runtime_version(binary, await _answer(shutil.which(binary), "--version"))


async def init_program() -> Program | None:
    """The init of `--init` (populateInitVersion); None when there is none, or it tells nothing."""
    try:
        path = lookup_init_path()
    except System:
        return None
    return parse_init_version(Path(path).name, await _answer(path, "--version"))


async def runtime_features(binary: str) -> str | None:
    """What the OCI runtime can do, in JSON (runtime-spec features.md); None if it cannot tell."""
    try:
        answer = msgspec.json.decode(await _answer(shutil.which(binary), "features"))
    except msgspec.DecodeError:
        return None
    return msgspec.json.encode(answer).decode()


def parse_runtime_version(name: str, answer: str) -> Program | None:
    """`NAME version X` and `commit: Y`, as runc and crun print them (parseRuntimeVersion)."""
    version = commit = ""
    for line in answer.splitlines():
        if "version" in line:
            version = line.rpartition("version")[2].strip()
        elif line.startswith("commit:"):
            commit = line.removeprefix("commit:").strip()
    return Program(name, version, commit) if version or commit else None


def parse_init_version(name: str, answer: str) -> Program | None:
    """`tini version X - git.Y` (parseInitVersion)."""
    first, _, rest = answer.partition(" - ")
    version = first.strip().removeprefix("tini version ") if "tini version " in first else ""
    kind, _, commit = rest.partition(" - ")[0].strip().partition(".")
    commit = commit if kind == "git" and "." not in commit else ""
    return Program(name, version, commit) if version or commit else None


_answers: dict[tuple[str, int, str], str] = {}


async def _answer(path: str | None, question: str) -> str:
    """What the program prints; nothing when it is missing, or fails."""
    if path is None:
        return ""
    key = (path, Path(path).stat().st_mtime_ns, question)
    if key not in _answers:
        _answers[key] = await _output_of(path, question)
    return _answers[key]


async def _output_of(*command: str) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError:
        return ""
    output, _ = await process.communicate()
    return "" if process.returncode else output.decode(errors="replace")
