"""The helper: a small process from which those for the jobs are forked, one ahead of time.

It has one thread and all the code that a job needs, so that forking is safe and quick, and nothing
is loaded any more once the container's files are where the host's were. It ends when the engine
closes its end of the connection, however the engine ends.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
from typing import NoReturn

import msgspec

from runner.files import jobs
from runner.files.messages import Answer, Job

_DEPTH_MAX = 5000
"""Of recursion: a path has some 2000 elements at most."""

_decode = msgspec.json.Decoder(Job).decode
_encode = msgspec.json.encode


def main(descriptor: int) -> None:
    """Have a process wait for the next job, again and again."""
    _settle()
    engine = socket.socket(fileno=descriptor)
    while _serve_one(engine):
        pass


def _serve_one(engine: socket.socket) -> bool:
    """Fork a process that waits for two connections; whether it has got them, and works now."""
    taken, tell_taken = os.pipe()
    if os.fork():
        os.close(tell_taken)
        with open(taken, "rb", buffering=0) as pipe:
            return bool(pipe.read(1))
    os.close(taken)
    _, connections, _, _ = socket.recv_fds(engine, 1, 2)
    if connections:
        os.write(tell_taken, b"!")
        os.close(tell_taken)
        engine.close()
        _work(*(socket.socket(fileno=each) for each in connections))
    os._exit(0)


def _settle() -> None:
    """From here on no code is loaded: what is where the modules were may be the container's."""
    sys.path.clear()
    sys.meta_path.clear()
    sys.path_hooks.clear()
    sys.setrecursionlimit(_DEPTH_MAX)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the dead
    os.umask(0o022)
    gc.freeze()


def _work(control: socket.socket, data: socket.socket) -> NoReturn:
    """Do the one job that `control` asks for, and end. First of all the engine gets a pidfd."""
    process = os.pidfd_open(os.getpid())
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # nobody wants it any more

        def tell(answer: Answer) -> None:
            control.sendall(_encode(answer) + b"\n")

        try:
            socket.send_fds(control, [b"\n"], [process])
            os.close(process)
            with control.makefile("rb") as lines:
                job = _decode(lines.readline())
            jobs.do(job, data, tell)
        except (BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:
            tell(jobs.failure(error))
    os._exit(0)
