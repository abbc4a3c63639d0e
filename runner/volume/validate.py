"""Validation of --mount (moby volume/mounts linuxParser.ValidateMountConfig), in its order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.linux.libc import error_text
from runner.types.errors import InvalidParameter
from runner.types.gotext import quote
from runner.types.paths import clean, is_local
from runner.volume.modes import PROPAGATION_MODES
from runner.volume.tmpfs import convert_tmpfs_options

if TYPE_CHECKING:
    from runner.types.container import Mount

_INVALID_SUBPATH = "subpath must be a relative path within the volume"


def validate_mount_config(mount: Mount, *, source_must_exist: bool = True) -> None:
    """Raise InvalidParameter for a mount that makes no sense on Linux.

    `source_must_exist` is for --mount: there a missing bind source is an error, unless its making
    was asked for.
    """
    try:
        _validate(mount, source_must_exist)
    except InvalidParameter as err:
        raise err.wrap(f"invalid mount config for type {quote(mount.type)}") from err


def validate_tmpfs_destination(destination: str) -> None:
    """Raise InvalidParameter for --tmpfs on the root or on a relative path."""
    _not_root(destination)
    _absolute(destination)


def _validate(mount: Mount, source_must_exist: bool) -> None:
    if not mount.target:
        raise _missing("Target")
    _not_root(mount.target)
    _absolute(mount.target)
    match mount.type:
        case "bind":
            _validate_bind(mount, source_must_exist)
        case "volume":
            _validate_volume(mount)
        case "tmpfs":
            _validate_tmpfs(mount)
        case "image":
            _validate_image(mount)
        case _:
            raise InvalidParameter("mount type unknown")


def _validate_bind(mount: Mount, source_must_exist: bool) -> None:
    if not mount.source:
        raise _missing("Source")
    options = mount.bind_options
    if options and options.propagation and options.propagation not in PROPAGATION_MODES:
        raise InvalidParameter(f"invalid propagation mode: {options.propagation}")
    _must_be_unset(mount, "VolumeOptions", "ImageOptions")
    _absolute(mount.source)
    make_it = options is not None and options.create_mountpoint
    if source_must_exist and not _exists(mount.source) and not make_it:
        raise InvalidParameter(f"bind source path does not exist: {mount.source}")


def _validate_volume(mount: Mount) -> None:
    _must_be_unset(mount, "BindOptions", "ImageOptions")
    if mount.volume_options and mount.volume_options.subpath:
        if not mount.source:
            raise InvalidParameter("must not set Subpath when using anonymous volumes")
        if not is_local(mount.volume_options.subpath):
            raise InvalidParameter(_INVALID_SUBPATH)
    if mount.read_only and not mount.source:
        raise InvalidParameter("must not set ReadOnly mode when using anonymous volumes")


def _validate_tmpfs(mount: Mount) -> None:
    _must_be_unset(mount, "BindOptions", "ImageOptions")
    if mount.source:
        raise _extra("Source")
    convert_tmpfs_options(mount.tmpfs_options, mount.read_only)


def _validate_image(mount: Mount) -> None:
    _must_be_unset(mount, "BindOptions", "VolumeOptions")
    if not mount.source:
        raise _missing("Source")
    subpath = mount.image_options.subpath if mount.image_options else ""
    if subpath and not is_local(subpath):
        raise InvalidParameter(_INVALID_SUBPATH)


def _must_be_unset(mount: Mount, *names: str) -> None:
    options = {
        "BindOptions": mount.bind_options,
        "VolumeOptions": mount.volume_options,
        "ImageOptions": mount.image_options,
    }
    for name in names:
        if options[name] is not None:
            raise _extra(name)


def _not_root(path: str) -> None:
    if clean(path.replace("\\", "/")) == "/":
        raise InvalidParameter("invalid specification: destination can't be '/'")


def _absolute(path: str) -> None:
    if not path.replace("\\", "/").startswith("/"):
        raise InvalidParameter(f"invalid mount path: '{path}' mount path must be absolute")


def _exists(path: str) -> bool:
    """Whether the host has it, links followed. Errors other than its absence are raised."""
    try:
        Path(path).stat()
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as err:
        reason = error_text(err) if isinstance(err, OSError) else "invalid argument"
        raise InvalidParameter(f"stat {path}: {reason}") from err
    return True


def _missing(field: str) -> InvalidParameter:
    return InvalidParameter(f"field {field} must not be empty")


def _extra(field: str) -> InvalidParameter:
    return InvalidParameter(f"field {field} must not be specified")
