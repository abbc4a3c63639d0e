"""The lines that a pull tells its client (moby daemon/containerd/progress.go, jsonmessage)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from runner.image import digest as digests
from runner.types.image import ProgressDetail, ProgressMessage

if TYPE_CHECKING:
    from runner.types.image import Descriptor

Progress = Callable[[ProgressMessage], None]
"""Takes a line at once; slow clients are the callee's business."""

_INTERVAL = 0.1
_BAR = 50
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")


def silent(_: ProgressMessage) -> None:
    """For callers that show nothing."""


def human_size(size: int) -> str:
    """Decimal units, four digits (docker/go-units HumanSize)."""
    value, unit = float(size), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.4g}{_UNITS[unit]}"


def bar(current: int, total: int) -> str:
    """The bar that dockerd draws for clients without a terminal (jsonmessage JSONProgress)."""
    filled = min(_BAR, int(current / total * 100) // 2)
    counts = f"{human_size(current):>8}"
    if current <= total:
        counts += f"/{human_size(total)}"
    return f"[{'=' * filled}>{' ' * (_BAR - filled)}] {counts}"


class PullProgress:
    """What is said of each layer; once `hidden`, nothing is said of layers."""

    def __init__(self, tell: Progress) -> None:
        self._tell = tell
        self.hidden = False
        self._downloading: dict[str, tuple[int, int]] = {}
        self._extracting: dict[str, float] = {}
        self._told: set[tuple[str, str]] = set()

    def message(self, text: str, identifier: str = "") -> None:
        """A line without progress."""
        self._tell(ProgressMessage(status=text, id=identifier))

    def waiting(self, layer: Descriptor) -> None:
        """The layer belongs to the image."""
        self._once(layer, "Pulling fs layer", ProgressDetail())

    def downloading(self, layer: Descriptor, current: int) -> None:
        """So many bytes are here."""
        self._downloading[layer.digest] = current, layer.size

    def downloaded(self, layer: Descriptor) -> None:
        """All bytes are here."""
        self._downloading.pop(layer.digest, None)
        self._once(layer, "Download complete")

    def exists(self, layer: Descriptor) -> None:
        """It was here before."""
        self._once(layer, "Already exists")

    def extracting(self, layer: Descriptor) -> None:
        """It is being unpacked."""
        self._extracting[layer.digest] = time.monotonic()

    def unpacked(self, layer: Descriptor) -> None:
        """Its snapshot is here."""
        self._extracting.pop(layer.digest, None)
        self._once(layer, "Pull complete")

    async def run(self) -> None:
        """Tell how far downloads and extractions are, ten times a second, until cancelled."""
        while True:
            await asyncio.sleep(_INTERVAL)
            self._tick()

    def _tick(self) -> None:
        if self.hidden:
            return
        for digest, (current, total) in self._downloading.items():
            if current:
                detail = ProgressDetail(current=current, total=total)
                self._say(digest, "Downloading", detail, bar(current, total))
        for digest, since in self._extracting.items():
            # dockerd counts seconds from 1: a 0 would not be shown.
            seconds = 1 + int(time.monotonic() - since)
            detail = ProgressDetail(current=seconds, units="s")
            self._say(digest, "Extracting", detail, f"{seconds} s")

    def _once(self, layer: Descriptor, status: str, detail: ProgressDetail | None = None) -> None:
        """A manifest may name a layer twice; each line comes once."""
        if self.hidden or (layer.digest, status) in self._told:
            return
        self._told.add((layer.digest, status))
        self._say(layer.digest, status, detail or ProgressDetail(hidecounts=True), "")

    def _say(self, digest: str, status: str, detail: ProgressDetail, shown: str) -> None:
        self._tell(
            ProgressMessage(
                status=status, progress_detail=detail, progress=shown, id=digests.short(digest)
            )
        )
