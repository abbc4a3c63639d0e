"""The channel to containerd, and what every call over it has in common.

Headers, error translation and the trace step are added here, so that the services' modules have
nothing but their messages to convert.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import grpc

from runner.containerd._shown import shown
from runner.containerd.errors import MAX_MESSAGE_SIZE, closed, translated
from runner.trace import Step, recorded, step
from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Mapping

    from google.protobuf.message import Message

OPTIONS: tuple[tuple[str, int | str], ...] = (
    ("grpc.max_send_message_length", MAX_MESSAGE_SIZE),
    ("grpc.max_receive_message_length", MAX_MESSAGE_SIZE),
    # A restarted containerd is found again within half a second. The option for the least back-off
    # is left alone: it is also how long containerd is given to take a connection (20 s).
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 500),
    # Clients in one process share connections by default, and then also their back-off.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
    # Derived from a socket's path, the authority would hold %2F, which HTTP does not allow there.
    ("grpc.default_authority", "localhost"),
)

_STUBS = "runner.containerd._pb."

_leases: ContextVar[Mapping[Connection, str]] = ContextVar("_leases", default={})  # noqa: B039


class Connection:
    """One gRPC channel, speaking in one containerd namespace. Made inside a running loop.

    `on_answer` is told of each single call: its service and method, and seconds to the answer.
    """

    def __init__(
        self,
        address: str,
        namespace: str,
        on_answer: Callable[[str, float], None] = lambda _method, _seconds: None,
    ) -> None:
        self.address = address
        self.namespace = namespace
        self.on_answer = on_answer
        self.channel = grpc.aio.insecure_channel(target(address), options=OPTIONS)
        self._closed = False

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """The headers of a call made now: the namespace, and the lease that is being held."""
        lease = _leases.get().get(self)
        namespace = ("containerd-namespace", self.namespace)
        return (namespace,) if lease is None else (namespace, ("containerd-lease", lease))

    @contextlib.contextmanager
    def under_lease(self, lease: str) -> Iterator[None]:
        """Have calls made inside, also by tasks started inside, carry the lease."""
        outside = _leases.get()
        _leases.set({**outside, self: lease})
        try:
            yield
        finally:
            _leases.set(outside)

    @contextlib.contextmanager
    def observed(self, name: str, **attributes: Any) -> Iterator[Step | None]:
        """Trace the call made inside as the step `name` and translate its errors.

        Raises:
            Unavailable: the connection was closed in mid-call. gRPC then raises CancelledError,
                which nobody has asked for.
        """
        try:
            with step(name, kind="client", **attributes) as call, translated(self.address):
                yield call
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._closed and task is not None and not task.cancelling():
                raise closed(self.address) from None
            raise

    async def aclose(self) -> None:
        """Close the channel; calls under way end with Unavailable."""
        self._closed = True
        await self.channel.close()


class Service:
    """The methods of one containerd service, called by their names in its .proto file."""

    def __init__(self, connection: Connection, stub: Callable[[Any], Any]) -> None:
        self.connection = connection
        self._stub = stub(connection.channel)
        self._name = stub.__name__.removesuffix("Stub")
        package = stub.__module__.removeprefix(_STUBS).rpartition(".")[0]
        self._full_name = f"containerd.{package}.{self._name}"

    async def unary(
        self,
        method: str,
        request: Message,
        *,
        timeout: float | None = None,
        sent: Callable[[], None] = lambda: None,
    ) -> Any:
        """One request, one reply. `timeout` in seconds ends the call with DeadlineExceeded.

        `sent` is called once the request is under way: calls that are made after that follow it.
        """
        call, began = getattr(self._stub, method), time.perf_counter()
        try:
            with self._observed(method, request) as step:
                answer = call(request, metadata=self.connection.metadata(), timeout=timeout)
                sent()
                reply = await answer
                if step is not None:
                    step.note(answer=shown(reply))
                return reply
        finally:
            self.connection.on_answer(f"{self._name}.{method}", time.perf_counter() - began)

    def _observed(
        self, method: str, request: Message
    ) -> contextlib.AbstractContextManager[Step | None]:
        """The step of a single call, under the name that moby's has (otelgrpc)."""
        described: dict[str, Any] = {"request": shown(request)} if recorded() else {}
        if method == "Wait":
            described["waits"] = True
        return self.connection.observed(f"{self._full_name}/{method}", **described)

    def stream(self, method: str, request: Message) -> AsyncGenerator[Any, None]:
        """One request, sent at once, and many replies. The call ends with the iterator."""
        with translated(self.connection.address):
            call = getattr(self._stub, method)(request, metadata=self.connection.metadata())
        return self._replies(f"{self._full_name}/{method}", call)

    async def _replies(self, name: str, call: Any) -> AsyncGenerator[Any, None]:
        try:
            while True:
                with self.connection.observed(name, waits=True):
                    reply = await call.read()
                if reply is grpc.aio.EOF:
                    return
                yield reply
        finally:
            call.cancel()

    def exchange(self, method: str) -> Any:
        """A call with many requests and many replies. The caller reads, writes and cancels it."""
        with translated(self.connection.address):
            return getattr(self._stub, method)(metadata=self.connection.metadata())


def target(address: str) -> str:
    """gRPC's name for a containerd address: a socket's absolute path, or a unix:// URL of one."""
    path = address.removeprefix("unix://")
    if not path.startswith("/"):
        raise InvalidParameter(f"invalid containerd address {address!r}: not an absolute path")
    return f"unix://{path}"
