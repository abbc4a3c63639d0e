"""`cp` (docker/cli runCopy)."""

from __future__ import annotations

from runner.cli.context import warn
from runner.cli.copy import paths
from runner.cli.errors import CliError
from runner.client import containers, images, output, terminal
from runner.client.units import human_size
from runner.types.errors import RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.inside import CopyOptions
    from runner.client.client import EngineClient

    Stat = dict[str, Any]

_STREAM = "-"
# os.FileMode of Go, in which the API tells what is at a path
_FOLDER, _LINK, _DEVICE, _IRREGULAR = 1 << 31, 1 << 27, 1 << 26, 1 << 19


def run(context: Context, options: CopyOptions) -> int:
    """Copy from a container or to one."""
    if not options.source:
        raise CliError("source can not be empty")
    if not options.destination:
        raise CliError("destination can not be empty")
    origin, source = paths.split_argument(options.source)
    target, destination = paths.split_argument(options.destination)
    if origin and target:
        raise CliError("copying between containers is not supported")
    if not origin and not target:
        raise CliError("must specify at least one container source")
    client = context.client()
    quiet = not terminal.is_terminal(1) if options.quiet is None else options.quiet
    if origin:
        _from_container(client, options, origin, source, destination, quiet=quiet)
    else:
        _to_container(client, options, target, source, destination, quiet=quiet)
    return 0


# --- from a container -------------------------------------------------------------------------


def _from_container(
    client: EngineClient,
    options: CopyOptions,
    container: str,
    source: str,
    destination: str,
    *,
    quiet: bool,
) -> None:
    if destination != _STREAM:
        destination = paths.absolute(destination)
    paths.check_output(destination)
    name = ""
    if options.follow_link:
        source, name = _followed(client, container, source)
    response, stat = containers.get_archive(client, container, source)
    if destination == _STREAM:
        output.flush()
        for chunk in response.chunks():
            output.write(1, chunk)
        return
    origin = paths.Endpoint(source, exists=True, is_folder=bool(stat["mode"] & _FOLDER), name=name)
    _unpack(response.chunks(), origin, destination, quiet=quiet)


def _followed(client: EngineClient, container: str, path: str) -> tuple[str, str]:
    """The target of a link in the container, and the name to copy it by."""
    stat = _stat(client, container, path)
    if stat is None or not stat["mode"] & _LINK:
        return path, ""
    return paths.renamed(path, paths.target_of(path, stat["linkTarget"]))


def _unpack(
    chunks: Iterator[bytes], origin: paths.Endpoint, destination: str, *, quiet: bool
) -> None:
    from runner.cli.copy.unpack import unpack

    with _Told(destination, quiet=quiet) as told:
        plan = paths.plan(origin, paths.destination(destination))
        unpack(told.count(chunks), plan)


# --- to a container ---------------------------------------------------------------------------


def _to_container(
    client: EngineClient,
    options: CopyOptions,
    container: str,
    source: str,
    destination: str,
    *,
    quiet: bool,
) -> None:
    if source != _STREAM:
        source = paths.absolute(source)
    target = _target(client, container, destination)
    if source == _STREAM:
        if not target.is_folder:
            raise CliError(f'destination "{container}:{destination}" must be a directory')
        folder, archive = target.path, images.read_file(0)
    else:
        folder, archive = _packed(paths.source(source, follow=options.follow_link), target)
    with _Told(f"{container}:{target.path}", quiet=quiet) as told:
        counted = archive if source == _STREAM else told.count(archive)
        containers.put_archive(client, container, folder, counted, keep_owners=options.archive)


def _target(client: EngineClient, container: str, path: str) -> paths.Endpoint:
    """The destination, a link followed once. What is not there may be made by the copy."""
    end, stat = path, _stat(client, container, path)
    if stat is not None and stat["mode"] & _LINK:
        end = paths.target_of(path, stat["linkTarget"])
        stat = _stat(client, container, end)
    mode = stat["mode"] if stat is not None else 0
    fault = "a device" if mode & _DEVICE else "an irregular file" if mode & _IRREGULAR else ""
    if fault:
        raise CliError(
            f'destination "{container}:{path}" must be a directory or a regular file: got {fault}'
        )
    return paths.Endpoint(end, exists=stat is not None, is_folder=bool(mode & _FOLDER))


def _packed(origin: paths.Endpoint, target: paths.Endpoint) -> tuple[str, Iterator[bytes]]:
    from runner.cli.copy.pack import pack

    plan = paths.plan(origin, target)
    return plan.folder, pack(origin, plan, warn)


def _stat(client: EngineClient, container: str, path: str) -> Stat | None:
    try:
        return containers.stat_path(client, container, path)
    except RunnerError:
        return None


class _Told:
    """Counts the bytes of a copy, and tells their number at its end, also where it has failed.

    Without a terminal, or quietly, nothing is told. While docker copies it means to show progress,
    but takes its own stderr for no terminal.
    """

    def __init__(self, place: str, *, quiet: bool) -> None:
        self._place = place
        self._quiet = quiet
        self._total = 0

    def __enter__(self) -> _Told:
        return self

    def count(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The chunks, counted."""
        for chunk in chunks:
            self._total += len(chunk)
            yield chunk

    def __exit__(self, *_: object) -> None:
        if not self._quiet:
            warn(f"Successfully copied {human_size(self._total, 3)} to {self._place}")
