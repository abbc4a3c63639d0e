"""POST wait: its three conditions, and that its header comes before anything else happens."""

from __future__ import annotations

import contextlib
import json
import select
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.http import UnixConnection
    from tests.support.subject import Subject


class Wait:
    """A wait whose header has come."""

    def __init__(self, connection: UnixConnection, target: str) -> None:
        self._connection = connection
        connection.request("POST", target)
        self._response = connection.getresponse()
        assert self._response.status == 200

    def answer(self) -> dict[str, Any]:
        """The end of the wait."""
        return dict(json.loads(self._response.read()))

    def goes_on(self, seconds: float = 0.3) -> bool:
        """Whether nothing comes for that long."""
        return select.select([self._connection.sock], [], [], seconds)[0] == []


@contextlib.contextmanager
def waiting(subject: Subject, condition: str) -> Iterator[Wait]:
    """Wait for `box`; the header is there when this is entered."""
    connection = subject.connection(timeout=20)
    try:
        yield Wait(connection, f"/v1.51/containers/box/wait?condition={condition}")
    finally:
        connection.close()


def test_a_container_that_does_not_run_is_not_waited_for(subject: Subject) -> None:
    subject.create("sh", "-c", "exit 4")
    assert subject.wait() == {"StatusCode": 0}
    assert subject.start().status == 204
    assert subject.wait() == {"StatusCode": 4}
    assert subject.wait() == {"StatusCode": 4}


@pytest.mark.parametrize("condition", ["", "not-running", "next-exit"])
def test_the_exit_of_a_running_container(subject: Subject, condition: str) -> None:
    subject.create("sh", "-c", "read line; exit $line", OpenStdin=True)
    assert subject.start().status == 204
    with waiting(subject, condition) as wait:
        subject.docker("attach", "--sig-proxy=false", "box", input="6\n")
        assert wait.answer() == {"StatusCode": 6}


def test_the_next_exit_is_that_of_the_start_to_come(subject: Subject) -> None:
    subject.create("sh", "-c", "exit 4")
    for _ in range(2):
        with waiting(subject, "next-exit") as wait:
            assert subject.start().status == 204
            assert wait.answer() == {"StatusCode": 4}


def test_a_failed_start_is_no_exit(subject: Subject) -> None:
    subject.create("nonexist")
    with waiting(subject, "next-exit") as wait:
        assert subject.start().status == 400
        assert wait.goes_on()
    assert subject.wait() == {"StatusCode": 127, "Error": {"Message": subject.state()["Error"]}}


@pytest.mark.parametrize("condition", ["removed", "next-exit"])
def test_a_container_that_is_removed_without_having_run(subject: Subject, condition: str) -> None:
    subject.create("true")
    with waiting(subject, condition) as wait:
        assert subject.api("DELETE", "/containers/box").status == 204
        assert wait.answer() == {"StatusCode": 0}


@pytest.mark.parametrize(("command", "code"), [("false", 1), ("nonexist", 127)])
@pytest.mark.parametrize("condition", ["removed", "next-exit"])
def test_an_auto_removed_container_tells_only_its_code(
    subject: Subject, command: str, code: int, condition: str
) -> None:
    subject.create(command, host={"AutoRemove": True})
    with waiting(subject, condition) as wait:
        subject.start()
        assert wait.answer() == {"StatusCode": code}


def test_an_exit_is_no_removal(subject: Subject) -> None:
    subject.create("sh", "-c", "exit 4")
    with waiting(subject, "removed") as wait:
        assert subject.start().status == 204
        assert subject.wait() == {"StatusCode": 4}
        assert wait.goes_on()
        assert subject.api("DELETE", "/containers/box").status == 204
        assert wait.answer() == {"StatusCode": 4}


def test_many_wait_for_one(subject: Subject) -> None:
    subject.create("sh", "-c", "exit 4")
    with contextlib.ExitStack() as stack:
        waits = [stack.enter_context(waiting(subject, "next-exit")) for _ in range(20)]
        assert subject.start().status == 204
        assert [wait.answer() for wait in waits] == [{"StatusCode": 4}] * 20


def test_what_cannot_be_waited_for(subject: Subject) -> None:
    subject.create("true")
    answer = subject.api("POST", "/containers/box/wait?condition=forever")
    assert (answer.status, answer.message) == (400, 'invalid condition: "forever"')
    answer = subject.api("POST", "/containers/nope/wait")
    assert (answer.status, answer.message) == (404, "No such container: nope")
