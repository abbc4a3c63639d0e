"""Networks as with dockerd: what the stock CLI says, what inspect shows, which events there are.

Both engines run beside each other: `@4` and `@6` stand for subnets of each one's own.
"""

from __future__ import annotations

import dataclasses
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pytest

from tests.compat.compare import Commands, Outcome, accidents_in, differences, run
from tests.support.subject import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.subject import Subject

pytestmark = [
    pytest.mark.root,
    pytest.mark.oracle,
    pytest.mark.thorough,
    pytest.mark.usefixtures("whole_firewall"),
]

T = TypeVar("T")

_POOLS: Final = r"\b(172\.(1[6-9]|2\d|3[01])|192\.168)\.\d+\.\d+"
_ULA: Final = r"\bfd[0-9a-f]{2}:[0-9a-f:]+"
SLEEP: Final = "busybox sleep 1000"

COMMANDS: dict[str, Commands] = {
    "life of a network": [
        "network create net1",
        "network create net1",
        "network create bridge",
        "network create ''",
        "network ls --format '{{.Name}} {{.Driver}} {{.Scope}}'",
        "network ls --filter name=net --format '{{.Name}}'",
        "network ls --filter type=builtin --format '{{.Name}}'",
        "network ls --filter type=custom --format '{{.Name}}'",
        "network ls --filter dangling=true --format '{{.Name}}'",
        "network ls --filter dangling=maybe",
        "network ls --filter driver=host --format '{{.Name}}'",
        "network ls --filter nosuch=1",
        "network ls --filter type=odd",
        "network inspect net1 nosuch",
        "network rm net1 nosuch",
        "network rm -f nosuch",
        "network rm bridge host",
        "network prune -f",
    ],
    "drivers and their options": [
        "network create -d host net1",
        "network create -d null net1",
        "network create -d overlay net1",
        "network create --ipam-driver null net1",
        "network create --scope swarm net1",
        "network create --ingress net1",
        "network create --ipv4=false net1",
        "network create --config-from nosuch net1",
        "network create -o com.docker.network.bridge.enable_icc=perhaps net1",
        "network create -o com.docker.network.driver.mtu=many net1",
        "network create -o com.docker.network.driver.mtu=-5 net1",
        "network create -o com.docker.network.bridge.host_binding_ipv4=here net1",
        "network create -o com.docker.network.bridge.gateway_mode_ipv4=odd net1",
        "network create -o com.docker.network.bridge.gateway_mode_ipv4=isolated net1",
        "network create -o com.docker.network.enable_ipv6=si net1",
        "network create -d macvlan -o macvlan_mode=odd net1",
        "network create -d macvlan -o parent=lo net1",
        "network create -d macvlan -o parent=nosuch0 net1",
        "network create -d macvlan -o parent=nosuch0.5 net1",
        "network create -d macvlan -o parent=a.b.c net1",
        "network create -d ipvlan -o ipvlan_mode=l9 net1",
        "network create -d ipvlan -o ipvlan_flag=odd net1",
        "network ls --format '{{.Name}}'",
    ],
    "subnets": [
        "network create --subnet @4.0.0/24 net1",
        "network inspect net1",
        "network create --subnet @4.0.0/16 net2",
        "network create --subnet @4.0.0/24 net2",
        "network create --subnet @4.1.5/24 net2",
        "network create --subnet @4.1.0 net2",
        "network create --subnet @4.1.0/24 --gateway 10.99.0.1 net2",
        "network create --subnet @4.1.0/24 --gateway @4.1.0 net2",
        "network create --subnet @4.1.0/24 --ip-range @4.9.0/28 net2",
        "network create --subnet @4.1.0/24 --ip-range @4.0.0/16 net2",
        "network create --subnet @4.1.0/24 --ip-range @4.1.9/28 net2",
        "network create --subnet @4.1.0/24 --ip-range @4.1.9 net2",
        "network create --subnet @4.1.0/24 --ip-range nonsense net2",
        "network create --gateway @4.1.1 net2",
        "network create --subnet @4.1.0/24 --aux-address a=@4.7.7 net2",
        "network create --subnet @4.1.0/24 --aux-address a=@4.1.1 net2",
        "network create --subnet @4.1.0/24 --subnet @4.2.0/24 net2",
        "network create --subnet @6::/64 net2",
        "network inspect net2",
        "network rm net2",
        "network create --ipv6 --subnet @6::/64 --gateway @6::9 net2",
        "network inspect net2",
        "network rm net2",
        "network create --subnet @4.1.0/24 --ip-range @4.1.64/26 --aux-address a=@4.1.70"
        " --gateway @4.1.200 --internal --label x=y -o com.docker.network.driver.mtu=1400 net2",
        "network inspect net2",
        "network create --ipv6 net3",
        "network inspect net3",
        "network create --config-only --subnet @4.3.0/24 --label k=v conf",
        "network inspect conf",
        "network create --config-from conf net4",
        "network inspect net4",
        "network rm conf",
        "network create --config-from conf --subnet @4.4.0/24 net5",
        "network create --config-only --internal net5",
        "run --rm --network conf busybox true",
        "network prune -f --filter label=x",
        "network prune -f --filter label!=x",
        "network prune -f --filter nosuch=1",
        "network rm conf",
        "network ls --format '{{.Name}}'",
    ],
    "a container on a network": [
        "network create --subnet @4.0.0/24 net1",
        f"run -d --name box --network net1 --network-alias web --ip @4.0.50 {SLEEP}",
        "network inspect net1",
        "inspect box --format '{{json .NetworkSettings}}'",
        "inspect box --format '{{json .HostConfig.NetworkMode}}'",
        "ps --format '{{.Names}} {{.Networks}} {{.Ports}}'",
        "ps --filter network=net1 --format '{{.Names}}'",
        "network rm net1",
        "exec box cat /etc/resolv.conf",
        "exec box cat /etc/hosts",
        "exec box ip -o -4 address show eth0",
        "exec box ip route",
        "exec box nslookup -type=a web",
        "exec box nslookup -type=aaaa box.net1",
        "exec box nslookup -type=ptr 50.0.0.10.in-addr.arpa.",
        f"run --rm --network net1 --ip @4.0.50 {SLEEP}",
        f"run --rm --network net1 --ip 10.99.9.9 {SLEEP}",
        f"run --rm --network net1 --ip @4.0.1 {SLEEP}",
        f"run --rm --network net1 --ip6 fd00::9 {SLEEP}",
        f"run --rm --ip @4.0.51 {SLEEP}",
        f"run --rm --network nosuch {SLEEP}",
        f"run --rm --network net1 --network host {SLEEP}",
        f"run --rm --network net1 --network net1 {SLEEP}",
        "rename box other",
        "exec other nslookup -type=a other",
        "inspect other --format '{{json .NetworkSettings.Networks}}'",
        "stop -t 0 other",
        "inspect other --format '{{json .NetworkSettings}}'",
        "network inspect net1 --format '{{json .Containers}}'",
        "start other",
        "rm -f other",
        "network rm net1",
    ],
    "connecting and disconnecting": [
        "network create --subnet @4.0.0/24 net1",
        "network create --subnet @4.1.0/24 net2",
        f"run -d --name box {SLEEP}",
        "network connect nosuch box",
        "network connect net1 nosuch",
        "network connect --ip @4.0.60 --alias web --link other:db net1 box",
        "network connect net1 box",
        "network connect --ip 10.99.9.9 net2 box",
        "network connect host box",
        "network connect none box",
        "inspect box --format '{{json .NetworkSettings.Networks}}'",
        "exec box cat /etc/resolv.conf",
        "exec box ip -o -4 address show eth1",
        "exec box nslookup -type=a web",
        "network connect --gw-priority 5 net2 box",
        "exec box ip route",
        "exec box cat /etc/hosts",
        "network disconnect net2 box",
        "network disconnect net2 box",
        "network disconnect -f net2 box",
        "network disconnect nosuch box",
        "network disconnect net2 nosuch",
        "network disconnect -f net2 nosuch",
        "exec box ip route",
        "network disconnect bridge box",
        "exec box ip route",
        "exec box cat /etc/hosts",
        "stop -t 0 box",
        "network connect net2 box",
        "network connect net2 box",
        "network connect later box",
        "network disconnect net1 box",
        "network disconnect net1 box",
        "start box",
        "network disconnect later box",
        "start box",
        "inspect box --format '{{json .NetworkSettings.Networks}}'",
        "network inspect net1 net2 --format '{{json .Containers}}'",
        f"run -d --name guest --network container:box {SLEEP}",
        "network connect net1 guest",
        f"run -d --name hosted --network host {SLEEP}",
        "network connect net1 hosted",
        "network disconnect host hosted",
        "network inspect host --format '{{len .Containers}}'",
    ],
    "several networks from the start": [
        "network create --subnet @4.0.0/24 net1",
        "network create --subnet @4.1.0/24 net2",
        "network create --subnet @4.2.0/24 --internal net3",
        "create --name box --network name=net1,alias=one,ip=@4.0.9,gw-priority=1"
        " --network name=net2,ip=@4.1.9,mac-address=02:42:0a:00:00:09"
        f" --network name=net3,ip=@4.2.9 -p 80 {SLEEP}",
        "inspect box --format '{{json .NetworkSettings.Networks}}'",
        "start box",
        "inspect box --format '{{json .NetworkSettings.Networks}}'",
        "exec box ip route show default",
        "network rm net1",
        "rm -f box",
        f"run -d --name quiet --network net3 -p 80 --expose 90 {SLEEP}",
        "inspect quiet --format '{{json .NetworkSettings.Ports}}'",
        "exec quiet ip route",
        f"run --rm --network name=net1,driver-opt=com.docker.network.endpoint.sysctls=x {SLEEP}",
        "run --rm --network name=net1,driver-opt=com.docker.network.endpoint.ifname=wan0"
        ",driver-opt=com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1"
        " busybox sh -c 'cat /proc/sys/net/ipv4/conf/wan0/log_martians; ip route'",
    ],
    "links": [
        f"run -d --name db -e NAME=value --expose 80-81 --expose 53/udp {SLEEP}",
        "run --rm --name front --link db:data-base busybox"
        " sh -c 'env | grep ^DATA | sort; cat /etc/hosts'",
        "run --rm --link nosuch busybox true",
        f"create --name front --link db {SLEEP}",
        "inspect front --format '{{json .HostConfig.Links}}'",
        "stop -t 0 db",
        "start front",
        "network create net1",
        f"run -d --name udb --network net1 {SLEEP}",
        "run --rm --network net1 --link udb:data busybox nslookup -type=a data",
    ],
    "IPv6": [
        "network create --ipv6 --subnet @4.0.0/24 --subnet @6::/64 net1",
        f"run -d --name box --network net1 --ip6 @6::50 --sysctl net.ipv4.ip_forward=0 {SLEEP}",
        "inspect box --format '{{json .NetworkSettings.Networks}}'",
        "network inspect net1 --format '{{json .Containers}}'",
        "exec box cat /etc/hosts",
        "exec box ip -6 route show default",
        "exec box nslookup -type=aaaa box",
    ],
}


