"""The key sequence that detaches a terminal (moby/term ToBytes and its escape proxy)."""

from __future__ import annotations

from runner.types.errors import InvalidParameter

DEFAULT_DETACH_KEYS = b"\x10\x11"
"""ctrl-p, ctrl-q."""

_CONTROL = {chr(code + 96): bytes([code]) for code in range(1, 27)} | {
    "@": b"\x00",
    "[": b"\x1b",
    "\\": b"\x1c",
    "]": b"\x1d",
    "^": b"\x1e",
    "_": b"\x1f",
}


def parse_detach_keys(text: str) -> bytes:
    """The bytes of `ctrl-p,ctrl-q` or `a,b`; the default when empty. Raises InvalidParameter."""
    if not text:
        return DEFAULT_DETACH_KEYS
    keys = [_parse_key(key) for key in text.split(",")]
    if None in keys:
        raise InvalidParameter(f"Invalid detach keys ({text}) provided")
    return b"".join(key for key in keys if key is not None)


def _parse_key(key: str) -> bytes | None:
    if len(key) == 1 and key.isascii():
        return key.encode()
    if key.startswith("ctrl-"):
        return _CONTROL.get(key.removeprefix("ctrl-"))
    return None


class DetachDetector:
    """Lets bytes through until the sequence has been typed.

    Keys that could be the sequence's beginning are held back, and let through when they are not.
    """

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self._matched = 0

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """What to pass on, and whether to detach; nothing after the sequence is passed on."""
        passed = bytearray()
        for byte in data:
            if byte != self._keys[self._matched]:
                passed += self._keys[: self._matched]
                self._matched = 0
            if byte == self._keys[self._matched]:
                self._matched += 1
                if self._matched == len(self._keys):
                    return bytes(passed), True
            else:
                passed.append(byte)
        return bytes(passed), False
