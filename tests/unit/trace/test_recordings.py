"""Recorded traces: whose steps they take, how they hang together, and what bounds them."""

from __future__ import annotations

import asyncio
import time

import pytest

from runner import trace
from runner.trace import recordings
from runner.trace.recordings import Recordings

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADER = f"00-{TRACE}-{PARENT}-01"


def test_steps_hang_together() -> None:
    kept = Recordings()
    with trace.continued(kept.place(HEADER)):
        with trace.step("outer", container="c") as outer, trace.step("inner"):
            assert outer is not None
            outer.note(answer=7)
        with trace.step("next"):
            pass
    found = kept.open(TRACE).documents()
    first, inner, following = found
    assert [made["name"] for made in found] == ["outer", "inner", "next"]
    assert first["parent_id"] == following["parent_id"] == PARENT
    assert inner["parent_id"] == first["span_id"]
    assert {made["trace_id"] for made in found} == {TRACE}
    assert first["attributes"] == {"container": "c", "answer": 7}
    assert first["code"]["function"].endswith("test_steps_hang_together")
    assert first["duration"] >= inner["duration"] >= 0


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        f"00-{TRACE}-{PARENT}-00",  # not sampled
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-0x",
    ],
)
def test_nothing_is_recorded_unless_it_is_asked_for(header: str) -> None:
    kept = Recordings()
    assert kept.place(header) is None
    with trace.continued(kept.place(header)), trace.step("s") as step:
        assert step is None
    assert kept.get(TRACE) is None


def test_a_request_of_its_own_trace_where_all_are_exported() -> None:
    exported: list[recordings.Document] = []
    kept = Recordings(exported.append)
    with trace.continued(kept.place("")), trace.step("outer"), trace.step("inner"):
        pass
    inner, outer = exported
    assert (inner["name"], outer["name"], outer["parent_id"]) == ("inner", "outer", "")
    assert inner["trace_id"] == outer["trace_id"] != TRACE


async def test_what_follows_in_a_task_of_its_own_belongs_to_the_trace() -> None:
    kept = Recordings()

    async def later() -> None:
        with trace.step("later"):
            await asyncio.sleep(0)

    with trace.continued(kept.place(HEADER)), trace.step("request"):
        task = asyncio.create_task(later())
    with trace.step("elsewhere") as step:
        assert step is None
    await task
    request, followed = kept.open(TRACE).documents()
    assert (followed["name"], followed["parent_id"]) == ("later", request["span_id"])


def test_an_error_is_told() -> None:
    kept = Recordings()
    with (
        pytest.raises(ValueError, match="boom"),
        trace.continued(kept.place(HEADER)),
        trace.step("s"),
    ):
        raise ValueError("boom")
    assert kept.open(TRACE).documents()[0]["error"] == "boom"


def test_a_follower_hears_of_beginnings_and_ends() -> None:
    kept = Recordings()
    recorded, heard = kept.open(TRACE), list[recordings.Document]()
    with trace.continued(kept.place(HEADER)):
        with trace.step("before"):
            pass
        assert [made["name"] for made in recorded.follow(heard.append)] == ["before"]
        with trace.step("now"):
            assert recorded.busy == 1
        recorded.unfollow(heard.append)
        with trace.step("unheard"):
            pass
    assert [(made["name"], made["duration"] is None) for made in heard] == [
        ("now", True),
        ("now", False),
    ]
    assert recorded.busy == 0


def test_waiting_is_not_being_busy() -> None:
    kept = Recordings()
    with trace.continued(kept.place(HEADER)), trace.step("wait", waits=True):
        assert kept.open(TRACE).busy == 0


def test_what_somebody_else_did_is_recorded_with_its_own_times() -> None:
    kept, now = Recordings(), time.time_ns()
    with trace.continued(kept.place(HEADER)), trace.step("outer"):
        trace.happened("shim", began_ns=now - 5_000_000, ended_ns=now - 2_000_000, pid=7)
    shim, outer = kept.open(TRACE).documents()
    assert (shim["name"], shim["parent_id"]) == ("shim", outer["span_id"])
    assert shim["duration"] == pytest.approx(0.003)


def test_a_trace_has_so_many_steps_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "MOST_STEPS", 3)
    kept = Recordings()
    with trace.continued(kept.place(HEADER)):
        for number in range(5):
            with trace.step(f"s{number}"):
                pass
    recorded = kept.open(TRACE)
    assert len(recorded.documents()) == 3
    assert recorded.dropped == 2
    assert recorded.busy == 0


def test_the_oldest_trace_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "MOST_TRACES", 2)
    kept = Recordings()
    with trace.continued(kept.place(HEADER)):
        kept.open("b" * 32)
        kept.open("c" * 32)
        with trace.step("late"):  # records nothing, and does not fail
            pass
    assert kept.get(TRACE) is None


def test_the_subject_of_the_work_is_told() -> None:
    kept = Recordings()
    with trace.continued(kept.place(HEADER)), trace.about("c1"), trace.step("s"):
        pass
    assert kept.open(TRACE).documents()[0]["attributes"] == {"container": "c1"}
