"""Images made of containers: what is told, what is kept, what a container of one has."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.files.support import archive, collect, export, get, members, put
from tests.support.subject import assert_settles, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.subject import Subject


@pytest.fixture(autouse=True)
def _images_restored(request: pytest.FixtureRequest) -> Iterator[None]:
    """What is committed here is not for other tests to find."""
    name = "ours" if "ours" in request.fixturenames else "subject"
    with request.getfixturevalue(name).images_restored():
        yield


def commit(subject: Subject, query: str = "", body: Any = None, name: str = "box") -> str:
    """Commit; the image's ID."""
    answer = subject.api("POST", f"/commit?container={name}{query}", body)
    assert answer.status == 201, answer.message
    assert list(answer.json()) == ["Id"]
    return str(answer.json()["Id"])


def image(subject: Subject, reference: str) -> dict[str, Any]:
    return dict(subject.api("GET", f"/images/{reference}/json").json())


def history(subject: Subject, reference: str) -> list[dict[str, Any]]:
    """The history in the image's config."""
    manifest = json.loads(subject.ctr("content", "get", image(subject, reference)["Id"]))
    config = json.loads(subject.ctr("content", "get", manifest["config"]["digest"]))
    return list(config["history"])


def events(subject: Subject, since: int) -> list[str]:
    """Without what differs from image to image."""
    lines = subject.events(since)
    return [" ".join(w for w in line.split() if "sha256:" not in w) for line in lines]


def test_events(subject: Subject) -> None:
    subject.create("sleep", "1000")
    assert subject.start().status == 204
    began = time.time_ns()
    commit(subject, "&repo=events&tag=one&comment=hello")
    assert eventually(lambda: events(subject, began)[-1:] == ["container unpause name=box"])
    assert events(subject, began) == [
        "container pause name=box",
        "image create",
        "image tag name=events:one",
        "container commit comment=hello imageRef=events:one name=box",
        "container unpause name=box",
    ]
    assert subject.state()["Status"] == "running"


@pytest.mark.parametrize("query", ["&pause=0", ""])
def test_events_without_a_pause(subject: Subject, query: str) -> None:
    subject.create("true")
    began = time.time_ns()
    commit(subject, query)
    assert events(subject, began) == [
        "image create",
        "container commit comment= imageRef= name=box",
    ]


def test_a_refused_change_thaws_the_container(subject: Subject) -> None:
    subject.create("sleep", "1000")
    assert subject.start().status == 204
    answer = subject.api("POST", "/commit?container=box&changes=RUN%20x")
    assert (answer.status, answer.message) == (400, "RUN is not a valid change command")
    assert eventually(lambda: subject.state()["Status"] == "running")


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ("container=nosuch", 404, "No such container: nosuch"),
        (
            "container=box&repo=Upper",
            400,
            "invalid reference format: repository name (library/Upper) must be lowercase",
        ),
        ("container=box&repo=a&tag=:", 400, "invalid tag format"),
        ("", 400, 'invalid name or ID supplied: ""'),
    ],
)
def test_refusals(subject: Subject, query: str, status: int, message: str) -> None:
    subject.create("true")
    answer = subject.api("POST", f"/commit?{query}")
    assert (answer.status, answer.message) == (status, message)


def test_another_configuration(subject: Subject) -> None:
    """The body's, completed by the container's."""
    subject.create("sleep", "1", Env=["A=b", "C=d"], Labels={"x": "y"}, User="1000")
    body = {"Env": ["A=other"], "Labels": {"z": "1"}, "WorkingDir": "/tmp"}
    commit(subject, "&repo=configured&changes=CMD%20%5B%22new%22%5D", body)
    config = image(subject, "configured")["Config"]
    assert config["Env"][:2] == ["A=other", "C=d"]
    assert config["Labels"] == {"x": "y", "z": "1"}
    assert (config["Cmd"], config["User"]) == (["new"], "1000")
    assert config["WorkingDir"] == "/tmp"


