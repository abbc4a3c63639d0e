"""What versions are at work (moby daemon/info.go SystemVersion)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import __version__
from runner.engine.programs import init_program, runtime_program
from runner.types.system import ComponentVersion, PlatformName, Version

if TYPE_CHECKING:
    from runner.engine.engine import Engine
    from runner.engine.programs import Program

API_VERSION = "1.51"
MIN_API_VERSION = "1.24"


async def system_version(engine: Engine) -> Version:
    """The engine, its containerd, its runc and its init."""
    with engine.metrics.host_info("system_version"):
        kernel = engine.host.kernel_release
        containerd = await engine.containerd.version.version()
        programs = (await runtime_program(engine.config.default_runtime), await init_program())
        return Version(
            platform=PlatformName(name="runner"),
            components=[
                ComponentVersion("Engine", __version__, _details(engine)),
                ComponentVersion(
                    "containerd", containerd.version, {"GitCommit": containerd.revision}
                ),
                *(_component(program) for program in programs if program),
            ],
            version=__version__,
            api_version=API_VERSION,
            min_api_version=MIN_API_VERSION,
            os="linux",
            arch=engine.host.architecture,
            kernel_version=kernel,
        )


def _details(engine: Engine) -> dict[str, str]:
    return {
        "ApiVersion": API_VERSION,
        "Experimental": "false",
        "Arch": engine.host.architecture,
        "KernelVersion": engine.host.kernel_release,
        "MinAPIVersion": MIN_API_VERSION,
        "Os": "linux",
    }


def _component(program: Program) -> ComponentVersion:
    return ComponentVersion(program.name, program.version, {"GitCommit": program.commit})
