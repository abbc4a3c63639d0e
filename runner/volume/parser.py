"""Mount requests become mount points (moby volume/mounts linuxParser)."""

from __future__ import annotations

import msgspec

from runner.types.container import BindOptions, Mount, VolumeDriverConfig, VolumeOptions
from runner.types.errors import InvalidParameter, RunnerError
from runner.types.paths import clean
from runner.volume.modes import (
    DEFAULT_PROPAGATION,
    is_read_write,
    is_valid_mode,
    propagation_of,
    says_nocopy,
)
from runner.volume.mount_point import MountPoint
from runner.volume.validate import validate_mount_config


def parse_mount_raw(raw: str, volume_driver: str = "") -> MountPoint:
    """`source:destination[:mode]` of Binds (moby ParseMountRaw); a missing source is made later.

    Raises RunnerError without a class: for dockerd these mistakes are internal errors (500).
    """
    spec, mode = _split(raw)
    if not is_valid_mode(mode):
        raise RunnerError(f"invalid mode: {mode}")
    spec.type = "bind" if spec.source.startswith("/") else "volume"
    spec.read_only = not is_read_write(mode)
    if says_nocopy(mode) or (volume_driver and spec.type == "volume"):
        spec.volume_options = VolumeOptions(no_copy=says_nocopy(mode))
        if volume_driver and spec.type == "volume":
            spec.volume_options.driver_config = VolumeDriverConfig(name=volume_driver)
    if propagation := propagation_of(mode):
        spec.bind_options = BindOptions(propagation=propagation)
    try:
        validate_mount_config(spec, source_must_exist=False)
    except InvalidParameter as err:
        raise RunnerError(f"{_invalid_spec(raw)}: {err}") from err
    return msgspec.structs.replace(_mount_point(spec), mode=mode)


def parse_mount_spec(spec: Mount) -> MountPoint:
    """One of HostConfig.Mounts (moby ParseMountSpec). Raises InvalidParameter."""
    validate_mount_config(spec)
    return _mount_point(spec)


def parse_volumes_from(spec: str) -> tuple[str, str]:
    """The container and the mode of `container[:mode]`; the mode is `rw` when none is given.

    Raises InvalidParameter: propagation stays as it was there, and nothing is copied.
    """
    if not spec:
        raise InvalidParameter("volumes-from specification cannot be an empty string")
    container, _, mode = spec.partition(":")
    if mode and (not is_valid_mode(mode) or propagation_of(mode) or says_nocopy(mode)):
        raise InvalidParameter(f"invalid mode: {mode}")
    return container, mode or "rw"


def _split(raw: str) -> tuple[Mount, str]:
    match raw.split(":"):
        case ["", *_]:
            raise RunnerError(_invalid_spec(raw))
        case [target]:
            return Mount(target=target), ""
        case [source, target] if not is_valid_mode(target):
            return Mount(source=source, target=target), ""
        case [source, target, mode]:
            return Mount(source=source, target=target), mode
        case _:
            raise RunnerError(_invalid_spec(raw))


def _invalid_spec(raw: str) -> str:
    return f"invalid volume specification: '{raw}'"


def _mount_point(spec: Mount) -> MountPoint:
    point = MountPoint(
        type=spec.type, destination=clean(spec.target), rw=not spec.read_only, spec=spec
    )
    match spec.type:
        case "volume":
            return _volume(point, spec)
        case "bind":
            propagation = spec.bind_options.propagation if spec.bind_options else ""
            return msgspec.structs.replace(
                point, source=clean(spec.source), propagation=propagation or DEFAULT_PROPAGATION
            )
        case "image":
            return msgspec.structs.replace(
                point, source=spec.source, propagation=DEFAULT_PROPAGATION
            )
        case _:
            return point


def _volume(point: MountPoint, spec: Mount) -> MountPoint:
    options = spec.volume_options
    driver = options.driver_config.name if options and options.driver_config else ""
    return msgspec.structs.replace(
        point, name=spec.source, driver=driver, copy_data=not (options and options.no_copy)
    )
