"""What lists and objects look like."""

from __future__ import annotations

from typing import Any

import pytest

from runner.cli.container import ps
from runner.cli.errors import CliError
from runner.cli.format import columns, ports
from runner.cli.format.kind import Kind
from runner.cli.format.listing import Listing, ellipsis, used_columns
from runner.cli.image import images


def test_columns_as_tabwriter_makes_them() -> None:
    lines = ["A\tLONG HEADER\tC", "1234567890123\tx\ty", "", "a\tb"]
    assert columns.align(lines, minimum=10, padding=3) == (
        "A               LONG HEADER   C\n1234567890123   x             y\n\na         b\n"
    )


def test_wide_characters_take_two_columns() -> None:
    assert columns.align(["漢\tx", "abc\ty"], minimum=0, padding=1) == "漢  x\nabc y\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("abcd", "abcd"), ("abcde", "abc…"), ("漢漢", "漢漢"), ("漢漢a", "漢…")],
)
def test_ellipsis(text: str, shown: str) -> None:
    assert ellipsis(text, 4) == shown


THINGS = Kind("formatter.thing", {"ID": "THE ID", "Name": "NAME"}, labelled=True)
ROW = {"ID": "1", "Name": "<a>", "Label": {"x.y-z": "v"}}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("", "NAME      THE ID\n<a>       1\n"),
        ("table", "NAME      THE ID\n<a>       1\n"),
        ("json", '{"ID":"1","Name":"\\u003ca\\u003e"}\n'),
        ('{{.ID}} {{.Label "x.y-z"}}{{.Label "none"}}', "1 v\n"),
        ('table {{.ID}}\\t{{.Label "x.y-z"}}', "THE ID    y z\n1         v\n"),
        ("table {{upper .Name}}\\n{{len .Name}}", "NAME\n4\n<A>\n3\n"),
        ('table {{if eq .ID "1"}}{{json .Name}}{{end}}', '\n"<a>"\n'),
    ],
)
def test_listings(source: str, text: str) -> None:
    assert Listing(THINGS, source, ("Name", "ID")).render([ROW]) == text


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{.ID", "template parsing error: template: :1: unclosed action"),
        ("{{.X}}", 'template parsing error: template: :1:2: executing "" at <.X>: '
                   "can't evaluate field X in type *formatter.thing"),
        ("{{.ID 1}}", 'template parsing error: template: :1:2: executing "" at <.ID>: '
                      "wrong number of args for ID: want 0 got 1"),
    ],
)  # fmt: skip
def test_listings_that_do_not_fit(source: str, message: str) -> None:
    with pytest.raises(CliError) as caught:
        Listing(THINGS, source, ("Name",)).render([ROW])
    assert (caught.value.message, caught.value.code) == (message, 1)


def test_the_columns_that_a_template_uses() -> None:
    assert used_columns(THINGS, "table {{if .Name}}{{.ID}}{{end}}", ROW) == {"Name", "ID"}
    assert used_columns(THINGS, "{{if false}}{{.ID}}{{end}}", ROW) == set()
    with pytest.raises(CliError, match=r"^failed to parse template: template: :1: unclosed action"):
        used_columns(THINGS, "{{.ID", ROW)
    with pytest.raises(CliError, match=r"^failed to execute template: template: :1:2: "):
        used_columns(THINGS, "{{.X}}", ROW)


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
    row = ps.row(CONTAINER, truncate=True)
    assert row["ID"] == "f" * 12
    assert row["Names"] == "own"
    assert row["Image"] == "busybox:latest"
    assert row["Command"] == '"sh -c \'a very long …"'
    assert row["Labels"] == "a=1,b=2"
    assert row["Mounts"] == "v" * 14 + "…"
    assert row["LocalVolumes"] == "1"
    assert row["Size"] == "5B (virtual 3.08MB)"
    whole = ps.row(CONTAINER, truncate=False)
    assert whole["Names"] == "linked/alias,own"
    assert whole["Image"] == CONTAINER["Image"]


def test_an_image_that_only_has_an_id_shows_it_short() -> None:
    container = CONTAINER | {"Image": "sha256:" + "cd" * 32}
    assert ps.row(container, truncate=True)["Image"] == "cd" * 6


@pytest.mark.parametrize(
    ("tags", "by_digest", "digests", "rows"),
    [
        (["a:1", "b:2"], ["a@D"], False, [("a", "1", "<none>"), ("b", "2", "<none>")]),
        (["a:1", "b:2"], ["a@D"], True, [("a", "1", "D"), ("b", "2", "<none>")]),
        ([], ["a@D"], False, [("a", "<none>", "D")]),
        ([], [], False, [("<none>", "<none>", "<none>")]),
        (["a:1"], ["D"], True, [("a", "1", "<none>")]),
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
