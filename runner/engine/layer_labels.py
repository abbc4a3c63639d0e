"""What the snapshots of a container say: its writable layer, those of images that it mounts.

containerd keeps them, whatever becomes of its own records, and they say whose they are: of a
container whose creation was cut off they are all that is known (`orphans`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.engine.container import Container

CONTAINER_LABEL = "runner/container"
"""The container that the layer is for."""
_GC_ROOT = "containerd.io/gc.root"
"""Keeps the layer from containerd's garbage collector while no record of containerd's names it."""


def layer_labels(container: Container) -> dict[str, str]:
    """What a new layer of the container's is labelled with."""
    return {_GC_ROOT: container.record.created, CONTAINER_LABEL: container.id}
