"""`bundle create`: an OCI bundle (config.json, rootfs and the network files) in a folder."""

from __future__ import annotations

import os

from runner.cli.container.create import create_container, make_body
from runner.cli.context import say
from runner.cli.errors import CliError, os_error
from runner.client import containers
from runner.client.errors import RouteMissing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.system import BundleOptions
    from runner.client.client import EngineClient


def run(context: Context, options: BundleOptions) -> int:
    """Write the bundle of a container made with these flags; the container itself is removed."""
    if options.publish or options.publish_all:
        raise CliError("a bundle publishes no ports: its runtime makes its network")
    directory = os.path.abspath(options.directory)  # noqa: PTH100 - cheap import
    _check_empty(directory)
    body = make_body("bundle create", options, options.image, [])
    client = context.client()
    container = create_container(client, options, body)
    try:
        _fetch(client, container, directory)
    finally:
        containers.remove(client, container, force=True, volumes=True)
    say(directory)
    return 0


def _check_empty(directory: str) -> None:
    try:
        occupied = bool(os.listdir(directory))  # noqa: PTH208 - cheap import
    except FileNotFoundError:
        return
    except OSError as err:
        raise CliError(os_error(err)) from err
    if occupied:
        raise CliError(f"{directory} is not empty: a bundle needs a folder of its own")


def _fetch(client: EngineClient, container: str, directory: str) -> None:
    try:
        response = containers.bundle(client, container)
    except RouteMissing as err:
        raise CliError(
            f"the engine at {client.address.host} is not runner: it cannot make bundles"
        ) from err
    from runner.cli.system.extract import extract

    extract(response.chunks(), directory)
