"""Whether a read-only bind mount can take the mounts below it along (moby
supportsRecursivelyReadOnly): mount_setattr(2) in the kernel, `rro` in the runtime."""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
from typing import Any, Final

import msgspec

from runner.linux.libc import LIBC

_SYS_MOUNT_SETATTR: Final = 442  # the same on every architecture
_FEATURES_SECONDS: Final = 10


class _Features(msgspec.Struct, rename="camel"):
    """`runc features` (runtime-spec features.md), as far as needed."""

    mount_options: list[str] = []


def recursive_read_only_problem(runtime: str) -> str:
    """An empty string, or why not."""
    if problem := _kernel_problem():
        return f"rro is not supported: {problem} (kernel is older than 5.12?)"
    return _runtime_problem(runtime)


def _kernel_problem() -> str:
    """The kernel refuses the empty attributes as invalid if it knows the call at all."""
    ctypes.set_errno(0)
    LIBC.syscall(
        ctypes.c_long(_SYS_MOUNT_SETATTR),
        ctypes.c_int(-1),
        ctypes.c_char_p(b""),
        ctypes.c_uint(0),
        ctypes.c_void_p(None),
        ctypes.c_size_t(0),
    )
    number = ctypes.get_errno()
    if number in (0, errno.EINVAL):
        return ""
    text = os.strerror(number)
    return f"failed to call mount_setattr: {text[:1].lower()}{text[1:]}"


def _runtime_problem(runtime: str) -> str:
    features = _features(runtime)
    if features is None:
        return f'rro is not supported by runtime "{runtime}": OCI features struct is not available'
    if "rro" not in features.mount_options:
        return f'rro is not supported by runtime "{runtime}"'
    return ""


def _features(runtime: str) -> _Features | None:
    try:
        done: subprocess.CompletedProcess[Any] = subprocess.run(
            [runtime, "features"], capture_output=True, timeout=_FEATURES_SECONDS, check=True
        )
        return msgspec.json.decode(done.stdout, type=_Features)
    except (OSError, subprocess.SubprocessError, msgspec.MsgspecError):
        return None
