"""The parse table says what the typer declarations say: both roads read the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.models import OptionInfo

from runner.cli import app, declarations, pflag, table, tablegen
from runner.cli.declarations.registry import COMMANDS
from runner.cli.fingerprint import _SOURCES, fingerprint
from tests.unit.cli.support import TABLE, parse_with_typer

PATHS = [command.path for command in COMMANDS]
WORDS = st.text("abx019.:/=,-", max_size=6)
TEXTS = st.one_of(
    WORDS,
    st.sampled_from(
        ["1", "0x10", "-5", "5m", "1.5g", "true", "1m30s", "stdin", "a=b", "/dev/x:10",
         "nofile=1:2", "type=tmpfs,target=/t", "name=n,alias=a", "all", "1.1.1.1", "c 1:* rwm"]
    ),
)  # fmt: skip


def implied(record: tuple[Any, ...]) -> str:
    """The value of a flag that may be given without one, which is pflag's alone (NoOptDefVal)."""
    return pflag.Flag(*record).implied


def test_a_flag_without_its_value() -> None:
    for argv, value in (
        (["--trace", "x"], "tree"),
        (["--trace=json", "x"], "json"),
        (["x", "--trace"], "tree"),
        (["x"], None),
    ):
        parsed = parse_with_table("start", argv)
        assert parsed is not None
        assert (parsed["trace"], parsed["containers"]) == (value, ["x"])


def spellings(record: tuple[Any, ...], text: str) -> st.SearchStrategy[list[str]]:
    """The ways to give a flag that pflag and typer share."""
    _, long, short, kind, *_ = record
    if kind == "bool":
        return st.sampled_from([[name] for name in (*long, short) if name])
    if implied(record):
        return st.sampled_from([[f"{name}={text}"] for name in long])
    forms = [[name, text] for name in (*long, short) if name]
    forms += [[f"{name}={text}"] for name in long]
    if short and text and not text.startswith("="):
        forms.append([short + text])
    return st.sampled_from(forms)


@st.composite
def command_lines(draw: st.DrawFn, path: str) -> list[str]:
    found = TABLE.find(path.split())
    assert found is not None
    command = found[1]
    argv: list[str] = []
    unused = list(command.flags)
    for _ in range(draw(st.integers(0, 4))):
        if unused and draw(st.integers(0, 9)):
            record = draw(st.sampled_from(unused))
            if record[3] != "list":
                # Given twice, pflag judges both values, typer only the last.
                unused.remove(record)
            argv += draw(spellings(record, draw(TEXTS)))
        else:
            argv.append(draw(st.sampled_from(["--bogus", "--bogus=1", "-Z"])))
    if draw(st.booleans()):
        argv.append("--")
    words = st.text("abc", min_size=1, max_size=3)
    return argv + draw(st.lists(words, max_size=3))


def parse_with_table(path: str, argv: list[str]) -> dict[str, Any] | None:
    found = TABLE.find(path.split())
    assert found is not None
    try:
        return vars(pflag.parse(path, found[1], argv, lambda _text: None))
    except pflag.UsageError:
        return None


def same(values: dict[str, Any] | None) -> dict[str, Any] | None:
    """typer has None or () where the table has an empty list."""
    if values is None:
        return None
    return {name: value or None if value != 0 else value for name, value in values.items()}


@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_both_roads_read_the_same(path: str, data: st.DataObject) -> None:
    argv = data.draw(command_lines(path))
    assert same(parse_with_table(path, argv)) == same(parse_with_typer(path, argv)), argv


@pytest.mark.parametrize("path", PATHS)
def test_every_flag_is_read_the_same(path: str) -> None:
    """Not left to chance: each flag once, in each of its names."""
    found = TABLE.find(path.split())
    assert found is not None
    words = ["w"] * max(1, len(found[1].positionals)) if found[1].positionals else []
    for record in found[1].flags:
        for name in filter(None, (*record[1], record[2])):
            argv = [name] if record[3] == "bool" else [name, _sample(record[4])]
            if implied(record):
                argv = ["=".join(argv)]
            ours = parse_with_table(path, [*argv, *words])
            assert ours is not None, (path, argv)
            assert same(ours) == same(parse_with_typer(path, [*argv, *words])), argv


def _sample(parser: str) -> str:
    """A text that the parser takes."""
    samples = {
        "attach_stream": "stdin",
        "device_cgroup_rule": "c 1:* rwm",
        "environment_variable": "A=b",
        "sysctl": "net.a=1",
        "ulimit": "nofile=1",
        "extra_host": "a:1.1.1.1",
        "ip_address": "1.1.1.1",
        "dns_search": "a.b",
        "mount": "target=/x",
        "gpu_request": "all",
        "duration": "1s",
        "weight_device": "/dev/a:10",
        "throttle_bps": "/dev/a:1k",
        "throttle_iops": "/dev/a:1",
        "filter_pair": "a=b",
    }
    return samples.get(parser.rpartition(":")[2], "7")


def test_the_built_table_is_the_declarations() -> None:
    built = pytest.importorskip("runner.cli._table", reason="not built")
    if fingerprint() == built.FINGERPRINT:
        assert {name: getattr(built, name) for name in tablegen.build()} == tablegen.build()


def test_the_fingerprint_is_of_all_declarations() -> None:
    files = {path.name for path in Path(declarations.__file__).parent.glob("*.py")}
    assert set(_SOURCES) == files - {"__init__.py", "command.py", "registry.py"}


def test_a_stale_table_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    import types

    stale = types.ModuleType("runner.cli._table")
    vars(stale).update(COMMANDS={}, ALIASES={}, GROUPS={}, FINGERPRINT="of another day")
    monkeypatch.setitem(sys.modules, "runner.cli._table", stale)
    assert table.load().find(["run"]) is not None


def test_without_a_table_the_declarations_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "runner.cli._table", None)
    assert table.load().find(["container", "ls"]) is not None


def test_every_target_exists_and_every_option_is_documented() -> None:
    for command in COMMANDS:
        assert callable(pflag.load(command.target)), command.path
        assert command.help
        for name, _, info, _ in tablegen.parameters(command):
            assert getattr(info, "help", None) or "Argument" in type(info).__name__, name


@pytest.mark.parametrize(
    "path", [path for command in COMMANDS for path in (command.path, *command.aliases)]
)
def test_every_command_has_help(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run([*path.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"Usage:  runner {path}")
    words = set(re.findall(r"--[\w-]+", shown))
    command = next(c for c in COMMANDS if path in (c.path, *c.aliases))
    for _, _, info, _ in tablegen.parameters(command):
        if isinstance(info, OptionInfo):
            assert (info.default in words) != info.hidden, info.default
