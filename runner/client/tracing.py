"""The command's own steps of a trace, and the header that has the engine record its steps too.

W3C Trace Context: each request carries `traceparent: 00-<trace ID>-<span ID>-01`.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Document = dict[str, Any]


class Span:
    """One step of the command: itself, or a request of its."""

    def __init__(self, tracing: Tracing, name: str, parent_id: str, **attributes: Any) -> None:
        self.name = name
        self.parent_id = parent_id
        self.span_id = os.urandom(8).hex()
        self.attributes = attributes
        self.error: str | None = None
        self.duration: float | None = None
        self.began_ns = time.time_ns()
        self._tracing = tracing
        self._started = time.monotonic()
        tracing.tell(self)

    def end(self, error: str | None = None) -> None:
        """It is over, or a later part of it is: a stream is read long after its head."""
        self.duration = time.monotonic() - self._started
        self.error = self.error or error
        self._tracing.tell(self)

    def answered(self, status: int) -> None:
        """The answer's head has come."""
        self.attributes["status"] = status
        self.end()

    def document(self) -> Document:
        """The step as the engine's are."""
        return {
            "span_id": self.span_id,
            "parent_id": self.parent_id,
            "name": self.name,
            "began_ns": self.began_ns,
            "duration": self.duration,
            "error": self.error,
            "attributes": self.attributes,
        }


class Tracing:
    """One command's trace. `told` hears of every step of the command as it begins and ends."""

    def __init__(
        self,
        name: str,
        arguments: list[str],
        *,
        traceparent: str = "",
        told: Callable[[Document], None] | None = None,
    ) -> None:
        _, _, rest = traceparent.partition("-")
        trace_id, _, rest = rest.partition("-")
        parent = rest.partition("-")[0]
        self.trace_id = trace_id or os.urandom(16).hex()
        self.spans: list[Span] = []
        self._told = told
        self.root = self._add(Span(self, name, parent, arguments=arguments))

    def tell(self, span: Span) -> None:
        """Called by the steps."""
        if self._told is not None:
            self._told({"trace_id": self.trace_id, **span.document()})

    def request(self, method: str, path: str, body: Any) -> Span:
        """A request is about to be sent."""
        name = f"{method} {path}"
        attributes = {"kind": "client"} if body is None else {"kind": "client", "request": body}
        before = [span for span in self.spans if span.name == name]
        if before and before[-1].error:
            attributes |= {"role": "retry", "attempt": len(before) + 1}
        return self._add(Span(self, name, self.root.span_id, **attributes))

    def _add(self, span: Span) -> Span:
        self.spans.append(span)
        return span

    def header(self, span: Span) -> str:
        """What makes the engine's steps hang from this one."""
        return f"00-{self.trace_id}-{span.span_id}-01"

    def documents(self) -> list[Document]:
        """The command's own steps."""
        return [{"trace_id": self.trace_id, **span.document()} for span in self.spans]