def _own(subject: Subject, text: str) -> str:
    number = 201 if subject.is_ours else 202
    return text.replace("@4", f"10.{number}").replace("@6", f"fd00:{number}")


def _common(text: str) -> str:
    """What both say, with each one's own addresses by their kinds."""
    text = re.sub(r"\b10\.20[12]\.", "@4.", text)
    text = re.sub(r"\b(\d+)\.(\d+)\.20[12]\.10\.in-addr", r"\1.\2.@4.in-addr", text)
    text = re.sub(r"\bfd00:20[12]:", "@6:", text)
    text = re.sub(r"\b(veth|br-|di-|dm-)[0-9a-f]{7,12}\b", r"\1NAME", text)
    text = re.sub(r"@if\d+|^\d+: ", "", text, flags=re.MULTILINE)
    return re.sub(_ULA, "ULA", re.sub(_POOLS, "POOL", text))


def _both(ours: Subject, dockerd: Subject, do: Callable[[Subject], T]) -> list[T]:
    """The same with both at once."""
    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(do, (ours, dockerd)))


def _outcomes(subject: Subject, commands: Commands) -> list[Outcome]:
    given = [_own(subject, command) for command in commands if isinstance(command, str)]
    return [
        Outcome(
            _common(one.command),
            one.code,
            _comparable(one.command, one.stdout),
            _comparable(one.command, one.stderr),
        )
        for one in run(subject, given)
    ]


