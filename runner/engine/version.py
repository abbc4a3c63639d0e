"""What versions are at work (moby daemon/info.go SystemVersion)."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from runner import __version__
from runner.types.system import ComponentVersion, PlatformName, Version

if TYPE_CHECKING:
    from runner.engine.engine import Engine

API_VERSION = "1.51"
MIN_API_VERSION = "1.24"


async def system_version(engine: Engine) -> Version:
    """The engine, its containerd and its runc."""
    kernel = engine.host.kernel_release
    details = {
        "ApiVersion": API_VERSION,
        "Experimental": "false",
        "Arch": engine.host.architecture,
        "KernelVersion": kernel,
        "MinAPIVersion": MIN_API_VERSION,
        "Os": "linux",
    }
    containerd = await engine.containerd.version.version()
    runc, commit = await runc_version(engine.config.default_runtime)
    return Version(
        platform=PlatformName(name="runner"),
        components=[
            ComponentVersion(name="Engine", version=__version__, details=details),
            ComponentVersion(
                name="containerd",
                version=containerd.version,
                details={"GitCommit": containerd.revision},
            ),
            ComponentVersion(name="runc", version=runc, details={"GitCommit": commit}),
        ],
        version=__version__,
        api_version=API_VERSION,
        min_api_version=MIN_API_VERSION,
        os="linux",
        arch=engine.host.architecture,
        kernel_version=kernel,
    )


async def runc_version(binary: str) -> tuple[str, str]:
    """Version and commit that the OCI runtime tells; empty when it cannot be asked.

    Asked once, and again when the file has changed: it takes several milliseconds.
    """
    path = shutil.which(binary)
    if path is None:
        return "", ""
    key = (path, Path(path).stat().st_mtime_ns)
    if key not in _versions:
        _versions[key] = _parse_version(await _output_of(path, "--version"))
    return _versions[key]


_versions: dict[tuple[str, int], tuple[str, str]] = {}


async def _output_of(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    output, _ = await process.communicate()
    return output.decode(errors="replace")


def _parse_version(output: str) -> tuple[str, str]:
    """`NAME version X` and `commit: Y`, as runc and crun print them."""
    version = commit = ""
    for line in output.splitlines():
        if " version " in line and not version:
            version = line.rpartition(" ")[2]
        elif line.startswith("commit: "):
            commit = line.partition(": ")[2]
    return version, commit
