"""The small init that `--init` puts before the container's process (moby LookupInitPath)."""

from __future__ import annotations

import functools
import os
import shutil
import struct
from pathlib import Path
from typing import Final

from runner.types.errors import System

NAMES: Final = ("docker-init", "tini-static", "tini", "catatonit")
"""What distributions call it: Docker's own build, Debian's tini, and the one that podman uses."""

_LIBEXEC: Final = (
    "/usr/local/libexec/docker",
    "/usr/libexec/docker",
    "/usr/local/lib/docker",
    "/usr/lib/docker",
    "/usr/local/libexec",
    "/usr/libexec",
)
"""Where FHS 3.0 and 2.3 put binaries that users do not call."""

_PT_INTERP: Final = 3


def lookup_init_path() -> str:
    """The path of a static init on this host. Raises System when there is none."""
    found = _lookup(os.environ.get("PATH", os.defpath))
    if found is None:
        raise System(
            'exec: "docker-init": executable file not found in $PATH '
            f"(nor any of {', '.join(NAMES[1:])}, linked statically): apt-get install tini"
        )
    return found


@functools.cache
def _lookup(path: str) -> str | None:
    places = os.pathsep.join((*_LIBEXEC, path))
    candidates = (shutil.which(name, path=places) for name in NAMES)
    return next((found for found in candidates if found and is_static(Path(found))), None)


def is_static(binary: Path) -> bool:
    """Whether an ELF file needs no loader: it is to run among a container's libraries, or none."""
    try:
        content = binary.read_bytes()
        return content[:4] == b"\x7fELF" and _PT_INTERP not in _segment_types(content)
    except (OSError, struct.error):
        return False


def _segment_types(elf: bytes) -> set[int]:
    """The types in the program header table (elf(5))."""
    order = "<" if elf[5] == 1 else ">"
    wide = elf[4] == 2
    (offset,) = struct.unpack_from(order + ("Q" if wide else "I"), elf, 32 if wide else 28)
    size, count = struct.unpack_from(order + "HH", elf, 54 if wide else 42)
    return {
        struct.unpack_from(order + "I", elf, offset + size * number)[0] for number in range(count)
    }
