"""The client: one containerd, one namespace, a thin typed module for each service."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from runner.containerd._connection import Connection
from runner.containerd.containers import Containers
from runner.containerd.content import Content
from runner.containerd.diff import Diff
from runner.containerd.events import Events
from runner.containerd.images import Images
from runner.containerd.introspection import Introspection
from runner.containerd.leases import Leases
from runner.containerd.namespaces import Namespaces
from runner.containerd.snapshots import Snapshots
from runner.containerd.tasks import Tasks
from runner.containerd.version import VersionService
from runner.types.errors import DeadlineExceeded, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class Containerd:
    """A connection to containerd, to be made inside a running event loop and closed with it.

    Nothing is sent before the first call, and a containerd that was restarted is found again by
    the next calls without anybody's doing. Calls under way when it goes end with Unavailable.
    """

    def __init__(
        self,
        address: str,
        namespace: str,
        *,
        snapshotter: str = "overlayfs",
        on_answer: Callable[[str, float], None] = lambda _method, _seconds: None,
    ) -> None:
        """`address` is a socket's absolute path or a unix:// URL. `on_answer` is told how many
        seconds each call took, by service and method. Raises InvalidParameter."""
        self._connection = Connection(address, namespace, on_answer)
        self._snapshotter = snapshotter
        self.address = address
        self.namespace = namespace
        self.containers = Containers(self._connection)
        self.tasks = Tasks(self._connection)
        self.content = Content(self._connection)
        self.images = Images(self._connection)
        self.diff = Diff(self._connection)
        self.leases = Leases(self._connection)
        self.events = Events(self._connection)
        self.namespaces = Namespaces(self._connection)
        self.introspection = Introspection(self._connection)
        self.version = VersionService(self._connection)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection. Safe to call twice."""
        await self._connection.aclose()

    def snapshots(self, snapshotter: str | None = None) -> Snapshots:
        """The snapshots of a snapshotter, of the client's own by default."""
        return Snapshots(self._connection, snapshotter or self._snapshotter)

    async def wait_until_serving(self, timeout: float) -> None:
        """Return as soon as containerd answers; on a busy machine one answer may take it all.

        Raises:
            Unavailable: it did not within `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        attempts = AsyncRetrying(
            retry=retry_if_exception_type((Unavailable, DeadlineExceeded)),
            stop=stop_after_delay(timeout),
            wait=wait_fixed(0.05),
            reraise=True,
        )
        try:
            async for attempt in attempts:
                with attempt:
                    await self.version.version(timeout=deadline - time.monotonic())
        except (Unavailable, DeadlineExceeded) as error:
            raise Unavailable(
                f"{error.message} (waited {timeout:g} s); start it, for instance with"
                " `systemctl start containerd`, or name the socket of one that runs"
            ) from error
