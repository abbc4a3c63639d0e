"""What the documents tell people to type exists: commands, options, make's targets, links."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.api import serve
from runner.cli import pflag, table
from runner.client.address import DEFAULT_HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
README = DOCUMENTS[0].read_text()

_CODE = re.compile(r"`([^`\n]+)`")
_COMMAND = re.compile(r"(?:^|sudo |=\S+ )(runner [^|#]+)")
_GLOBAL = ("--host", "-H", "--version")
_PLACEHOLDERS = {"[flags", "of", "run]"}


def lines_to_type(text: str) -> Iterator[str]:
    """Lines at a prompt, and code within sentences that begins with a command."""
    for line in text.replace("\\\n", "").splitlines():
        if line.startswith("$ "):
            yield line[2:]
    for code in _CODE.findall(text):
        if re.match(r"(sudo |RUNNER_\w+=\S+ )*(runner|make) ", code):
            yield code


def runner_commands() -> list[tuple[str, str]]:
    """Each with its document's name."""
    return [
        (document.name, match.strip())
        for document in DOCUMENTS
        for line in lines_to_type(document.read_text())
        for match in _COMMAND.findall(line)
    ]


def test_commands_were_found() -> None:
    assert len(runner_commands()) > 12


@pytest.mark.parametrize(("document", "line"), runner_commands())
def test_a_command_exists_with_its_options(document: str, line: str) -> None:
    words = [word for word in shlex.split(line)[1:] if word not in _PLACEHOLDERS]
    if words[0] in _GLOBAL:
        words = words[2:]
    found = table.load().find(words)
    assert found is not None, f"{document}: no such command: {line}"
    path, command, count = found
    required = [name for name, kind in command.positionals if kind in ("one", "some")]
    given = words[count:]
    if not given:
        return  # the command is spoken of, not typed
    # xargs gives the rest
    given = given if any(not word.startswith("-") for word in given) else [*given, *required]
    pflag.parse(path, command, given, lambda text: pytest.fail(f"{document}: {line}: {text}"))


def test_every_option_of_serve_is_in_the_table_and_no_other() -> None:
    rows = re.findall(r"^\| `(--[^|]+?) \|", README, re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"--?[\w-]+", row)}
    found = table.load().find(["serve"])
    assert found is not None
    flags = [pflag.Flag(*flag) for flag in found[1].flags]
    assert documented == {name for flag in flags for name in (*flag.long, flag.short) if name}


def test_the_defaults_are_the_engines() -> None:
    defaults = dict(re.findall(r"^\| `(--[\w-]+)`[^|]*\| `([^`]+)` \|", README, re.MULTILINE))
    engine = vars(serve._parser().parse_args([]))
    assert defaults.pop("--host") == DEFAULT_HOST
    assert len(defaults) >= 6
    for option, value in defaults.items():
        given = engine[option[2:].replace("-", "_")]
        assert (
            str(given).lower() if isinstance(given, bool) else f"{given}".removesuffix(".0")
        ) == value


@pytest.mark.parametrize(
    "target", sorted(set(re.findall(r"\bmake ([a-z][a-z0-9-]*)", README)) - {"bytes"})
)
def test_make_knows_the_target(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", document.read_text())
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_are_named_exist(document: Path) -> None:
    named = re.findall(
        r"`((?:runner|benchmarks|tests|bundles|protos)/[\w./-]+)`", document.read_text()
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_packages_are_all_introduced() -> None:
    packages = {path.parent.name for path in (ROOT / "runner").glob("*/__init__.py")}
    assert packages == set(re.findall(r"^    runner/(\w+) ", README, re.MULTILINE))
