"""ContainerCreate (moby daemon/create.go): from a request to a container's record.

    verify the settings                       verify
    find the image, merge its configuration   images, oci.merge
    reserve the name, make the record
    make the writable layer                   Snapshots.Prepare
    working directory, volumes                mounts
    checkpoint, event

From the reservation of the name on, every failure undoes all that was made.
"""

from __future__ import annotations

import shutil
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import msgspec

from runner import trace
from runner.engine import (
    images,
    init_layer,
    links,
    mounts,
    names,
    network_settings,
    networking,
    references,
)
from runner.engine.attempt import attempt
from runner.engine.container import ContainerRecord
from runner.engine.layer_labels import layer_labels
from runner.engine.verify import verify_container_settings
from runner.logs import merge_and_verify_log_config
from runner.oci import merge
from runner.oci.adapt import adapt_container_settings
from runner.oci.security_opt import parse_security_opt
from runner.types import times
from runner.types.container import Config, CreateResponse, HostConfig
from runner.types.errors import InvalidParameter, NotFound, RunnerError, System

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.image.store import Image
    from runner.types.image import Platform
    from runner.types.network import NetworkingConfig


async def container_create(
    engine: Engine,
    *,
    name: str,
    config: Config,
    host_config: HostConfig,
    networking_config: NetworkingConfig,
    platform: Platform | None,
    read_only_non_recursive: bool = False,
) -> CreateResponse:
    """Create a container (moby containerCreate).

    An empty `name` gets a generated one. Raises InvalidParameter for settings that dockerd
    refuses, NotImplementedYet for those that this engine does not support, NotFound when the
    image is missing (the client pulls it then), Conflict when the name is taken, System when the
    writable layer cannot be made. With `read_only_non_recursive` what is mounted below a
    read-only bind stays writable, as clients before API 1.44 expect.
    """
    began = time.monotonic()
    with trace.step("daemon.containerCreate", name=name, image=config.image) as step:
        host_config.restart_policy.name = host_config.restart_policy.name or "no"
        warnings = verify_container_settings(
            config, host_config, engine.sysinfo, engine.config.default_runtime
        )
        with trace.step("ImageService.GetImage", image=config.image):
            image = await engine.images.get(config.image, platform)
        if platform is None:
            warnings += images.platform_warnings(image)
        network_settings.validate_networking_config(engine, networking_config)
        host_config = adapt_container_settings(host_config, engine.host)
        references.fix_container_references(engine, host_config)
        container = await _create(
            engine,
            name,
            config,
            host_config,
            networking_config,
            image,
            read_only_non_recursive=read_only_non_recursive,
        )
        if step is not None:
            step.note(container=container.id, name=container.name)
    engine.metrics.action("create", time.monotonic() - began)
    return CreateResponse(id=container.id, warnings=warnings)


async def _create(
    engine: Engine,
    name: str,
    config: Config,
    host_config: HostConfig,
    networking_config: NetworkingConfig,
    image: Image,
    *,
    read_only_non_recursive: bool,
) -> Container:
    """moby create: merge, name, layer, volumes, record."""
    merged = merge.merge_and_verify_config(config, image.config.config)
    host_config.log_config = merge_and_verify_log_config(
        host_config.log_config, engine.config.log_config
    )
    async with AsyncExitStack() as undo:
        container = _new_container(engine, name, merged, host_config, image)
        undo.callback(engine.containers.release_name, container.id, container.name)
        _check_security_options(host_config)
        await _create_layer(engine, container, image, undo)
        container.directory.mkdir(parents=True, mode=0o710)
        undo.callback(shutil.rmtree, container.directory, ignore_errors=True)
        await mounts.create(
            engine, container, undo, read_only_non_recursive=read_only_non_recursive
        )
        host_config.network_mode = host_config.network_mode or "default"
        container.record.links = links.register(engine, host_config)
        _set_networks(engine, container, networking_config)
        engine.containers.add(container)
        undo.callback(engine.containers.drop, container)
        engine.containers.checkpoint(container)
        undo.pop_all()
    engine.events.log_container(container, "create")
    return container


def _check_security_options(host_config: HostConfig) -> None:
    """moby setSecurityOptions, whose mistakes are internal errors (500)."""
    try:
        parse_security_opt(host_config.security_opt)
    except InvalidParameter as err:
        raise RunnerError(err.message) from err


def _new_container(
    engine: Engine, name: str, config: Config, host_config: HostConfig, image: Image
) -> Container:
    """Allocate ID and name, and fill in what follows from them (moby newContainer)."""
    container_id = names.generate_id()
    name = names.reserve(engine.containers, container_id, name)
    path, args = merge.get_entrypoint_and_args(config.entrypoint, config.cmd)
    networking.default_hostname(container_id, config, host_config)
    record = ContainerRecord(
        id=container_id,
        name=name,
        created=times.now(),
        path=path,
        args=args,
        config=config,
        host_config=host_config,
        image_id=image.id,
        image_name=image.name,
        image_manifest=msgspec.structs.replace(image.descriptor, platform=image.platform),
        driver=engine.config.snapshotter,
        platform="linux",
    )
    return engine.containers.make(record)


async def _create_layer(
    engine: Engine, container: Container, image: Image, undo: AsyncExitStack
) -> None:
    """The container's writable snapshot on top of the image's (moby CreateLayer)."""
    snapshots = engine.containerd.snapshots(container.record.driver)
    labels = layer_labels(container)
    parent = init_layer.name(image.chain_id)
    try:
        with trace.step("ImageService.CreateLayer", container=container.id):
            try:
                mounts = await snapshots.prepare(container.id, parent, labels)
            except NotFound:  # the first container of the image
                async with engine.containerd.leases.hold():
                    parent = await init_layer.ensure(engine, image)
                    mounts = await snapshots.prepare(container.id, parent, labels)
    except RunnerError as err:
        raise System(f"cannot make the container's writable layer: {err}") from err
    container.layer_mounts = mounts
    undo.push_async_callback(_remove_layer, engine, container)


async def _remove_layer(engine: Engine, container: Container) -> None:
    """A create that fails afterwards leaves no layer."""
    with trace.step("daemon.ReleaseLayer", container=container.id, role="undo"):
        removal = engine.containerd.snapshots(container.record.driver).remove(container.id)
        await attempt(removal, "remove the layer of a container that was not made")


def _set_networks(
    engine: Engine, container: Container, networking_config: NetworkingConfig
) -> None:
    record = container.record
    record.network_settings = network_settings.asked_for(engine, record, networking_config)
    record.mac_addresses = {
        name: place.mac_address
        for name, place in record.network_settings.networks.items()
        if place.mac_address
    }
