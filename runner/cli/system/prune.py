"""`system prune` (docker/cli system.runPrune)."""

from __future__ import annotations

from runner.cli.confirm import confirm
from runner.cli.container import prune as container_prune
from runner.cli.context import say
from runner.cli.errors import CliError
from runner.cli.image import prune as image_prune
from runner.cli.values.order import natural
from runner.cli.volume import prune as volume_prune
from runner.client import containers, filters, images, networks, system, volumes
from runner.client.errors import RouteMissing
from runner.client.units import human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.system import PruneOptions
    from runner.client.client import EngineClient

    Pairs = list[tuple[str, str]]

_SHOWN_FILTERS = ("label", "label!", "until")


def run(context: Context, options: PruneOptions) -> int:
    """Remove all that nobody uses, and print what it was."""
    pairs = options.filter or []
    if options.volumes and any(name == "until" for name, _ in pairs):
        raise CliError('ERROR: The "until" filter is not supported with "--volumes"')
    if not options.force:
        confirm(_question(options, pairs))
    client = context.client()
    space = sum(prune(client, options, pairs) for prune in _steps(options))
    say(f"Total reclaimed space: {human_size(space)}")
    return 0


def _question(options: PruneOptions, pairs: Pairs) -> str:
    lines = ["WARNING! This will remove:"]
    lines += [f"  - {warning}" for warning in _warnings(options)]
    shown = sorted({f"{name}={value}" for name, value in pairs if name in _SHOWN_FILTERS},
                   key=natural)  # fmt: skip
    lines.append("")
    if shown:
        lines += ["  Items to be pruned will be filtered with:"]
        lines += [f"  - {text}" for text in shown]
        lines.append("")
    return "\n".join([*lines, "Are you sure you want to continue?"])


def _warnings(options: PruneOptions) -> list[str]:
    warnings = ["all stopped containers", "all networks not used by at least one container"]
    if options.volumes:
        warnings.append("all anonymous volumes not used by at least one container")
    if options.all:
        return [
            *warnings,
            "all images without at least one container associated to them",
            "all build cache",
        ]
    return [*warnings, "all dangling images", "unused build cache"]


def _steps(options: PruneOptions) -> list[Callable[[EngineClient, PruneOptions, Pairs], int]]:
    """What prunes, in docker's order; each returns the bytes freed."""
    volumes_too = [_volumes] if options.volumes else []
    return [_containers, _networks, *volumes_too, _images, _build_cache]


def _containers(client: EngineClient, _options: PruneOptions, pairs: Pairs) -> int:
    return container_prune.show(containers.prune(client, filters.to_json(pairs)))


def _networks(client: EngineClient, _options: PruneOptions, pairs: Pairs) -> int:
    report = _where_there_are(lambda: networks.prune(client, filters.to_json(pairs)))
    _show("Deleted Networks:", report.get("NetworksDeleted"))
    return 0


def _volumes(client: EngineClient, _options: PruneOptions, pairs: Pairs) -> int:
    return volume_prune.show(volumes.prune(client, filters.to_json(pairs)))


def _images(client: EngineClient, options: PruneOptions, pairs: Pairs) -> int:
    dangling = ("dangling", "false" if options.all else "true")
    return image_prune.show(images.prune(client, filters.to_json([*pairs, dangling])))


def _build_cache(client: EngineClient, options: PruneOptions, pairs: Pairs) -> int:
    wanted = filters.to_json(pairs)
    report = _where_there_are(
        lambda: system.prune_build_cache(client, wanted, everything=options.all)
    )
    _show("Deleted build cache objects:", report.get("CachesDeleted"))
    return int(report.get("SpaceReclaimed", 0))


def _where_there_are(prune: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """An engine without such objects has none to remove."""
    try:
        return prune()
    except RouteMissing:
        return {}


def _show(title: str, removed: list[str] | None) -> None:
    if removed:
        say("\n".join([title, *removed, ""]))
