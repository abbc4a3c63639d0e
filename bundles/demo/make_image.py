"""Makes the demo image: the host's static busybox and one script, as a docker-save archive.

    python make_image.py BUSYBOX ARCHIVE

Needs neither network nor other packages, and gives the same bytes for the same busybox.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

_SCRIPT: Final = """\
#!/bin/sh
echo "Hello from a container."
echo "  host name  $(hostname)"
echo "  kernel     $(uname -sr)"
echo "  process    $$ (the first of its PID namespace)"
echo "  user       $(id -un)"
echo "  address    $(ip -4 -o addr show eth0 2>/dev/null | awk '{ print $4 }')"
"""
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}


def add(archive: tarfile.TarFile, name: str, data: bytes = b"", **header: object) -> None:
    """Add one member with a header that depends on nothing but the arguments."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o755
    for field, value in header.items():
        setattr(info, field, value)
    archive.addfile(info, io.BytesIO(data))


def make_layer(busybox: Path) -> bytes:
    """The root file system."""
    listed = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
    applets = sorted(set(listed.stdout.split()) - {"busybox"})
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for folder in ("bin", "dev", "etc", "proc", "root", "sys"):
            add(archive, folder, type=tarfile.DIRTYPE)
        add(archive, "tmp", type=tarfile.DIRTYPE, mode=0o1777)
        add(archive, "bin/busybox", busybox.read_bytes())
        for applet in applets:
            add(archive, f"bin/{applet}", type=tarfile.SYMTYPE, linkname="busybox")
        add(archive, "bin/demo", _SCRIPT.encode())
        add(archive, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n", mode=0o644)
        add(archive, "etc/group", b"root:x:0:\n", mode=0o644)
    return buffer.getvalue()


def make_archive(layer: bytes, machine: str) -> bytes:
    """Layer, configuration and manifest.json, as `docker save` lays them out."""
    config = {
        "architecture": _ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "created": "2024-01-01T00:00:00Z",
        "config": {"Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], "Cmd": ["demo"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        "history": [{"created": "2024-01-01T00:00:00Z", "created_by": "bundles/demo"}],
    }
    encoded = json.dumps(config).encode()
    name = hashlib.sha256(encoded).hexdigest()
    manifest = [{"Config": f"{name}.json", "RepoTags": ["demo:latest"], "Layers": ["layer.tar"]}]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        add(archive, f"{name}.json", encoded, mode=0o644)
        add(archive, "layer.tar", layer, mode=0o644)
        add(archive, "manifest.json", json.dumps(manifest).encode(), mode=0o644)
    return buffer.getvalue()


def main() -> None:
    """Make the archive, all at once: a broken-off run leaves none."""
    busybox, target = Path(sys.argv[1]), Path(sys.argv[2])
    machine = subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True)
    scratch = target.with_suffix(".new")
    scratch.write_bytes(make_archive(make_layer(busybox), machine.stdout.strip()))
    scratch.replace(target)


if __name__ == "__main__":
    main()
