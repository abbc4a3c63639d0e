"""What requests that nobody means are answered with: the same status and words as dockerd's.

Found by asking both the same at random (`python -m tests.faults.fuzzing.beside`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.subject import Subject

pytestmark = [pytest.mark.root, pytest.mark.oracle]

REQUESTS = [
    ("POST", "/containers/runs/stop?signal=FOO"),
    ("POST", "/containers/runs/stop?signal=FOO&t=x"),
    ("POST", "/containers/runs/restart?signal=FOO"),
    ("POST", "/containers/runs/kill?signal=FOO"),
    ("POST", "/containers/stands/stop?signal=FOO"),
    ("POST", "/containers/stands/kill?signal=FOO"),
    ("POST", "/containers/none/restart?signal=FOO"),
    ("POST", "/containers/stands/restart?signal=FOO"),
    ("POST", "/containers/none/wait?condition=x"),
    ("POST", "/images/create"),
    ("POST", "/images/create?fromSrc=http:///x"),
    ("POST", "/images/create?fromSrc=file:///x"),
    ("POST", "/images/create?fromSrc=x:y"),
    ("POST", "/images/create?fromSrc=http://[::1"),
    ("POST", "/images/create?fromSrc=a%20b"),
]


def answers(subject: Subject) -> list[str]:
    subject.create("sleep", "60", name="runs")
    subject.start("runs")
    subject.create("true", name="stands")
    told = []
    for method, target in REQUESTS:
        answer = subject.api(method, target)
        message = answer.message if answer.status >= 400 else ""
        told.append(f"{method} {target}: {answer.status} {message}")
    return told


def test_the_same_is_refused_in_the_same_words(ours: Subject, dockerd: Subject) -> None:
    assert answers(ours) == answers(dockerd)


BODIES = [b"[]", b"\0", b"{", b"1", b'"x"', b'{"a":1}{', b""]


def test_what_is_no_authconfig_has_no_class(ours: Subject, dockerd: Subject) -> None:
    def statuses(subject: Subject) -> list[int]:
        return [subject.api("POST", "/auth", body).status for body in BODIES]

    assert statuses(ours) == statuses(dockerd) == [500] * len(BODIES)
