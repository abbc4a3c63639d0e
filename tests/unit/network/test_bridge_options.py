"""Options of bridge networks, as the driver understands them."""

import pytest

from runner.network import bridge_options
from runner.network.records import NetworkRecord
from runner.types.errors import InvalidParameter, NotImplementedYet, RunnerError

BRIDGE = "com.docker.network.bridge."


def record(internal: bool = False, **options: str) -> NetworkRecord:
    named = {BRIDGE + name: value for name, value in options.items()}
    return NetworkRecord("bridge", id="ab" * 32, name="front", internal=internal, options=named)


def test_without_options() -> None:
    config = bridge_options.bridge_config(record())
    assert (config.name, config.mtu, config.prefix) == ("br-abababababab", 1500, "eth")
    assert config.icc
    assert config.masquerade


def test_options_are_understood() -> None:
    options = {
        "com.docker.network.driver.mtu": "1400",
        "com.docker.network.container_iface_prefix": "lan",
        "com.docker.network.host_ipv4": "192.0.2.9",
        BRIDGE + "name": "mine",
        BRIDGE + "enable_icc": "0",
        BRIDGE + "enable_ip_masquerade": "F",
        BRIDGE + "host_binding_ipv4": "127.0.0.1",
        BRIDGE + "gateway_mode_ipv6": "nat-unprotected",
        BRIDGE + "trusted_host_interfaces": "eth0.10:ppp+",
        "of.somebody.else": "x",
    }
    config = bridge_options.bridge_config(NetworkRecord("bridge", options=options))
    assert (config.name, config.mtu, config.prefix) == ("mine", 1400, "lan")
    assert not config.icc
    assert not config.masquerade
    assert (str(config.binding), str(config.source4)) == ("127.0.0.1", "192.0.2.9")
    assert (config.unprotected4, config.unprotected6) == (False, True)
    assert config.trusted == ("eth0.10", "ppp+")


@pytest.mark.parametrize(
    "name", ["eth0 -j ACCEPT", "eth0\nCOMMIT", "eth0\t", "!", '"eth0"', "a" * 16, "é", "a/b"]
)
def test_a_trusted_interface_is_no_rule(name: str) -> None:
    options = record(trusted_host_interfaces=f"eth0:{name}")
    with pytest.raises(InvalidParameter, match="invalid interface name"):
        bridge_options.bridge_config(options)


def test_gateways_that_are_not_wanted() -> None:
    assert bridge_options.needs_gateway(record(), 4)
    inhibited = record(internal=True, inhibit_ipv4="true")
    assert not bridge_options.needs_gateway(inhibited, 4)
    isolated = record(internal=True, gateway_mode_ipv6="isolated")
    assert bridge_options.needs_gateway(isolated, 4)
    assert not bridge_options.needs_gateway(isolated, 6)


def test_what_cannot_be() -> None:
    with pytest.raises(RunnerError, match=r"failed to parse .*enable_icc value: x"):
        bridge_options.read_options(record(enable_icc="x"))
    with pytest.raises(RunnerError, match="can only be used for an internal network"):
        bridge_options.read_options(record(gateway_mode_ipv4="isolated"))
    with pytest.raises(NotImplementedYet):
        bridge_options.read_options(record(gateway_mode_ipv4="routed"))
