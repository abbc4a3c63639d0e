"""Clients that create, start, use, stop and remove containers while the engine dies around them.

Each of them remembers what the engine has acknowledged, and holds it to that: an engine that was
killed may have done what it could not answer any more, but never forgets what it has answered.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import random
import struct
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from tests.support.http import request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.support.http import Answer

COUNTING: Final = """
trap 'echo end; exit 0' TERM
i=0
while :; do echo $i; i=$((i+1)); sleep 0.05; done
"""
_HELLO: Final = "[ ! -d /image ] || [ -x /image/bin/busybox ] && echo hello"
"""Unless the image that is mounted is empty."""
_AWAY: Final = 300.0
"""Seconds in which a killed engine must be back and have got something done."""
_HEADER: Final = struct.Struct(">BxxxL")
_CONTAINERDS_ABSENCE: Final = (
    "cannot reach containerd",
    "ttrpc",
    "shim",
    "transport",
    "context canceled",
)
_STATUSES: Final = ("created", "running", "paused", "restarting", "removing", "exited", "dead")


class BrokenPromiseError(AssertionError):
    """The engine has forgotten what it acknowledged, or is in a state that cannot be."""


class GoneError(Exception):
    """No answer: the engine was killed, or is being started."""


@dataclasses.dataclass
class Tally:
    """What all clients have seen."""

    counts: Counter[str] = dataclasses.field(default_factory=Counter)
    failures: list[str] = dataclasses.field(default_factory=list)


class Client(threading.Thread):
    """One client: a container after the other, until it is told to stop."""

    def __init__(self, socket: Path, number: int, seed: int, tally: Tally) -> None:
        super().__init__(name=f"client {number}", daemon=True)
        self._socket = socket
        self._number = number
        self._dice = random.Random(f"{seed} {number}")
        self._tally = tally
        self._stopping = threading.Event()
        self._starts = 0

    def finish(self) -> None:
        """Come to an end with the present container."""
        self._stopping.set()

    def run(self) -> None:
        """Live one life of a container after the other."""
        life = 0
        while not self._stopping.is_set():
            life += 1
            name = f"c{self._number}-{life}"
            try:
                self._live(name)
            except Exception as error:
                self._tally.failures.append(f"{name}: {type(error).__name__}: {error}")
                return

    # --- a life ---------------------------------------------------------------------------------

    def _live(self, name: str) -> None:
        self._starts = 0
        settings = self._settings()
        self._create(name, settings)
        self._start(name)
        self._sleep(0.6)
        for _ in range(self._dice.randrange(3)):
            self._exec(name)
        policy = settings["HostConfig"]["RestartPolicy"]["Name"]
        comes_back = policy == "always"  # with every new engine, stopped or not
        if self._dice.random() < 0.3:
            self._remove(name, force=True)
            return
        exit_code = self._end(name, comes_back=comes_back)
        lines = self._lines(name)
        if policy == "no":
            self._check_lines(name, lines, complete=exit_code == 0)
        if self._dice.random() < 0.3:
            self._start(name)
            self._sleep(0.2)
            self._remove(name, force=True)
        else:
            self._remove(name, force=comes_back)
        self._tally.counts["lives"] += 1

    def _settings(self) -> dict[str, Any]:
        policy = self._dice.choice(["no", "no", "no", "no", "always", "unless-stopped"])
        image = {"Type": "image", "Source": "busybox", "Target": "/image"}
        return {
            "Image": "busybox",
            "Cmd": ["sh", "-c", COUNTING],
            "Volumes": {"/data": {}} if self._dice.random() < 0.3 else {},
            "HostConfig": {
                "NetworkMode": self._dice.choice(["none", "bridge", "bridge"]),
                "RestartPolicy": {"Name": policy},
                "Mounts": [image] if self._dice.random() < 0.2 else [],
            },
        }

    def _create(self, name: str, settings: dict[str, Any]) -> None:
        def attempt() -> bool:
            answer = self._ask("POST", f"/containers/create?name={name}", settings)
            if answer.status == 409:
                self._tally.counts["creates that were done and not answered"] += 1
            return self._is(answer, 201, 409)

        self._persist(f"create {name}", attempt)

    def _start(self, name: str) -> None:
        def attempt() -> bool:
            self._starts += 1
            return self._is(self._ask("POST", f"/containers/{name}/start"), 204, 304)

        self._persist(f"start {name}", attempt)
        state = self._state(name)
        if state["Status"] not in ("running", "restarting", "exited"):
            raise BrokenPromiseError(f"was started, and is {state}")

    def _exec(self, name: str) -> None:
        """Run something in it. The client of an exec that is cut off must try another."""

        def attempt() -> bool:
            answer = self._ask(
                "POST",
                f"/containers/{name}/exec",
                {"Cmd": ["sh", "-c", _HELLO], "AttachStdout": True},
            )
            if answer.status == 409:  # it restarts
                return True
            if not self._is(answer, 201):
                return False
            exec_id = answer.json()["Id"]
            answer = self._ask("POST", f"/exec/{exec_id}/start", {"Detach": False})
            whole = b"hello" in answer.body
            self._tally.counts["execs" if whole else "execs cut off"] += 1
            return whole

        self._persist(f"exec in {name}", attempt)

    def _end(self, name: str, *, comes_back: bool) -> int:
        """Stop it; its exit code. It `comes_back` if the engine dies before it is looked at."""
        self._persist(
            f"stop {name}",
            lambda: self._is(self._ask("POST", f"/containers/{name}/stop?t=20"), 204, 304),
        )
        state = self._state(name)
        if state["Running"] and not comes_back:
            raise BrokenPromiseError(f"was stopped, and is {state}")
        self._tally.counts[f"exit code {state['ExitCode']}"] += 1
        return int(state["ExitCode"])

    def _remove(self, name: str, *, force: bool) -> None:
        target = f"/containers/{name}?v=1" + ("&force=1" if force else "")
        self._persist(f"remove {name}", lambda: self._is(self._ask("DELETE", target), 204, 404))
        answer = self._insist("GET", f"/containers/{name}/json")
        if answer.status != 404:
            raise BrokenPromiseError(f"was removed, and is there: {answer.status}")

    # --- what is so -----------------------------------------------------------------------------

    def _state(self, name: str) -> dict[str, Any]:
        """The container's state, which must make sense."""
        answer = self._insist("GET", f"/containers/{name}/json")
        if answer.status != 200:
            raise BrokenPromiseError(f"is lost: {answer.status} {answer.message}")
        state: dict[str, Any] = answer.json()["State"]
        runs = state["Status"] in ("running", "paused")
        sound = (
            state["Status"] in _STATUSES
            and state["Running"] == (state["Status"] in ("running", "paused", "restarting"))
            and bool(state["Pid"]) == runs
        )
        if not sound:
            raise BrokenPromiseError(f"is in an impossible state: {state}")
        return state

    def _lines(self, name: str) -> list[str]:
        answer = self._insist("GET", f"/containers/{name}/logs?stdout=1&stderr=1")
        body, position, output = answer.body, 0, b""
        while position < len(body):
            _, size = _HEADER.unpack_from(body, position)
            position += _HEADER.size + size
            output += body[position - size : position]
        return output.decode().splitlines()

    def _check_lines(self, name: str, lines: Sequence[str], *, complete: bool) -> None:
        """Every line in order, to the end. A start that was not answered may have been done
        nevertheless, and then there is a run more. What was being logged when the engine was killed
        may be there twice."""
        numbers = [int(line) for line in lines if line != "end"]
        runs, reached = 0, -1
        for at, number in enumerate(numbers):
            if number == 0 and (at == 0 or reached > 0):
                runs, reached = runs + 1, -1
            if number > reached + 1:
                raise BrokenPromiseError(f"log lines lost near {numbers[max(0, at - 2) : at + 2]}")
            self._tally.counts["log lines doubled"] += number <= reached
            reached = max(reached, number)
        if runs > self._starts:
            raise BrokenPromiseError(f"{self._starts} starts, but {runs} runs in the log")
        if complete and lines[-1:] != ["end"]:
            raise BrokenPromiseError(f"the last line is lost: {lines[-3:]}")
        self._tally.counts["log lines"] += len(lines)

    # --- requests -------------------------------------------------------------------------------

    def _persist(self, what: str, attempt: Callable[[], bool]) -> None:
        """Try until it is done, as long as the engine may be away."""
        deadline = time.monotonic() + _AWAY
        while time.monotonic() < deadline:
            with contextlib.suppress(GoneError):
                if attempt():
                    return
            time.sleep(0.05)
        raise BrokenPromiseError(f"could not {what} within {_AWAY:.0f} s")

    def _ask(self, method: str, target: str, body: Any = None) -> Answer:
        try:
            return request(self._socket, method, f"/v1.51{target}", body, timeout=_AWAY)
        except (OSError, http.client.HTTPException) as error:
            self._tally.counts["requests cut off"] += 1
            raise GoneError(str(error)) from error

    def _insist(self, method: str, target: str) -> Answer:
        deadline = time.monotonic() + _AWAY
        while True:
            try:
                return self._ask(method, target)
            except GoneError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _is(self, answer: Answer, *expected: int) -> bool:
        """Whether it is an expected one. An error while containerd is away is true, and passes; any
        other is ours."""
        if answer.status in expected:
            return True
        text = answer.message
        if answer.status < 500 or not any(excuse in text for excuse in _CONTAINERDS_ABSENCE):
            raise BrokenPromiseError(f"unexpected answer {answer.status}: {text}")
        self._tally.counts["errors of containerd's absence"] += 1
        return False

    def _sleep(self, most: float) -> None:
        time.sleep(self._dice.uniform(0, most))
