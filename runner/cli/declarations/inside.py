"""Commands on what is inside containers: processes and files."""

from typing import Annotated

from runner.cli.declarations import shared
from runner.cli.declarations.command import Command, argument, flag
from runner.cli.declarations.shared import DetachKeys

Container = Annotated[str, argument("CONTAINER")]


class ExecOptions:
    """`exec`."""

    detach: Annotated[bool, flag("--detach", "-d", help="Leave it running")] = False
    detach_keys: DetachKeys = None
    env: shared.Env = None
    env_file: shared.EnvFile = None
    interactive: Annotated[bool, flag("--interactive", "-i", help="Attach stdin")] = False
    privileged: Annotated[
        bool, flag("--privileged", help="Grant everything: all capabilities, no confinement")
    ] = False
    tty: Annotated[bool, flag("--tty", "-t", help="Give it a terminal")] = False
    user: shared.User = None
    workdir: shared.Workdir = None
    container: Container
    command: Annotated[list[str], argument("COMMAND [ARG...]")]


class TopOptions:
    """`top`."""

    container: Container
    ps_options: Annotated[list[str] | None, argument("[ps OPTIONS]")] = None


class CopyOptions:
    """`cp`."""

    archive: Annotated[
        bool, flag("--archive", "-a", help="Keep the owners of what is copied to a container")
    ] = False
    follow_link: Annotated[
        bool, flag("--follow-link", "-L", help="Copy what the source links to, not the link")
    ] = False
    quiet: Annotated[
        bool | None,
        flag("--quiet", "-q", help="Do not show the progress, as where there is no terminal"),
    ] = None
    source: Annotated[str, argument("SRC_PATH|-")]
    destination: Annotated[str, argument("DEST_PATH|-")]


class DiffOptions:
    """`diff`."""

    container: Container


class ExportOptions:
    """`export`."""

    output: Annotated[
        str | None, flag("--output", "-o", metavar="string", help="Write to this file, not stdout")
    ] = None
    container: Container


class CommitOptions:
    """`commit`."""

    author: Annotated[
        str | None, flag("--author", "-a", metavar="string", help='Author: "Name <address>"')
    ] = None
    change: Annotated[
        list[str] | None,
        flag("--change", "-c", metavar="list", help="Apply a Dockerfile instruction to the image"),
    ] = None
    message: Annotated[
        str | None, flag("--message", "-m", metavar="string", help="Comment in the history")
    ] = None
    pause: Annotated[
        bool, flag("--pause", "-p", help="Pause the container meanwhile (default true)")
    ] = True
    container: Container
    reference: Annotated[str | None, argument("[REPOSITORY[:TAG]]")] = None


COMMANDS = (
    Command(
        "exec",
        ExecOptions,
        "runner.cli.container.exec_:run",
        "[OPTIONS] CONTAINER COMMAND [ARG...]",
        "Run a command in a running container",
        aliases=("container exec",),
        interspersed=False,
        names=("container that is not paused",),
    ),
    Command(
        "top",
        TopOptions,
        "runner.cli.container.top:run",
        "CONTAINER [ps OPTIONS]",
        "Show a container's processes",
        aliases=("container top",),
        interspersed=False,
        names=("running container",),
    ),
    Command(
        "cp",
        CopyOptions,
        "runner.cli.container.cp:run",
        "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\trunner cp [OPTIONS] SRC_PATH|- "
        "CONTAINER:DEST_PATH",
        "Copy files between a container and this side; - is a tar stream",
        aliases=("container cp",),
    ),
    Command(
        "diff",
        DiffOptions,
        "runner.cli.container.diff:run",
        "CONTAINER",
        "Show what differs between a container's files and its image's",
        aliases=("container diff",),
        names=("running container",),
    ),
    Command(
        "export",
        ExportOptions,
        "runner.cli.container.export:run",
        "[OPTIONS] CONTAINER",
        "Write a container's file system as a tar archive",
        aliases=("container export",),
        names=("container",),
    ),
    Command(
        "commit",
        CommitOptions,
        "runner.cli.container.commit:run",
        "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
        "Make an image of a container",
        aliases=("container commit",),
        interspersed=False,
        names=("running container",),
    ),
)
