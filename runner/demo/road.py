"""The steps of one scenario as they come in, in any order, from several programs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    Document = dict[str, Any]


class Road:
    """All steps heard of. Thread-safe."""

    def __init__(self) -> None:
        self._steps: dict[str, Document] = {}
        self._lock = threading.Lock()

    def hear(self, step: Document) -> None:
        """A step has begun or ended; what is known of its end is not forgotten again."""
        with self._lock:
            known = self._steps.get(step["span_id"])
            if known is None or step["duration"] is not None or known["duration"] is None:
                self._steps[step["span_id"]] = step

    def steps(self) -> list[Document]:
        """By their beginnings."""
        with self._lock:
            return sorted(self._steps.values(), key=lambda step: step["began_ns"])

    def named(self, name: str, **attributes: Any) -> Iterator[Document]:
        """Those whose name ends so, with these attributes."""
        for step in self.steps():
            has = step["attributes"].items() >= attributes.items()
            if step["name"].endswith(name) and has:
                yield step

    def within(self, outer: Document) -> list[Document]:
        """All steps beneath one."""
        inside = {outer["span_id"]}
        found = []
        for step in self.steps():
            if step["parent_id"] in inside:
                inside.add(step["span_id"])
                found.append(step)
        return found
