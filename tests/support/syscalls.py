"""A program that tries system calls: no compiler, no libc, one page of machine code (x86-64).

It works through a table of calls, writes each call's result over its number, and at the end writes
the table to its standard output. What the kernel, or a seccomp filter, answers to each is read from
that: `results`.
"""

from __future__ import annotations

import dataclasses
import errno
import platform
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_ENTRY: Final = struct.Struct("<7q")
_LAST: Final = _ENTRY.pack(-1, *[0] * 6)
_ADDRESS: Final = 0x400000
_HEADERS: Final = 64 + 56

_CODE: Final = bytes.fromhex(
    "488d1d59000000"  # lea   rbx, [rip + table]
    "4989dd"  # mov   r13, rbx
    # next:
    "488b03"  # mov   rax, [rbx]
    "4883f8ff"  # cmp   rax, -1
    "7423"  # je    done
    "488b7b08"  # mov   rdi, [rbx + 8]
    "488b7310"  # mov   rsi, [rbx + 16]
    "488b5318"  # mov   rdx, [rbx + 24]
    "4c8b5320"  # mov   r10, [rbx + 32]
    "4c8b4328"  # mov   r8, [rbx + 40]
    "4c8b4b30"  # mov   r9, [rbx + 48]
    "0f05"  # syscall
    "488903"  # mov   [rbx], rax
    "4883c338"  # add   rbx, 56
    "ebd4"  # jmp   next
    # done:
    "4c89ee"  # mov   rsi, r13
    # more:
    "4889da"  # mov   rdx, rbx
    "4829f2"  # sub   rdx, rsi
    "7416"  # je    end
    "bf01000000"  # mov   edi, 1
    "b801000000"  # mov   eax, 1 (write)
    "0f05"  # syscall
    "4885c0"  # test  rax, rax
    "7e05"  # jle   end
    "4801c6"  # add   rsi, rax
    "ebe2"  # jmp   more
    # end:
    "31ff"  # xor   edi, edi
    "b8e7000000"  # mov   eax, 231 (exit_group)
    "0f05"  # syscall
)


@dataclasses.dataclass(frozen=True)
class Call:
    """One call. The arguments that are not given are -1, which hardly any call can make sense of:
    it fails for its arguments, if nobody has refused it before."""

    number: int
    arguments: Sequence[int] = ()

    def entry(self) -> bytes:
        """Its line of the table."""
        return _ENTRY.pack(self.number, *[*self.arguments, *[-1] * 6][:6])


_NEVER: Final = {
    15,  # rt_sigreturn: of no signal
    34,  # pause
    57,  # fork
    58,  # vfork
    60,  # exit
    153,  # vhangup
    162,  # sync
    231,  # exit_group
    335,  # uretprobe: a signal for whoever is no probe
    336,  # uprobe
}
_NAMESPACES: Final = (0, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x40000000)
_NO_CLONE: Final = 0x800
"""CLONE_SIGHAND, which the kernel refuses alone: a filter looks at the flags earlier."""
_X32: Final = 0x40000000
_OPEN: Final = 2

CALLS: Final = [
    *(Call(number) for number in range(470) if number not in _NEVER),
    # arguments that dockerd's profile looks at
    *(Call(56, [flag | _NO_CLONE, 0, 0, 0, 0]) for flag in _NAMESPACES),
    *(Call(272, [flag]) for flag in _NAMESPACES),
    *(Call(41, [family, 3, 0]) for family in range(46)),
    *(Call(135, [persona]) for persona in (0, 8, 0x20000, 0x20008, 0x40000, 0x400000)),
    # another way in
    *(Call(_X32 + number) for number in (0, 39, 101, 165, 272, 512, 521, 545)),
]
"""Every number there is, but for those that do not come back."""


def supported() -> bool:
    """Whether this machine can run it."""
    return platform.machine() == "x86_64"


def opening(path: str) -> bytes:
    """The program that opens a file for reading, and tells what became of that."""
    text = path.encode() + b"\0"
    where = _ADDRESS + _HEADERS + len(_CODE) + 2 * _ENTRY.size
    return _program([Call(_OPEN, [where, 0, 0])], text)


def write_program(path: Path, calls: Sequence[Call] = CALLS) -> Path:
    """Make the program that tries the calls."""
    path.write_bytes(_program(calls))
    path.chmod(0o755)
    return path


def _program(calls: Sequence[Call], data: bytes = b"") -> bytes:
    table = b"".join(call.entry() for call in calls) + _LAST + data
    size = _HEADERS + len(_CODE) + len(table)
    identity = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        identity, 2, 62, 1, _ADDRESS + _HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0,
    )  # fmt: skip
    segment = struct.pack("<IIQQQQQQ", 1, 7, 0, _ADDRESS, _ADDRESS, size, size, 0x1000)
    return header + segment + _CODE + table


def opened(output: bytes) -> str:
    """What the program `opening` has told: `ok`, or the error's name."""
    ((_, answer),) = results(output, [Call(_OPEN)])
    return answer


def results(output: bytes, calls: Sequence[Call] = CALLS) -> list[tuple[Call, str]]:
    """What became of each call: `ok`, or the error's name."""
    assert len(output) == _ENTRY.size * len(calls), f"{len(output)} bytes came"
    answers = (entry[0] for entry in _ENTRY.iter_unpack(output))
    return list(zip(calls, map(_told, answers), strict=True))


def _told(answer: int) -> str:
    return "ok" if not -4096 < answer < 0 else errno.errorcode.get(-answer, str(-answer))