def _comparable(command: str, text: str) -> str:
    """dockerd goes through Go's maps, in any order, when it prunes and when it joins networks."""
    lines = [_common(line) for line in text.splitlines()]
    if command.startswith("network prune"):
        lines.sort()
    if command.startswith("exec box ip route"):
        lines = [re.sub(r"\beth\d\b", "ethN", line) for line in lines]
    return "\n".join(lines)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_same_command_lines(name: str, ours: Subject, dockerd: Subject) -> None:
    mine, theirs = _both(ours, dockerd, lambda subject: _outcomes(subject, COMMANDS[name]))
    told = [
        f"{one.command}\n  ours:    {dataclasses.astuple(one)[1:]}\n"
        f"  dockerd: {dataclasses.astuple(other)[1:]}"
        for one, other in zip(mine, theirs, strict=True)
        if one != other
    ]
    assert not told, "\n".join(told)


def _events(subject: Subject) -> list[Any]:
    since = time.time()
    for command in (
        "network create --subnet @4.0.0/24 net1",
        f"run -d --name box --network net1 {SLEEP}",
        "network connect bridge box",
        "network disconnect net1 box",
        "rm -f box",
        "network rm net1",
        "network create --config-only conf",
        "network rm conf",
        "network prune -f",
    ):
        assert subject.docker(*_own(subject, command).split()).returncode == 0
    filters = json.dumps({"type": {"network": True}})
    target = f"/events?since={since:.9f}&until={time.time() + 1:.0f}&filters={filters}"
    lines = subject.api("GET", target.replace(" ", "")).body.splitlines()
    told = [json.loads(line) for line in lines]
    return [(one["Action"], accidents_in(one["Actor"]["Attributes"])) for one in told]


