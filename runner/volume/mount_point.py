"""A container's mount as it is kept with the container (moby volume/mounts.MountPoint)."""

from __future__ import annotations

import msgspec

from runner.types import container
from runner.types.container import Mount


class MountPoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where something of the host (or a tmpfs) appears in the container.

    `type` is bind, volume, tmpfs or image. `name` and `driver` are a volume's; an image's `name` is
    what the user called it, and `spec.source` its ID. `mode` is what the user wrote behind the
    second colon. `copy_data`: fill a new volume with what the image has there. `create_source`:
    make a missing bind source. `spec` is the request that led here.
    """

    type: str
    destination: str
    source: str = ""
    name: str = ""
    driver: str = ""
    rw: bool = True
    mode: str = ""
    propagation: str = ""
    copy_data: bool = False
    create_source: bool = True
    spec: Mount = msgspec.field(default_factory=Mount)

    @property
    def is_volume(self) -> bool:
        """Whether the volume store provides the data."""
        return self.type == "volume"

    @property
    def is_image(self) -> bool:
        """Whether it is an image's file system."""
        return self.type == "image"

    @property
    def is_anonymous(self) -> bool:
        """Whether it is a volume that nobody named: `rm -v` takes it along."""
        return self.is_volume and not self.spec.source

    def view(self) -> container.MountPoint:
        """As inspect and ps show it (moby GetMountPoints)."""
        return container.MountPoint(
            type=self.type,
            name=self.name,
            source=self.source,
            destination=self.destination,
            driver=self.driver,
            mode=self.mode,
            rw=self.rw,
            propagation=self.propagation,
        )
