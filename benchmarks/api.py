"""The Engine API's requests, bare: what an engine takes without any client program before it."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

from tests.support.http import UnixConnection

if TYPE_CHECKING:
    from pathlib import Path

VERSION = "v1.51"


def run_and_remove(socket: Path, *, image: str, network: str) -> dict[str, float]:
    """`run --rm IMAGE true`: create, wait (asked before start, so that no exit is missed), start.

    Returns the seconds from the first request to each answer, one after the other.
    """
    body = {
        "Image": image,
        "Cmd": ["true"],
        "HostConfig": {"NetworkMode": network, "AutoRemove": True},
    }
    clock = [time.perf_counter()]
    with Connection(socket) as requests, Connection(socket) as waiting:
        container = requests.ask("POST", "/containers/create", body)["Id"]
        clock.append(time.perf_counter())
        exited = waiting.begin("POST", f"/containers/{container}/wait?condition=removed")
        clock.append(time.perf_counter())
        requests.ask("POST", f"/containers/{container}/start")
        clock.append(time.perf_counter())
        status = exited()["StatusCode"]
        clock.append(time.perf_counter())
    if status != 0:
        raise RuntimeError(f"the container ended with {status}")
    names = ("create", "wait asked", "start", "wait answered")
    return {name: clock[i + 1] - clock[i] for i, name in enumerate(names)}


class Connection(contextlib.AbstractContextManager["Connection"]):
    """A connection that is kept for several requests."""

    def __init__(self, socket: Path) -> None:
        self._http = UnixConnection(socket)

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def ask(self, method: str, target: str, body: Any = None) -> Any:
        """One request and its decoded answer; an error status is a RuntimeError."""
        return self.begin(method, target, body)()

    def begin(self, method: str, target: str, body: Any = None) -> Any:
        """One request whose header has come when this returns; call the result for the body."""
        payload = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if payload else {}
        self._http.request(method, f"/{VERSION}{target}", payload, headers)
        response = self._http.getresponse()

        def rest() -> Any:
            text = response.read()
            if response.status >= 400:
                raise RuntimeError(f"{method} {target}: {response.status} {text.decode()}")
            return json.loads(text) if text else None

        if response.status >= 400:
            rest()
        return rest
