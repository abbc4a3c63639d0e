"""What tells whether the built parse table is of the declarations as they are now."""

from __future__ import annotations

import os

_SOURCES = (
    "container.py",
    "create.py",
    "image.py",
    "inside.py",
    "network.py",
    "shared.py",
    "system.py",
    "volume.py",
)


def fingerprint() -> str:
    """Sizes and a checksum of the declarations; empty where only bytecode is installed."""
    import zlib

    folder = os.path.join(os.path.dirname(__file__), "declarations")  # noqa: PTH118, PTH120
    checksum = 0
    try:
        for name in _SOURCES:
            with open(f"{folder}/{name}", "rb", buffering=0) as source:
                checksum = zlib.crc32(source.read(), checksum)
    except OSError:
        return ""
    return f"{checksum:08x}"
