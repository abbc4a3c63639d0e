"""Volumes and mounts: what is mounted where in a container, and the named volumes themselves."""

from runner.volume.copy_up import (
    create_anonymous_volumes,
    populate_volumes,
    setup_working_directory,
)
from runner.volume.local import Volume
from runner.volume.mount_point import MountPoint
from runner.volume.register import (
    anonymous_volumes,
    register_mount_points,
    restore_mount_points,
)
from runner.volume.release import release_mount_points, remove_volumes
from runner.volume.setup import Prepared, PreparedMount, locate_mounts, setup_mounts
from runner.volume.store import ANONYMOUS_LABEL, VolumeStore
from runner.volume.tmpfs import tmpfs_mounts
from runner.volume.usage import tree_size
from runner.volume.validate import validate_mount_config, validate_tmpfs_destination

__all__ = [
    "ANONYMOUS_LABEL",
    "MountPoint",
    "Prepared",
    "PreparedMount",
    "Volume",
    "VolumeStore",
    "anonymous_volumes",
    "create_anonymous_volumes",
    "locate_mounts",
    "populate_volumes",
    "register_mount_points",
    "release_mount_points",
    "remove_volumes",
    "restore_mount_points",
    "setup_mounts",
    "setup_working_directory",
    "tmpfs_mounts",
    "tree_size",
    "validate_mount_config",
    "validate_tmpfs_destination",
]
