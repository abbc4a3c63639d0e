"""The demo image: the host's static busybox and one script. Made offline, the same every time.

python -m runner.demo.image ARCHIVE        writes it as `docker save` would
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import re
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.types.errors import System

if TYPE_CHECKING:
    from collections.abc import Iterable

NAME: Final = "demo:latest"
CREATED: Final = "2024-01-01T00:00:00Z"
_BUSYBOXES: Final = (Path("/bin/busybox"), Path("/usr/bin/busybox"))
_LOADER: Final = re.compile(rb"/ld-(linux|musl)[^/]*\.so")
_SCRIPT: Final = """\
#!/bin/sh
echo "Hello from a container."
echo "  host name  $(hostname)"
echo "  kernel     $(uname -sr)"
echo "  process    $$ (the first of its PID namespace)"
echo "  user       $(id -un)"
echo "  address    $(ip -4 -o addr show eth0 2>/dev/null | awk '{ print $4 }')"
sleep 0.3  # long enough to be looked at
"""
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}


@dataclass(frozen=True, slots=True)
class DemoImage:
    """The image's two blobs."""

    config: bytes
    layer: bytes


def static_busybox(candidates: Iterable[Path] = _BUSYBOXES) -> Path:
    """A busybox of this host that needs no shared libraries. Raises System without one.

    A dynamically linked program names its loader; a static one has none to name.
    """
    for path in candidates:
        if path.is_file() and not _LOADER.search(path.read_bytes()):
            return path
    raise System("no static busybox on this host (apt-get install busybox-static)")


def make(busybox: Path) -> DemoImage:
    """The image that this busybox makes."""
    layer = _layer(busybox)
    machine = platform.machine()
    config = {
        "architecture": _ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "created": CREATED,
        "config": {"Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], "Cmd": ["demo"]},
        "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
        "history": [{"created": CREATED, "created_by": "runner demo"}],
    }
    return DemoImage(json.dumps(config).encode(), layer)


def digest(blob: bytes) -> str:
    """Its name as content."""
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def archive(image: DemoImage) -> bytes:
    """Layer, configuration and manifest.json, as `docker save` lays them out."""
    name = f"{digest(image.config).partition(':')[2]}.json"
    manifest = [{"Config": name, "RepoTags": [NAME], "Layers": ["layer.tar"]}]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as target:
        _add(target, name, image.config, mode=0o644)
        _add(target, "layer.tar", image.layer, mode=0o644)
        _add(target, "manifest.json", json.dumps(manifest).encode(), mode=0o644)
    return buffer.getvalue()


def _layer(busybox: Path) -> bytes:
    """The root file system."""
    listed = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
    applets = sorted(set(listed.stdout.split()) - {"busybox"})
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as target:
        for folder in ("bin", "dev", "etc", "proc", "root", "sys"):
            _add(target, folder, type=tarfile.DIRTYPE)
        _add(target, "tmp", type=tarfile.DIRTYPE, mode=0o1777)
        _add(target, "bin/busybox", busybox.read_bytes())
        for applet in applets:
            _add(target, f"bin/{applet}", type=tarfile.SYMTYPE, linkname="busybox")
        _add(target, "bin/demo", _SCRIPT.encode())
        _add(target, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n", mode=0o644)
        _add(target, "etc/group", b"root:x:0:\n", mode=0o644)
    return buffer.getvalue()


def _add(target: tarfile.TarFile, name: str, data: bytes = b"", **header: object) -> None:
    """Add one member with a header that depends on nothing but the arguments."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o755
    for field, value in header.items():
        setattr(info, field, value)
    target.addfile(info, io.BytesIO(data))


def main() -> None:
    """Make the archive, all at once: a broken-off run leaves none."""
    target = Path(sys.argv[1])
    scratch = target.with_suffix(".new")
    scratch.write_bytes(archive(make(static_busybox())))
    scratch.replace(target)


if __name__ == "__main__":
    main()
