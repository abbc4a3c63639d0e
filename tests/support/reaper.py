"""A stand-in for Ryuk, testcontainers' reaper, which removes what a test process has left behind.

It runs in a container that has the engine's socket, and nothing but Python's standard library. Who
connects says `label=NAME=VALUE`; once nobody is connected any more, the containers that bear one of
the labels are removed, and it ends.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import socketserver
import threading
import urllib.parse


class Engine(http.client.HTTPConnection):
    """The engine's API, on the socket that was mounted."""

    def connect(self) -> None:
        """Called by HTTPConnection before the first request."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/var/run/docker.sock")

    def ask(self, method: str, target: str) -> bytes:
        """One request."""
        self.request(method, target)
        return self.getresponse().read()


class Client(socketserver.StreamRequestHandler):
    """One test process."""

    labels: set[str] = set()  # noqa: RUF012 - shared by all clients, as is meant

    def handle(self) -> None:
        """Take down what it has labelled, until it is gone."""
        with contextlib.suppress(ConnectionError):  # it is killed with our answer unread
            for line in self.rfile:
                self.labels.add(line.decode().strip().removeprefix("label="))
                self.wfile.write(b"ACK\n")
        threading.Thread(target=self.server.shutdown).start()


def remove(label: str) -> None:
    """Remove the containers with that label."""
    engine = Engine("localhost")
    query = urllib.parse.urlencode({"all": 1, "filters": json.dumps({"label": [label]})})
    for container in json.loads(engine.ask("GET", f"/v1.44/containers/json?{query}")):
        engine.ask("DELETE", f"/v1.44/containers/{container['Id']}?force=1&v=1")


if __name__ == "__main__":
    with socketserver.ThreadingTCPServer(("", 8080), Client) as server:
        print("the reaper has Started!", flush=True)
        server.serve_forever()
    for found in Client.labels:
        remove(found)
