"""CNI plugins that are interrupted, or answer oddly: DEL follows, alone."""

import asyncio
import contextlib
import json
import os
import time
from pathlib import Path

import pytest

from runner.network import Endpoint, EndpointRequest, NetworkRecord, Sandbox
from runner.network import cni as cni_module
from runner.network.cni import CNIDriver
from runner.network.driver import Place
from runner.types.errors import System

PLUGIN = """\
#!/bin/sh
cd {directory}
[ "$CNI_COMMAND" = DEL ] && kill -0 "$(cat pid)" 2>/dev/null && echo beside >> log
echo "$CNI_COMMAND" >> log
[ "$CNI_COMMAND" = ADD ] || exit 0
echo $$ > pid
{action}
"""


class Plugin:
    """A plugin that writes down how it is called."""

    def __init__(self, directory: Path, action: str) -> None:
        self.directory = directory
        program = directory / "fake"
        program.write_text(PLUGIN.format(directory=directory, action=action))
        program.chmod(0o755)
        definition = {"name": "pods", "cniVersion": "1.0.0", "type": "fake"}
        (directory / "pods.conf").write_text(json.dumps(definition))

    async def add(self) -> Endpoint:
        options = {"cni.conf-dir": str(self.directory), "cni.bin-dir": str(self.directory)}
        driver = CNIDriver(NetworkRecord("cni", id="n" * 64, name="pods", options=options))
        sandbox = Sandbox("c" * 64, "s" * 64, "/nowhere")
        return await driver.create_endpoint(sandbox, EndpointRequest("web"), Place("eth0"))

    @property
    def log(self) -> list[str]:
        with contextlib.suppress(FileNotFoundError):
            return (self.directory / "log").read_text().split()
        return []

    async def started(self) -> None:
        while not (self.directory / "pid").exists():
            await asyncio.sleep(0.01)

    def is_running(self) -> bool:
        return os.path.exists(f"/proc/{(self.directory / 'pid').read_text().strip()}")


def answering(directory: Path, result: object) -> Plugin:
    return Plugin(directory, f"echo '{json.dumps(result)}'")


async def test_an_answer(tmp_path: Path) -> None:
    plugin = answering(
        tmp_path,
        {
            "ips": [
                {"address": "10.1.0.2/16", "gateway": "10.1.0.1"},
                {"address": "10.1.0.3/16"},
                {"address": "fd00::2/64"},
            ],
            "interfaces": [
                {"name": "eth0", "mac": "0a:00:00:00:00:01"},
                {"name": "eth0", "mac": "0a:00:00:00:00:02", "sandbox": "/nowhere"},
            ],
        },
    )
    endpoint = await plugin.add()
    assert (endpoint.address, endpoint.prefix_len, endpoint.gateway) == ("10.1.0.2", 16, "10.1.0.1")
    assert (endpoint.address6, endpoint.prefix_len6, endpoint.gateway6) == ("fd00::2", 64, "")
    assert endpoint.mac_address == "0a:00:00:00:00:02"
    assert plugin.log == ["ADD"]


@pytest.mark.parametrize(
    "result",
    [
        [],
        {"ips": [{}]},
        {"ips": [{"address": "here"}]},
        {"ips": [{"address": "10.1.0.2/16", "gateway": "there"}]},
        {"ips": 1},
        {"interfaces": [1]},
    ],
)
async def test_an_odd_answer(tmp_path: Path, result: object) -> None:
    plugin = answering(tmp_path, result)
    with pytest.raises(System):
        await plugin.add()
    assert plugin.log == ["ADD", "DEL"]


async def test_a_cancelled_plugin_has_ended_when_its_work_is_undone(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "sleep 1000")
    adding = asyncio.create_task(plugin.add())
    await plugin.started()
    adding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await adding
    assert plugin.log == ["ADD", "DEL"]
    assert not plugin.is_running()


async def test_a_plugin_that_is_cancelled_while_it_is_started(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "sleep 1000")
    adding = asyncio.create_task(plugin.add())
    while not (tmp_path / "pid").exists():
        await asyncio.sleep(0)
        time.sleep(0.1)  # the plugin gets further than the event loop
    adding.cancel()
    async with asyncio.timeout(60):
        with pytest.raises(asyncio.CancelledError):
            await adding
    assert plugin.log == ["ADD", "DEL"]
    assert not plugin.is_running()


async def test_a_plugin_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cni_module, "_TIMEOUT", 2.0)
    plugin = Plugin(tmp_path, "sleep 1000")
    with pytest.raises(System, match="CNI plugin fake did not end within 2 seconds"):
        await plugin.add()
    assert plugin.log == ["ADD", "DEL"]
    assert not plugin.is_running()
