"""How a command ends: its error as text, and its exit code."""

from __future__ import annotations

import os

from runner.cli import pflag
from runner.cli.context import warn
from runner.cli.errors import CliError, describe, os_error
from runner.client.output import OutputClosed
from runner.types.errors import RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn


def printing_errors(work: Callable[[], int]) -> int:
    """What `work` returns, or the exit code of its error."""
    try:
        return work()
    except pflag.UsageError as err:
        warn(str(err))
        return err.code
    except OutputClosed as err:
        warn(str(err))
        return 1
    except CliError as err:
        if err.message:
            warn(err.message)
        return err.code
    except RunnerError as err:
        warn(describe(err))
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        die_of_broken_pipe()
    except OSError as err:
        warn(os_error(err))
        return 1


def die_of_broken_pipe() -> NoReturn:
    """End as a program does that never heard of SIGPIPE."""
    import signal

    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)
    os._exit(1)