def test_what_the_image_tells(subject: Subject) -> None:
    subject.create("sh", "-c", "echo x >/x")
    assert subject.start().status == 204
    subject.wait()
    parent = subject.inspect()["Image"]
    made = commit(subject, "&repo=told&author=A%20B&comment=why")
    told = image(subject, "told")
    assert (told["Id"], told["Parent"]) == (made, parent)
    assert (told["Author"], told["Comment"]) == ("A B", "why")
    assert len(told["RootFS"]["Layers"]) == 2
    assert told["Created"] > subject.inspect()["Created"]
    assert "ContainerConfig" not in told
    step = history(subject, "told")[-1]
    created = step.pop("created")
    assert created.endswith("Z")
    assert step == {"created_by": "sh -c echo x >/x", "author": "A B", "comment": "why"}


def test_a_container_without_changes_adds_no_layer(subject: Subject) -> None:
    subject.create("true")
    commit(subject, "&repo=nothing")
    assert image(subject, "nothing")["RootFS"] == image(subject, "busybox")["RootFS"]
    assert history(subject, "nothing")[-1]["empty_layer"] is True


def test_the_layer_is_what_was_written(subject: Subject) -> None:
    """Owners, modes, deletions; not the volumes."""
    subject.create(
        "sh",
        "-c",
        "mkdir -m 1777 /d; echo x >/d/x; chown 7:8 /d/x; chmod 4711 /d/x; rm /bin/vi; ln -s x /d/l;"
        " mkfifo /d/f; echo kept >/v/x",
        host={"Binds": ["written:/v"]},
    )
    assert subject.start().status == 204
    assert subject.wait()["StatusCode"] == 0
    commit(subject, "&repo=written")
    subject.create(
        "sh",
        "-c",
        "stat -c '%n %a %u %g %F' /d /d/*; ls /bin/vi; ls -A /v",
        name="again",
        Image="written",
    )
    assert subject.start("again").status == 204
    subject.wait("again")
    assert subject.logs("again").splitlines() == [
        "/d 1777 0 0 directory",
        "/d/f 644 0 0 fifo",
        "/d/l 777 0 0 symbolic link",
        "/d/x 4711 7 8 regular file",
        "ls: /bin/vi: No such file or directory",
    ]


def test_it_outlives_its_container_and_the_collector(ours: Subject) -> None:
    ours.create("true")
    assert put(ours, "/", archive(kept=b"1")).status == 200
    commit(ours, "&repo=outlives&tag=one")
    dangling = commit(ours, "&comment=without a name".replace(" ", "%20"))
    assert ours.api("DELETE", "/containers/box").status == 204
    assert_settles(ours.traces)
    collect(ours)
    for reference in ("outlives:one", dangling):
        ours.create("cat", "/kept", Image=reference)
        assert members(get(ours, "/kept").body) == {"kept": b"1"}
        assert ours.api("DELETE", "/containers/box").status == 204
        assert_settles(ours.traces)


def test_committed_while_it_writes(ours: Subject) -> None:
    """Frozen meanwhile, it goes on afterwards; the image is whole."""
    ours.create(
        "sh",
        "-c",
        "i=0; while :; do i=$((i+1)); echo $i >/n/$((i % 50)); done",
        host={"Binds": []},
        WorkingDir="/n",
    )
    assert ours.start().status == 204
    assert eventually(lambda: get(ours, "/n/49").status == 200)
    commit(ours, "&repo=busy")
    before = get(ours, "/n").body
    assert eventually(lambda: get(ours, "/n").body != before)
    ours.create("true", name="again", Image="busy")
    assert len(members(get(ours, "/n", name="again").body)) == 51


def test_a_scratch_image(ours: Subject) -> None:
    """One without layers, whose containers have nothing but what is mounted upon."""
    empty = ours.api("POST", "/images/create?fromSrc=-&repo=empty", archive())
    assert empty.status == 200
    ours.create("/x", Image="empty")
    assert put(ours, "/", archive(x=b"1")).status == 200
    assert sorted(members(export(ours).body)) == [
        ".dockerenv",
        "dev",
        "dev/console",
        "dev/pts",
        "dev/shm",
        "etc",
        "etc/hostname",
        "etc/hosts",
        "etc/resolv.conf",
        "proc",
        "sys",
        "x",
    ]
    commit(ours, "&repo=less-empty")
    assert len(image(ours, "less-empty")["RootFS"]["Layers"]) == 2
