"""A host and requests for the tests of single steps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runner.oci.create import create_spec
from runner.oci.request import SpecRequest
from runner.types.container import Config, HostConfig
from tests.unit.oci import golden

if TYPE_CHECKING:
    from runner.oci.host import Host
    from runner.oci.spec import Spec

ID = "0123456789ab" + "c" * 52
NOTHING: dict[str, Any] = {"devices": {}, "links": {}, "numbers": {}, "mounts": {}}


def host(**facts: Any) -> Host:
    """A machine with cgroup version 1, without AppArmor."""
    files = golden.RecordedFiles(facts.pop("files", NOTHING))
    return replace(golden.machine(), files=files, **facts)


def request(
    config: Config | None = None, settings: HostConfig | None = None, **fields: Any
) -> SpecRequest:
    """A container of the golden root filesystem."""
    given: dict[str, Any] = {"path": "/bin/true", "args": [], "rootfs": golden.ROOTFS} | fields
    return SpecRequest(
        id=ID,
        config=config or Config(hostname="box"),
        host_config=settings or HostConfig(network_mode="bridge", ipc_mode="private"),
        **given,
    )


def spec(
    config: Config | None = None,
    settings: HostConfig | None = None,
    on: Host | None = None,
    **fields: Any,
) -> Spec:
    """Its spec."""
    return create_spec(request(config, settings, **fields), on or host())
