"""What containerd tells about itself: version, plugins, namespaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.containerd.namespaces import Namespace
from runner.types.errors import AlreadyExists, FailedPrecondition, InvalidParameter, NotFound

if TYPE_CHECKING:
    from runner.containerd.client import Containerd
    from tests.support.containerd import Containerd as Daemon


async def test_version(client: Containerd, any_containerd: Daemon) -> None:
    version = await client.version.version()
    assert version.version.removeprefix("v").startswith(any_containerd.version)


async def test_plugins(client: Containerd) -> None:
    plugins = await client.introspection.plugins("type==io.containerd.snapshotter.v1")
    overlayfs = next(plugin for plugin in plugins if plugin.id == "overlayfs")
    assert overlayfs.type == "io.containerd.snapshotter.v1"
    assert overlayfs.init_error == ""
    assert [platform.os for platform in overlayfs.platforms] == ["linux"]
    assert "root" in overlayfs.exports
    assert len(await client.introspection.plugins()) > len(plugins)


async def test_server(client: Containerd, any_containerd: Daemon) -> None:
    server = await client.introspection.server()
    assert len(server.uuid) == 36
    assert server.pid == (0 if any_containerd.version == "1.6" else any_containerd.daemon.pid)


async def test_namespaces(client: Containerd) -> None:
    name = f"{client.namespace}-more"
    await client.namespaces.create(name, {"a": "b"})
    assert (await client.namespaces.get(name)).labels == {"a": "b"}
    assert name in [namespace.name for namespace in await client.namespaces.list()]
    with pytest.raises(AlreadyExists):
        await client.namespaces.create(name)
    await client.namespaces.delete(name)
    assert name not in [namespace.name for namespace in await client.namespaces.list()]
    with pytest.raises(NotFound):
        await client.namespaces.delete(name)


async def test_a_namespace_that_is_not_there_is_answered_for_all_the_same(
    client: Containerd,
) -> None:
    assert await client.namespaces.get("none") == Namespace("none")


@pytest.mark.usefixtures("held")
async def test_a_bad_name_and_a_namespace_in_use(client: Containerd) -> None:
    with pytest.raises(InvalidParameter):
        await client.namespaces.create("a b")
    await client.content.write_blob(b"blob")
    with pytest.raises(FailedPrecondition):
        await client.namespaces.delete(client.namespace)
