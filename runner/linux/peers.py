"""Who is at the other end of a Unix socket (unix(7), SO_PEERCRED)."""

from __future__ import annotations

import socket
import sys

_PID_SIZE = 4  # of struct ucred, which begins with it


def listener(path: str) -> int:
    """The PID of who listens there. Raises OSError."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PID_SIZE)
    return int.from_bytes(credentials, sys.byteorder)
