"""`create`, and the creation that `run` begins with (docker/cli createContainer)."""

from __future__ import annotations

import os

from runner.cli.context import say, warn
from runner.cli.create import body as bodies
from runner.cli.errors import CliError, os_error, with_help
from runner.cli.reference import parse_any
from runner.cli.values.addresses import is_loopback
from runner.cli.values.numbers import go_quote
from runner.client import containers, terminal
from runner.client.errors import ClientError
from runner.types.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.container import CreateOptions
    from runner.cli.declarations.create import ContainerFlags
    from runner.cli.reference import Reference
    from runner.client.client import EngineClient

_WINDOWS_ONLY = ("cpu_count", "cpu_percent", "io_maxbandwidth", "io_maxiops")


def run(context: Context, options: CreateOptions) -> int:
    """Create a container and print its ID."""
    body = make_body("create", options, options.image, options.command or [])
    say(create_container(context.client(), options, body))
    return 0


def make_body(name: str, options: ContainerFlags, image: str, command: list[str]) -> dict[str, Any]:
    """The request's body. Raises CliError 125 with docker's text when the flags are wrong."""
    _refuse_unsupported(options)
    try:
        if options.pull not in ("always", "missing", "never", ""):
            raise CliError(
                f"invalid pull option: '{options.pull}': must be one of "
                f"{go_quote('always')}, {go_quote('missing')} or {go_quote('never')}"
            )
        return bodies.build(options, image, command)
    except ClientError as err:
        raise CliError(with_help(str(err), name), 125) from err


def _refuse_unsupported(options: ContainerFlags) -> None:
    """Flags of docker's that mean nothing to this engine are errors, never ignored."""
    refused = [
        f'"--{flag.replace("_", "-")}" is only supported on a Docker daemon running on windows, '
        "but the Docker daemon is running on linux"
        for flag in _WINDOWS_ONLY
        if getattr(options, flag) is not None
    ]
    if options.use_api_socket:
        refused.append('"--use-api-socket" is not supported by runner')
    if not options.disable_content_trust:
        refused.append('"--disable-content-trust=false" is not supported by runner')
    if refused:
        raise CliError("\n".join(refused))


def create_container(client: EngineClient, options: ContainerFlags, body: dict[str, Any]) -> str:
    """Create, pulling the image first or when it is missing, as asked; the new container's ID.

    Warnings go to stderr. Raises the engine's error, or CliError when the ID file is in the way.
    """
    with CidFile(options.cidfile or "") as cidfile:
        reference = parse_any(body["Image"])
        platform = _platform(options)
        if options.pull == "always":
            _pull(client, options, body["Image"])
        rows, columns = terminal.size()
        body["HostConfig"]["ConsoleSize"] = [rows, columns]
        answer = _create(client, options, body, reference, platform)
        cidfile.write(answer["Id"])
    for warning in [*(answer.get("Warnings") or []), *_dns_warnings(body)]:
        warn(f"WARNING: {warning}")
    identity: str = answer["Id"]
    return identity


def _create(
    client: EngineClient,
    options: ContainerFlags,
    body: dict[str, Any],
    reference: Reference | None,
    platform: str,
) -> dict[str, Any]:
    name = options.name or ""
    try:
        return containers.create(client, body, name=name, platform=platform)
    except NotFound:
        if reference is None or options.pull != "missing":
            raise
    if not options.quiet:
        warn(f"Unable to find image '{reference.tagged().familiar()}' locally")
    _pull(client, options, body["Image"])
    return containers.create(client, body, name=name, platform=platform)


def _platform(options: ContainerFlags) -> str:
    if not options.platform:
        return ""
    from runner.cli.platform import as_path

    return as_path(options.platform, "error parsing specified platform: ")


def _pull(client: EngineClient, options: ContainerFlags, image: str) -> None:
    from runner.cli.image.pull import pull_image

    pull_image(client, image, platform=options.platform or "", quiet=options.quiet, fd=2)


def _dns_warnings(body: dict[str, Any]) -> list[str]:
    servers = body["HostConfig"].get("Dns", [])
    loopback = next((server for server in servers if is_loopback(server)), "")
    return [f"Localhost DNS ({loopback}) may fail in containers."] if loopback else []


class CidFile:
    """The file that takes the container's ID; it is removed again when none was written."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = -1
        self._written = False

    def __enter__(self) -> CidFile:
        """Make the file. Raises CliError when it exists already."""
        if not self._path:
            return self
        if os.path.exists(self._path):  # noqa: PTH110 - cheap import
            raise CliError(
                "container ID file found, make sure the other container isn't running "
                f"or delete {self._path}"
            )
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            self._fd = os.open(self._path, flags, 0o666)
        except OSError as err:
            raise CliError(f"failed to create the container ID file: {os_error(err)}") from err
        return self

    def write(self, identity: str) -> None:
        """Write the ID."""
        if self._fd >= 0:
            os.write(self._fd, identity.encode())
            self._written = True

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            if not self._written:
                os.unlink(self._path)  # noqa: PTH108 - cheap import
