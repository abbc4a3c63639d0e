"""What inspect tells of a container (moby daemon/inspect.go)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from runner.engine import links, network_settings, networking
from runner.engine.logs import log_path
from runner.engine.sizes import Sizes
from runner.types.container import InspectResponse
from runner.types.image import GraphDriverData

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine


async def container_inspect(engine: Engine, reference: str, *, size: bool) -> InspectResponse:
    """Everything about the container (moby ContainerInspect). Raises NotFound."""
    container = engine.containers.get(reference)
    record = container.record
    size_rw, size_root_fs = await Sizes(engine).of(container) if size else (None, None)
    files = networking.files_of(engine, container)
    return InspectResponse(
        id=record.id,
        created=record.created,
        path=record.path,
        args=record.args,
        state=record.state.inspect(),
        image=record.image_id,
        resolv_conf_path=files.resolv_conf,
        hostname_path=files.hostname,
        hosts_path=files.hosts,
        log_path=_log_path(container),
        name=f"/{record.name}",
        restart_count=record.restart_count,
        driver=record.driver,
        platform="linux",
        mount_label="",
        process_label="",
        app_armor_profile=record.app_armor_profile,
        exec_ids=list(container.execs) or None,
        host_config=msgspec.structs.replace(
            record.host_config, links=links.shown(engine, container)
        ),
        graph_driver=GraphDriverData(name=record.driver),
        size_rw=size_rw,
        size_root_fs=size_root_fs,
        mounts=[point.view() for point in record.mount_points.values()],
        config=record.config,
        network_settings=network_settings.inspect(container),
        image_manifest_descriptor=record.image_manifest,
    )


def _log_path(container: Container) -> str:
    """moby knows the path once the log has been started for the first time.

    That of the local driver it never tells: the file's format is nobody's business.
    """
    if container.host_config.log_config.type != "json-file":
        return ""
    path = log_path(container)
    return path if Path(path).exists() else ""
