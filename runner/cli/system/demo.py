"""`demo`: becomes the demo, which the command line itself never imports."""

from __future__ import annotations

import os
import sys

from runner.client import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from runner.cli.context import Context
    from runner.cli.declarations.system import DemoOptions

_DEMO = ("-m", "runner.demo")


def run(context: Context, options: DemoOptions) -> NoReturn:
    """Replace this process by the demo."""
    switches = {
        "--list": options.list,
        "--step": options.step,
        "--functions": options.functions,
        "--web": options.web,
    }
    arguments = [name for name, given in switches.items() if given]
    texts = {
        "--port": options.port,
        "--containerd": options.containerd,
        "--busybox": options.busybox,
    }
    arguments += [f"{name}={value}" for name, value in texts.items() if value is not None]
    output.flush()
    os.execv(sys.executable, [sys.executable, *_DEMO, *arguments, *(options.scenarios or [])])  # noqa: S606
