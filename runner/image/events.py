"""What is told of images while they change (moby daemon/containerd/image_events.go)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

Tell = Callable[[str, str, str], None]
"""Takes an action, the image's ID, and the name that it had for the user."""

Report = Callable[[str, str, str], Awaitable[None]]
"""The same, of an image that is still there: whoever listens may look it up."""


def nobody(_action: str, _image_id: str, _name: str) -> None:
    """For callers without anybody to tell."""


async def unreported(_action: str, _image_id: str, _name: str) -> None:
    """The same for a Report."""