def test_the_same_events(ours: Subject, dockerd: Subject) -> None:
    mine, theirs = _both(ours, dockerd, _events)
    assert mine == theirs


AUXILIARY: Final = {"Subnet": "10.203.9.0/24", "AuxiliaryAddresses": {"a": ""}}
LONG: Final = f"10.203.9.0/{'1' * 5000}"
REQUESTS: Final[list[tuple[str, str, Any]]] = [
    ("GET", "/networks?filters=nonsense", None),
    ("GET", '/networks?filters={"dangling":["true","false"]}', None),
    ("GET", "/networks/nosuch", None),
    ("GET", "/networks/bridge?verbose=perhaps", None),
    ("GET", "/networks/bridge?scope=swarm", None),
    ("POST", "/networks/create", {}),
    ("POST", "/networks/create", {"Name": "net1", "IPAM": {"Config": [{"Subnet": "x"}, {}]}}),
    ("POST", "/networks/create", {"Name": "net1", "IPAM": {"Config": [AUXILIARY]}}),
    ("POST", "/networks/create", {"Name": "net1", "IPAM": {"Config": [{"Subnet": LONG}]}}),
    ("POST", "/networks/bridge/connect", {}),
    ("POST", "/networks/bridge/connect", {"Container": "nosuch"}),
    ("POST", "/networks/bridge/disconnect", {"Container": "nosuch"}),
    ("POST", "/networks/prune?filters=nonsense", None),
    ("DELETE", "/networks/nosuch", None),
    ("DELETE", "/networks/", None),
    ("DELETE", "/networks/none", None),
]


def test_the_same_answers(ours: Subject, dockerd: Subject) -> None:
    def ask(subject: Subject) -> list[tuple[int, Any]]:
        answers = [subject.api(*request) for request in REQUESTS]
        return [(one.status, one.json()) for one in answers]

    assert ask(ours) == ask(dockerd)


def test_the_same_networks_at_the_beginning(ours: Subject, dockerd: Subject) -> None:
    """All but who they are: bridge, IDs, times and subnet."""

    def shown(subject: Subject) -> list[Any]:
        eventually(lambda: subject.api("GET", "/networks").status == 200)
        found = sorted(subject.api("GET", "/networks").json(), key=lambda one: one["Name"])
        for network in found:
            network["Options"].pop("com.docker.network.bridge.name", None)
        return [accidents_in(network) for network in found]

    assert not differences(shown(ours), shown(dockerd), {})
