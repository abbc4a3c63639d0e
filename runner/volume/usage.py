"""How much is in a directory (moby internal/directory.Size)."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def tree_size(root: Path) -> int:
    """Bytes of all files below, of one with several names once; directories count for nothing.

    Blocks. What disappears meanwhile is left out. Raises OSError for the root itself.
    """
    sizes: dict[int, int] = {}
    waiting = [os.fspath(root)]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        with contextlib.suppress(FileNotFoundError):
                            file = entry.stat(follow_symlinks=False)
                            sizes[file.st_ino] = file.st_size
        except FileNotFoundError:
            if folder == os.fspath(root):
                raise
    return sum(sizes.values())
