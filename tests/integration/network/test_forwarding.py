"""IPv4 forwarding, in a namespace that nobody else forwards in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.network.forwarding import enable_forwarding
from runner.network.iptables import IPTables
from runner.types.errors import System
from tests.support import firewall
from tests.support.netns import inside

if TYPE_CHECKING:
    from runner.network import NetworkController
    from tests.integration.network.conftest import Place

SETTING = Path("/proc/sys/net/ipv4/ip_forward")


def enabled(iptables: IPTables, before: str, *, drop: bool) -> str:
    SETTING.write_text(before)
    enable_forwarding(iptables, drop=drop)
    policies = [line.text for line in firewall.save("iptables")]
    return f"{SETTING.read_text().strip()} {policies}"


@pytest.mark.parametrize(
    ("before", "drop", "policies"),
    [("0", True, [":FORWARD DROP"]), ("0", False, []), ("1", True, [])],
)
async def test_a_host_becomes_no_router(
    network: NetworkController, place: Place, before: str, drop: bool, policies: list[str]
) -> None:
    sandbox = await network.new_sandbox("c")
    found = inside(sandbox.key, lambda: enabled(place.iptables, before, drop=drop))
    assert found == f"1 {policies}"


async def test_all_or_nothing(network: NetworkController) -> None:
    sandbox = await network.new_sandbox("c")
    with pytest.raises(System, match="nonexist-restore not found"):
        inside(sandbox.key, lambda: enabled(IPTables("nonexist"), "0", drop=True))
    assert inside(sandbox.key, SETTING.read_text).strip() == "0"
