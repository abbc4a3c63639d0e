"""Files of KEY=value lines: --env-file and --label-file (docker/cli kvfile)."""

from __future__ import annotations

from runner.cli.errors import CliError, os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_LINE_LIMIT = 64 * 1024


def read(paths: list[str], lookup: Mapping[str, str] | None = None) -> list[str]:
    """The pairs of all files, in order; a key alone takes its value from `lookup`, or is left out.

    Raises CliError with docker's text.
    """
    return [pair for path in paths for pair in _read(path, lookup)]


def _read(path: str, lookup: Mapping[str, str] | None) -> list[str]:
    try:
        with open(path, "rb") as file:
            content = file.read()
    except IsADirectoryError as err:
        raise CliError(f"invalid env file ({path}): {os_error(err, 'read')}") from err
    except OSError as err:
        raise CliError(os_error(err)) from err
    try:
        return _pairs(content, lookup)
    except ValueError as err:
        raise CliError(f"invalid env file ({path}): {err}") from None


def _pairs(content: bytes, lookup: Mapping[str, str] | None) -> list[str]:
    pairs: list[str] = []
    for number, raw in enumerate(content.split(b"\n"), 1):
        line = _line(raw.removesuffix(b"\r"), number).lstrip()
        if not line or line.startswith("#"):
            continue
        key, separator, _ = line.partition("=")
        if not key:
            raise ValueError(f"no variable name on line '{line}'")
        if " " in key or "\t" in key:
            raise ValueError(f"variable '{key}' contains whitespaces")
        if separator:
            pairs.append(line)
        elif lookup is not None and key in lookup:
            pairs.append(f"{key}={lookup[key]}")
    return pairs


def _line(raw: bytes, number: int) -> str:
    if len(raw) >= _LINE_LIMIT:
        raise ValueError("bufio.Scanner: token too long")
    if number == 1:
        raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        shown = " ".join(str(byte) for byte in raw)
        raise ValueError(f"invalid utf8 bytes at line {number}: [{shown}]") from None


def to_map(pairs: list[str]) -> dict[str, str]:
    """KEY=value pairs as a map; the last of equal keys wins."""
    return {key: value for key, _, value in (pair.partition("=") for pair in pairs)}
