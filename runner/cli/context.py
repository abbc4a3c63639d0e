"""What every command is given: where the engine is, and how to say things."""

from __future__ import annotations

import os
import sys

from runner.client.address import DEFAULT_HOST
from runner.client.client import EngineClient

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.client.errors import ConnectionFailed
    from runner.client.tls import TLSFiles
    from runner.client.tracing import Tracing


class Context:
    """The global options, and the client made from them when a command first needs one."""

    def __init__(self, host: str = "", tls: TLSFiles | None = None) -> None:
        self.host = host or os.environ.get("RUNNER_HOST", "")
        """The engine named by --host or RUNNER_HOST; empty for the default one.

        DOCKER_HOST is not looked at: a shell set up for docker must not silently turn runner's
        commands on that daemon.
        """
        self.tls = tls
        self.tracing: Tracing | None = None
        self._client: EngineClient | None = None

    def client(self) -> EngineClient:
        """The engine's client. The default engine is started when it does not answer."""
        if self._client is None:
            self._client = EngineClient(
                self.host or DEFAULT_HOST,
                tls=self.tls,
                unreachable=None if self.host else self._start_engine,
                tracing=self.tracing,
            )
        return self._client

    def made_client(self) -> EngineClient | None:
        """The client, if any command has needed one."""
        return self._client

    def _start_engine(self, failure: ConnectionFailed) -> None:
        from runner.cli.ondemand import start_engine

        start_engine(failure)


def say(text: str) -> None:
    """A line on stdout."""
    sys.stdout.write(text + "\n")


def warn(text: str) -> None:
    """A line on stderr, after what stdout already holds."""
    sys.stdout.flush()
    sys.stderr.write(text + "\n")
