"""What lists and objects look like."""

from __future__ import annotations

from typing import Any

import pytest

from runner.cli.container import ps
from runner.cli.errors import CliError
from runner.cli.format import columns, ports
from runner.cli.format.template import Template
from runner.cli.image import images


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("x", "x"),
        ("{{.A}}", "1"),
        ("{{ .B.C }}-{{json .B}}", 'true-{"C":true,"D":[null,"<é>"]}'),
        ("{{.B}}", "map[C:true D:[<no value> <é>]]"),
        ("{{json .}}", '{"A":1,"B":{"C":true,"D":[null,"<é>"]}}'),
    ],
)
def test_templates(source: str, text: str) -> None:
    assert Template(source).render({"A": 1, "B": {"C": True, "D": [None, "<é>"]}}) == text


@pytest.mark.parametrize(
    "source", ["{{", "{{.A", "{{range .A}}{{end}}", "{{.A | json}}", "{{A}}", "{{.A.}}", "{{}}"]
)
def test_templates_beyond_the_subset_are_errors(source: str) -> None:
    with pytest.raises(CliError) as caught:
        Template(source)
    assert caught.value.code == 64


def test_a_missing_field_is_an_error() -> None:
    with pytest.raises(CliError, match='map has no entry for key "X"'):
        Template("{{.A.X}}").render({"A": {}})


def test_columns_as_tabwriter_makes_them() -> None:
    lines = ["A\tLONG HEADER\tC", "1234567890123\tx\ty", "", "a\tb"]
    assert columns.align(lines, minimum=10, padding=3) == (
        "A               LONG HEADER   C\n1234567890123   x             y\n\na         b\n"
    )


@pytest.mark.parametrize(
    ("published", "text"),
    [
        ([], ""),
        ([(80, "", 0, "tcp")], "80/tcp"),
        ([(80, "", 0, "tcp"), (81, "", 0, "tcp"), (83, "", 0, "tcp")], "80-81/tcp, 83/tcp"),
        ([(80, "0.0.0.0", 8080, "tcp"), (80, "::", 8080, "tcp")],
         "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"),
        ([(80, "0.0.0.0", 80, "udp"), (81, "0.0.0.0", 81, "udp")], "0.0.0.0:80-81->80-81/udp"),
    ],
)  # fmt: skip
def test_ports(published: list[tuple[int, str, int, str]], text: str) -> None:
    given: list[dict[str, Any]] = []
    for private, address, public, protocol in published:
        port: dict[str, Any] = {"PrivatePort": private, "Type": protocol}
        given.append(port | ({"IP": address, "PublicPort": public} if address else {}))
    assert ports.display(given) == text


CONTAINER: dict[str, Any] = {
    "Id": "f" * 64,
    "Names": ["/linked/alias", "/own"],
    "Image": "docker.io/library/busybox:latest@sha256:" + "ab" * 32,
    "ImageID": "sha256:" + "cd" * 32,
    "Command": "sh -c 'a very long command indeed'",
    "Created": 0,
    "Ports": None,
    "Labels": {"b": "2", "a": "1"},
    "State": "running",
    "Status": "Up",
    "Mounts": [{"Type": "volume", "Name": "v" * 20, "Source": "/s", "Driver": "local"}],
    "NetworkSettings": {"Networks": {"bridge": {}}},
    "SizeRw": 5,
    "SizeRootFs": 3084000,
}


def test_a_row_of_ps() -> None:
    row = ps._row(CONTAINER, truncate=True)
    assert row["ID"] == "f" * 12
    assert row["Names"] == "own"
    assert row["Image"] == "busybox:latest"
    assert row["Command"] == '"sh -c \'a very long …"'
    assert row["Labels"] == "a=1,b=2"
    assert row["Mounts"] == "v" * 14 + "…"
    assert row["LocalVolumes"] == "1"
    assert row["Size"] == "5B (virtual 3.08MB)"
    whole = ps._row(CONTAINER, truncate=False)
    assert whole["Names"] == "linked/alias,own"
    assert whole["Image"] == CONTAINER["Image"]


def test_an_image_that_only_has_an_id_shows_it_short() -> None:
    container = CONTAINER | {"Image": "sha256:" + "cd" * 32}
    assert ps._row(container, truncate=True)["Image"] == "cd" * 6


@pytest.mark.parametrize(
    ("tags", "by_digest", "digests", "rows"),
    [
        (["a:1", "b:2"], ["a@D"], False, [("a", "1", "<none>"), ("b", "2", "<none>")]),
        (["a:1", "b:2"], ["a@D"], True, [("a", "1", "D"), ("b", "2", "<none>")]),
        ([], ["a@D"], False, [("a", "<none>", "D")]),
        ([], [], False, [("<none>", "<none>", "<none>")]),
        (["<none>:<none>"], ["<none>@<none>"], False, [("<none>", "<none>", "<none>")]),
    ],
)
def test_rows_of_images(
    tags: list[str], by_digest: list[str], digests: bool, rows: list[tuple[str, str, str]]
) -> None:
    digest = "sha256:" + "ab" * 32
    image = {"RepoTags": tags, "RepoDigests": [text.replace("D", digest) for text in by_digest]}
    found = list(images._names(image, digests=digests))
    assert [(name, tag, known.replace(digest, "D")) for name, tag, known in found] == rows
