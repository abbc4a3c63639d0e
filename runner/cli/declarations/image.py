"""Commands on images."""

from typing import Annotated

from runner.cli.declarations.command import Command, Group, argument, flag
from runner.cli.declarations.shared import Filter, Format, InspectFormat

GROUPS = (Group("image", "Manage images"),)

Platform = Annotated[
    str | None,
    flag("--platform", metavar="string", help="Platform to choose, as os[/arch[/variant]]"),
]


class ImagesOptions:
    """`images`."""

    quiet: Annotated[bool, flag("--quiet", "-q", help="Print IDs only")] = False
    all: Annotated[bool, flag("--all", "-a", help="Show intermediate images, too")] = False
    no_trunc: Annotated[bool, flag("--no-trunc", help="Show everything in full")] = False
    digests: Annotated[bool, flag("--digests", help="Show digests")] = False
    format: Format = None
    filter: Filter = None
    repository: Annotated[str | None, argument("[REPOSITORY[:TAG]]")] = None


class PullOptions:
    """`pull`."""

    all_tags: Annotated[bool, flag("--all-tags", "-a", help="Pull every tag")] = False
    quiet: Annotated[bool, flag("--quiet", "-q", help="Print only the name")] = False
    platform: Platform = None
    disable_content_trust: Annotated[
        bool,
        flag("--disable-content-trust", help="Do not verify the image's signature", hidden=True),
    ] = True
    name: Annotated[str, argument("NAME[:TAG|@DIGEST]")]


class LoadOptions:
    """`load`."""

    input: Annotated[
        str | None, flag("--input", "-i", metavar="string", help="Read this file, not stdin")
    ] = None
    quiet: Annotated[bool, flag("--quiet", "-q", help="Do not show the progress")] = False
    platform: Platform = None


class ImportOptions:
    """`import`."""

    change: Annotated[
        list[str] | None,
        flag("--change", "-c", metavar="list", help="Apply a Dockerfile instruction to the image"),
    ] = None
    message: Annotated[
        str | None, flag("--message", "-m", metavar="string", help="Comment in the history")
    ] = None
    platform: Platform = None
    source: Annotated[str, argument("file|URL|-")]
    reference: Annotated[str | None, argument("[REPOSITORY[:TAG]]")] = None


class TagOptions:
    """`tag`."""

    source: Annotated[str, argument("SOURCE_IMAGE[:TAG]")]
    target: Annotated[str, argument("TARGET_IMAGE[:TAG]")]


class ImageInspectOptions:
    """`image inspect`."""

    format: InspectFormat = None
    platform: Platform = None
    names: Annotated[list[str], argument("IMAGE [IMAGE...]")]


COMMANDS = (
    Command(
        "images",
        ImagesOptions,
        "runner.cli.image.images:run",
        "[OPTIONS] [REPOSITORY[:TAG]]",
        "List images",
        aliases=("image ls",),
        hidden_aliases={"image list": "image ls"},
    ),
    Command(
        "pull",
        PullOptions,
        "runner.cli.image.pull:run",
        "[OPTIONS] NAME[:TAG|@DIGEST]",
        "Get an image from a registry",
        aliases=("image pull",),
    ),
    Command(
        "load",
        LoadOptions,
        "runner.cli.image.load:run",
        "[OPTIONS]",
        "Load images from an archive",
        aliases=("image load",),
    ),
    Command(
        "import",
        ImportOptions,
        "runner.cli.image.import_:run",
        "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
        "Make an image of a file system archive",
        aliases=("image import",),
    ),
    Command(
        "tag",
        TagOptions,
        "runner.cli.image.tag:run",
        "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
        "Give an image another name",
        aliases=("image tag",),
    ),
    Command(
        "image inspect",
        ImageInspectOptions,
        "runner.cli.system.inspect:run_image",
        "[OPTIONS] IMAGE [IMAGE...]",
        "Show all about images",
    ),
)
