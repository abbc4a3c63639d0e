"""Hostile images, and containers of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.images import Image, busybox_rootfs, layer_tar, write_docker_archive

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.support.images import Entry
    from tests.support.subject import Subject

LOADED = "Loaded image: hostile:latest"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def load(subject: Subject, folder: Path, entries: Iterable[Entry], **config: Any) -> str:
    """Load busybox with a layer of these above it; what `docker load` says, with its errors."""
    image = Image([busybox_rootfs(), layer_tar(entries)]).with_config(Env=[PATH], **config)
    archive = write_docker_archive(folder / "hostile.tar", {"hostile:latest": image})
    done = subject.docker("load", "-i", str(archive))
    return done.stdout + done.stderr


def shell(subject: Subject, script: str, *options: str, image: str = "busybox") -> str:
    """Run a script in a container; all that it says."""
    done = subject.docker("run", "--rm", *options, image, "sh", "-c", script)
    return done.stdout + done.stderr


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """All that is in the host's directory: modes, owners and contents."""
    return {
        str(path.relative_to(folder)): (
            (path.lstat().st_mode << 16) + path.lstat().st_uid,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in [folder, *folder.rglob("*")]
    }
