"""Help in docker's shape."""

from __future__ import annotations

import pytest
from typer.models import OptionInfo

from runner.cli import helptext, main, tablegen
from runner.cli.declarations.registry import GROUPS
from runner.cli.declarations.shared import GlobalOptions


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_a_command() -> None:
    assert helptext.page("history") == (
        "Usage:  runner history [OPTIONS] IMAGE\n"
        "\n"
        "Show how an image was made\n"
        "\n"
        "Aliases:\n"
        "  runner image history, runner history\n"
        "\n"
        "Options:\n"
        '      --format string           "json", "table TEMPLATE" or a template of fields\n'
        "  -H, --human                   Sizes and dates in words (default true)\n"
        "      --no-trunc                Show everything in full\n"
        "      --platform string         Platform to choose, as os[/arch[/variant]]\n"
        "  -q, --quiet                   Print IDs only\n"
        '      --trace string[="tree"]   Show the road that it took afterwards: tree,\n'
        "                                json or html (tree)\n"
        "      --trace-file string       Write that to a file (standard error)"
    )


def test_neither_aliases_nor_options() -> None:
    assert helptext.page("man") == "Usage:  runner man DIR\n\nWrite the manual pages"


def test_a_group() -> None:
    assert helptext.page("volume") == (
        "Usage:  runner volume COMMAND\n"
        "\n"
        "Manage volumes\n"
        "\n"
        "Commands:\n"
        "  create      Create a volume\n"
        "  inspect     Show all about volumes\n"
        "  ls          List volumes\n"
        "  prune       Remove volumes that nobody uses\n"
        "  rm          Remove volumes\n"
        "\n"
        "Run 'runner volume COMMAND --help' for more information on a command."
    )


def test_the_program() -> None:
    headings = [line for line in helptext.page("").splitlines() if line.endswith(":")]
    assert headings == ["Common Commands:", "Management Commands:", "Commands:", "Global Options:"]
    assert all(f"\n  {group.name} " in helptext.page("") for group in GROUPS)


@pytest.mark.parametrize(
    ("path", "aliases"),
    [
        (
            "container ls",
            "runner container ls, runner container list, runner container ps, runner ps",
        ),
        ("ps", "runner container ls, runner container list, runner container ps, runner ps"),
        ("volume ls", "runner volume ls, runner volume list"),
    ],
)
def test_aliases_are_told_whichever_was_asked_about(path: str, aliases: str) -> None:
    assert f"\n\nAliases:\n  {aliases}\n\n" in helptext.page(path)


def test_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert (
        '      --format string           "json", "table TEMPLATE"\n'
        "                                or a template of fields\n"
    ) in helptext.page("history")


def test_global_options_are_those_that_are_read() -> None:
    told = [
        tablegen.flag_record(name, annotation, info, default)[:6]
        for name, annotation, info, default in tablegen.declared(GlobalOptions)
        if isinstance(info, OptionInfo)
    ]
    assert told == list(main._GLOBAL.flags)
