"""What a pull or push tells its client (moby daemon/containerd/progress.go, jsonmessage)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from runner.image import digest as digests
from runner.types.image import ProgressDetail, ProgressMessage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner.types.image import Descriptor

Progress = Callable[[ProgressMessage], None]
"""Takes a line at once; slow clients are the callee's business."""

_INTERVAL = 0.1
_BAR = 50
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")


def silent(_: ProgressMessage) -> None:
    """For callers that show nothing."""


class _Ticking(Protocol):
    async def run(self) -> None: ...


@contextlib.asynccontextmanager
async def ticking(shown: _Ticking) -> AsyncIterator[None]:
    """Have the progress told while the block goes on."""
    ticker = asyncio.create_task(shown.run())
    try:
        yield
    finally:
        ticker.cancel()
        await asyncio.wait([ticker])


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


class PushProgress:
    """What is said of each blob of a push, in the manifests' order (pushProgress)."""

    def __init__(self, tell: Progress) -> None:
        self._tell = tell
        self._under_way: dict[str, tuple[Descriptor, int | None]] = {}
        self._done: dict[str, str] = {}
        self._told: set[str] = set()
        self._given_up = False

    def message(self, text: str) -> None:
        """A line without progress."""
        self._tell(ProgressMessage(status=text))

    def aux(self, **facts: Any) -> None:
        """Something for the client's program."""
        self._tell(ProgressMessage(progress_detail=ProgressDetail(), aux=facts))

    def waiting(self, blob: Descriptor) -> None:
        """The blob belongs to the image."""
        self._under_way.setdefault(blob.digest, (blob, None))

    def pushing(self, blob: Descriptor, sent: int) -> None:
        """So many bytes are there."""
        self._under_way[blob.digest] = blob, sent

    def done(self, blob: Descriptor, how: str) -> None:
        """The registry has the blob."""
        self._done[blob.digest] = how

    def give_up_waiting(self) -> None:
        """What has not begun by now is not here (TurnNotStartedIntoUnavailable)."""
        self._given_up = True

    async def run(self) -> None:
        """Tell how far each is, ten times a second, until cancelled."""
        while True:
            await asyncio.sleep(_INTERVAL)
            self.tick()

    def tick(self) -> None:
        """Tell how far each is; of what is done, once."""
        for digest, (blob, sent) in self._under_way.items():
            if digest in self._told:
                continue
            if digest in self._done:
                self._told.add(digest)
                self._say(digest, self._done[digest])
            elif sent is None or (self._given_up and not sent):
                self._say(digest, "Unavailable" if self._given_up else "Waiting")
            else:
                detail = ProgressDetail(current=sent, total=blob.size)
                self._say(digest, "Pushing", detail, bar(sent, blob.size) if sent else "")

    def _say(
        self, digest: str, status: str, detail: ProgressDetail | None = None, shown: str = ""
    ) -> None:
        self._tell(
            ProgressMessage(
                status=status,
                progress_detail=detail or ProgressDetail(),
                progress=shown,
                id=digests.short(digest),
            )
        )


class PullProgress:
    """What is said of each layer; once `hidden`, nothing is said of layers."""

    def __init__(self, tell: Progress) -> None:
        self._tell = tell
        self.hidden = False
        self._downloading: dict[str, tuple[int, int]] = {}
        self._extracting: dict[str, float] = {}
        self._told: set[tuple[str, str]] = set()
        self._unseen: set[str] = set()

    def hide(self, layer: Descriptor) -> None:
        """Say nothing of this layer."""
        self._unseen.add(layer.digest)

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
        unseen = self.hidden or layer.digest in self._unseen
        if unseen or (layer.digest, status) in self._told:
            return
        self._told.add((layer.digest, status))
        self._say(layer.digest, status, detail or ProgressDetail(hidecounts=True), "")

    def _say(self, digest: str, status: str, detail: ProgressDetail, shown: str) -> None:
        self._tell(
            ProgressMessage(
                status=status, progress_detail=detail, progress=shown, id=digests.short(digest)
            )
        )
