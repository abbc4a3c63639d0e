"""--platform, judged before the engine is asked (docker/cli, by containerd's platforms.Parse).

Not of `pull` and `import`: docker passes on what they are given.
"""

from __future__ import annotations

from runner.cli.errors import CliError
from runner.client import jsontext


def as_json(specifier: str | None, complaint: str = "invalid platform: ") -> str:
    """The platform as the API wants it; empty for none.

    Raises CliError with docker's text, which begins with the complaint.
    """
    return jsontext.dumps(_parse(specifier, complaint)) if specifier else ""


def as_path(specifier: str, complaint: str) -> str:
    """The platform in its normal spelling, os/arch[/variant] (docker's client, formatPlatform).

    Raises CliError as as_json does.
    """
    platform = _parse(specifier, complaint)
    parts = (platform["os"], platform["architecture"], platform.get("variant"))
    return "/".join(part for part in parts if part)


def _parse(specifier: str, complaint: str) -> dict[str, str]:
    from runner.types import platforms

    try:
        return platforms.parse(specifier)
    except ValueError as err:
        raise CliError(f"{complaint}{err}") from None
