"""The `local` driver: volumes as directories of the data root (moby volume/local).

    <root>/<name>/_data         the volume's content
    <root>/<name>/opts.json     its options and labels

All functions block.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from runner.linux.libc import error_text
from runner.linux.mountinfo import read_mounts
from runner.types import times
from runner.types.errors import InvalidParameter, System
from runner.types.gotext import quote
from runner.volume.options import Device, device_of, validate_options

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

DRIVER: Final = "local"
_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_DATA: Final = "_data"
_META: Final = "opts.json"


class _Meta(msgspec.Struct, rename="pascal"):
    """The content of opts.json."""

    labels: dict[str, str] | None = None
    options: dict[str, str] | None = None
    created_at: str = ""


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume. `created_at` is RFC3339 with nanoseconds; labels and options may be unset. `broken`
    tells why nobody knows them; such a volume cannot be mounted."""

    name: str
    mountpoint: Path
    created_at: str
    labels: dict[str, str] | None = None
    options: dict[str, str] | None = None
    driver: str = DRIVER
    broken: str = ""

    @property
    def device(self) -> Device | None:
        """What has to be mounted before the volume is used, if anything."""
        return device_of(self.options or {})


class LocalDriver:
    """Makes, finds and removes the directories."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def load(self) -> list[Volume]:
        """All volumes there are, by name. The root is made if missing. One whose options cannot be
        read is logged, and does not keep the engine from starting as it does dockerd."""
        self.root.mkdir(mode=0o701, parents=True, exist_ok=True)
        return [self._read(path) for path in sorted(self.root.iterdir()) if path.is_dir()]

    def create(
        self, name: str, options: dict[str, str] | None, labels: dict[str, str] | None
    ) -> Volume:
        """A new volume; nothing stays behind when it fails. Raises InvalidParameter, System."""
        validate_name(name)
        validate_options(options or {})
        home = self.root / name
        meta = _Meta(labels=labels, options=options, created_at=times.now())
        try:
            home.mkdir(mode=0o701)
            try:
                _make(home, meta)
            except BaseException:
                shutil.rmtree(home, ignore_errors=True)
                raise
        except OSError as err:
            text = f"error while creating volume root path '{home}'"
            raise System(f"{text}: mkdir {err.filename or home}: {error_text(err)}") from err
        return Volume(name, home / _DATA, meta.created_at, labels, options)

    def remove(self, volume: Volume) -> None:
        """Delete the volume with its content; nothing mounted is entered. Raises System."""
        home = self.root / volume.name
        if any(mount.mountpoint.startswith(f"{home}/") for mount in read_mounts()):
            raise System("volume has active mounts")
        try:
            shutil.rmtree(home)
        except FileNotFoundError:
            pass
        except OSError as err:
            text = f"error removing volume path '{home}': {error_text(err)}"
            raise System(text) from err

    def _read(self, home: Path) -> Volume:
        meta, broken = _Meta(), ""
        try:
            meta = msgspec.json.decode((home / _META).read_bytes(), type=_Meta)
        except FileNotFoundError:
            pass  # the engine was killed while making it
        except (OSError, msgspec.MsgspecError) as err:
            broken = f"error while unmarshaling volume options for volume: {home.name}: {err}"
            log.error("%s", broken)
        created = meta.created_at or times.format_ns(home.stat().st_ctime_ns)
        return Volume(home.name, home / _DATA, created, meta.labels, meta.options, broken=broken)


def validate_name(name: str) -> None:
    """Raise InvalidParameter unless the name may be a directory's (moby Root.validateName)."""
    if len(name) == 1:
        raise InvalidParameter(
            "volume name is too short, names should be at least two alphanumeric characters"
        )
    if not _NAME.fullmatch(name):
        allowed = quote("[a-zA-Z0-9][a-zA-Z0-9_.-]")
        raise InvalidParameter(
            f"{quote(name)} includes invalid characters for a local volume name, only {allowed} "
            "are allowed. If you intended to pass a host directory, use absolute path"
        )


def _make(home: Path, meta: _Meta) -> None:
    data = home / _DATA
    data.mkdir()
    data.chmod(0o755)  # whatever the umask: containers' users must get in
    temporary = home / f".{_META}.{time.monotonic_ns()}"
    with open(temporary, "xb", opener=_private) as file:
        file.write(msgspec.json.encode(meta))
        file.flush()
        os.fsync(file.fileno())  # or a crash leaves an empty file of that name
    temporary.rename(home / _META)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
