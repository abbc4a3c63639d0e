"""The table of the road: our functions exist, and every step of ours stands in it."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import re
from pathlib import Path

import pytest

import runner
from runner.demo.scenarios import SCENARIOS
from runner.trace.road import LANES, ROAD, ROLES, SECTIONS, stop_of

DOCS = Path(__file__).parents[3] / "docs"

STEP = re.compile(r'\b(?:step|happened)\(\s*"([^"{]+)"')
ELSEWHERE = "image."
"""Begins the names of work on images, of which only a pull's is part of the road."""


@pytest.mark.parametrize("name", ROAD)
def test_our_function_exists(name: str) -> None:
    module, _, function = ROAD[name].ours.partition(":")
    found = functools.reduce(getattr, function.split("."), importlib.import_module(module))
    assert callable(found)


@pytest.mark.parametrize("name", ROAD)
def test_what_a_stop_says(name: str) -> None:
    stop = ROAD[name]
    assert stop.lane in LANES
    assert stop.says.endswith(".")
    if stop.moby:
        file, _, function = stop.moby.partition("#")
        assert file.endswith(".go")
        assert function.isidentifier()


def test_every_step_is_in_the_table() -> None:
    made = set()
    for path in Path(runner.__file__).parent.rglob("*.py"):
        if not {"_pb", "trace"} & set(path.parts):
            made |= set(STEP.findall(path.read_text()))
    assert made >= {"daemon.containerStart", "execve"}
    assert [name for name in made - ROAD.keys() if not name.startswith(ELSEWHERE)] == []


def test_sides_of_a_request() -> None:
    name = "POST /containers/create"
    assert stop_of({"name": name, "attributes": {"kind": "server"}}).lane == "api"
    assert stop_of({"name": name, "attributes": {"kind": "client"}}).lane == "cli"
    call = "containerd.services.tasks.v1.Tasks/Create"
    assert stop_of({"name": call, "attributes": {"kind": "client"}}).lane == "containerd"


def test_the_map_is_that_of_the_table() -> None:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert generate.MAP.read_text() == generate.moby_map()


def test_every_scenario_has_its_picture_and_its_place_in_the_text() -> None:
    text = (DOCS / "boundary.md").read_text()
    for name in SCENARIOS:
        assert f"(diagrams/{name}.svg)" in text
        assert (DOCS / f"diagrams/{name}.svg").read_text().startswith("<svg ")


def test_tree_page_and_pictures_say_the_same_of_a_role() -> None:
    page = (Path(runner.__file__).parent / "trace/page/model.js").read_text()
    assert [words for words in ROLES.values() if f'"{words}"' not in page] == []
    drawn = "".join((DOCS / f"diagrams/{name}.svg").read_text() for name in SCENARIOS)
    assert set(re.findall(r"[↩↻] [\w ]+", drawn)) == set(ROLES.values())


def test_a_section_begins_with_a_step() -> None:
    assert SECTIONS.keys() <= ROAD.keys()
    assert next(iter(ROAD)) in SECTIONS


def test_the_exercises_are_ten_with_commands_that_there_are() -> None:
    text = (DOCS / "exercises.md").read_text()
    questions = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert [int(question.partition(".")[0]) for question in questions] == [*range(1, 11)]
    for question in questions:
        commands = re.findall(r"^\$ sudo runner demo (.*)$", question, re.MULTILINE)
        assert commands
        words = {word for command in commands for word in command.split()}
        assert words - SCENARIOS.keys() <= {"--step"}
