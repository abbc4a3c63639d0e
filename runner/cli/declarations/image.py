"""Commands on images."""

from typing import Annotated

from runner.cli.declarations.command import Command, Group, argument, flag
from runner.cli.declarations.shared import Filter, Format, InspectFormat
from runner.cli.values import lists, numbers

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
    rest: Annotated[list[str] | None, argument("")] = None


class TagOptions:
    """`tag`."""

    source: Annotated[str, argument("SOURCE_IMAGE[:TAG]")]
    target: Annotated[str, argument("TARGET_IMAGE[:TAG]")]


class PushOptions:
    """`push`."""

    all_tags: Annotated[bool, flag("--all-tags", "-a", help="Push every tag")] = False
    quiet: Annotated[bool, flag("--quiet", "-q", help="Print only the name")] = False
    platform: Platform = None
    disable_content_trust: Annotated[
        bool, flag("--disable-content-trust", help="Do not sign the image", hidden=True)
    ] = True
    name: Annotated[str, argument("NAME[:TAG]")]


class SaveOptions:
    """`save`."""

    output: Annotated[
        str | None,
        flag("--output", "-o", metavar="string", help="Write to this file, not to stdout"),
    ] = None
    platform: Platform = None
    names: Annotated[list[str], argument("IMAGE [IMAGE...]")]


class RemoveOptions:
    """`rmi`."""

    force: Annotated[bool, flag("--force", "-f", help="Remove it though it is in use")] = False
    no_prune: Annotated[
        bool, flag("--no-prune", help="Keep the nameless images that it was made from")
    ] = False
    platform: Annotated[
        list[str] | None,
        flag("--platform", metavar="strings", help="Remove only the content for this platform"),
    ] = None
    names: Annotated[list[str], argument("IMAGE [IMAGE...]")]


class HistoryOptions:
    """`history`."""

    format: Format = None
    human: Annotated[
        bool, flag("--human", "-H", help="Sizes and dates in words (default true)")
    ] = True
    no_trunc: Annotated[bool, flag("--no-trunc", help="Show everything in full")] = False
    platform: Platform = None
    quiet: Annotated[bool, flag("--quiet", "-q", help="Print IDs only")] = False
    name: Annotated[str, argument("IMAGE")]


class ImagePruneOptions:
    """`image prune`."""

    all: Annotated[
        bool, flag("--all", "-a", help="Remove all that no container uses, named ones too")
    ] = False
    filter: Annotated[
        list[tuple[str, str]] | None,
        flag(
            "--filter",
            metavar="filter",
            parser=lists.filter_pair,
            help="Remove only what fits: until=…, label=…, label!=…",
        ),
    ] = None
    force: Annotated[bool, flag("--force", "-f", help="Do not ask")] = False


class SearchOptions:
    """`search`."""

    filter: Filter = None
    format: Format = None
    limit: Annotated[
        int | None,
        flag("--limit", metavar="int", parser=numbers.int64, help="At most so many"),
    ] = None
    no_trunc: Annotated[bool, flag("--no-trunc", help="Show everything in full")] = False
    term: Annotated[str, argument("TERM")]


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
        names=("image",),
    ),
    Command(
        "pull",
        PullOptions,
        "runner.cli.image.pull:run",
        "[OPTIONS] NAME[:TAG|@DIGEST]",
        "Get an image from a registry",
        aliases=("image pull",),
        names=("image",),
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
        names=("image",),
    ),
    Command(
        "push",
        PushOptions,
        "runner.cli.image.push:run",
        "[OPTIONS] NAME[:TAG]",
        "Upload an image to a registry",
        aliases=("image push",),
        names=("image",),
    ),
    Command(
        "save",
        SaveOptions,
        "runner.cli.image.save:run",
        "[OPTIONS] IMAGE [IMAGE...]",
        "Write images to an archive",
        aliases=("image save",),
        names=("image",),
    ),
    Command(
        "rmi",
        RemoveOptions,
        "runner.cli.image.remove:run",
        "[OPTIONS] IMAGE [IMAGE...]",
        "Remove images",
        aliases=("image rm",),
        hidden_aliases={"image remove": "image rm", "image rmi": "image rm"},
        names=("image",),
    ),
    Command(
        "history",
        HistoryOptions,
        "runner.cli.image.history:run",
        "[OPTIONS] IMAGE",
        "Show how an image was made",
        aliases=("image history",),
        names=("image",),
    ),
    Command(
        "image prune",
        ImagePruneOptions,
        "runner.cli.image.prune:run",
        "[OPTIONS]",
        "Remove images that nobody uses",
    ),
    Command(
        "search",
        SearchOptions,
        "runner.cli.image.search:run",
        "[OPTIONS] TERM",
        "Look for images in an index",
    ),
    Command(
        "image inspect",
        ImageInspectOptions,
        "runner.cli.system.inspect:run_image",
        "[OPTIONS] IMAGE [IMAGE...]",
        "Show all about images",
        names=("image",),
    ),
)
