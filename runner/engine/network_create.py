"""Making networks (moby daemon/network.go createNetwork, libnetwork NewNetwork)."""

from __future__ import annotations

import asyncio
import re
from ipaddress import ip_address, ip_interface
from typing import TYPE_CHECKING, Final

import msgspec

from runner.engine.networks import PREDEFINED, log_network, pools_of
from runner.network import (
    NetworkRecord,
    Pool,
    Surroundings,
    check_driver,
    choose_gateway,
    has_subnets,
    needs_gateway,
    occupied_networks,
    request_pool,
    reserve_auxiliary,
)
from runner.types import times
from runner.types.errors import Forbidden, InvalidParameter, NotFound
from runner.types.gotext import parse_bool
from runner.types.ids import generate_id
from runner.types.network import CreateNetworkResponse, IPAMConfig, join_problems
from runner.types.wire import from_wire, to_wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.engine.engine import Engine
    from runner.network import IPNetwork
    from runner.types.network import IPAM, CreateNetworkRequest

_ENABLE: Final = "com.docker.network.enable_ipv"
_LENGTH: Final = re.compile(r"0|[1-9][0-9]{0,2}")


async def network_create(engine: Engine, request: CreateNetworkRequest) -> CreateNetworkResponse:
    """Make a network (moby CreateNetwork).

    Raises Forbidden for the predefined names and what swarm alone can do, AlreadyExists when the
    name is taken, NotFound for an unknown driver, InvalidParameter and Forbidden for subnets that
    cannot be, and what the driver raises; then nothing of the network stays.
    """
    if request.name in PREDEFINED:
        raise Forbidden(f"operation is not permitted on predefined {request.name} network ")
    record = _record(request)
    with engine.networks.reserve_name(record.name):
        _check_configuration(request, record)
        if record.config_only:
            engine.networks.save(record)
        else:
            record = await _make(engine, _configured(engine, record))
    log_network(engine, record, "create")
    return CreateNetworkResponse(id=record.id)


def _record(request: CreateNetworkRequest) -> NetworkRecord:
    """What is asked for, before it is known what can be had."""
    driver = request.driver or "bridge"
    if driver == "overlay":
        raise Forbidden(
            'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to'
            " connect this node to swarm and try again."
        )
    options = dict(request.options or {})
    ipv4 = _is_enabled(options, 4, asked=request.enable_ipv4, default=True)
    ipv6 = _is_enabled(options, 6, asked=request.enable_ipv6, default=False)
    validate_ipam(request.ipam, ipv6=ipv6)
    ipam = request.ipam
    if not request.name.strip():
        raise InvalidParameter("invalid name: name is empty")
    return NetworkRecord(
        driver=driver,
        id=generate_id(),
        name=request.name,
        created=times.now(),
        ipv4=ipv4,
        ipv6=ipv6,
        internal=request.internal,
        attachable=request.attachable,
        config_only=request.config_only,
        config_from=request.config_from.network if request.config_from else "",
        ipam_driver=(ipam.driver if ipam else "") or "default",
        ipam_options=ipam.options if ipam else None,
        ipam_config=tuple(to_wire(config) for config in (ipam and ipam.config) or ()),
        options=options,
        labels=request.labels or {},
    )


def _is_enabled(
    options: dict[str, str], version: int, *, asked: bool | None, default: bool
) -> bool:
    """What the request says, or else the driver's option."""
    name = f"{_ENABLE}{version}"
    if asked is not None:
        options.pop(name, None)
        return asked
    if name not in options:
        return default
    try:
        return parse_bool(options[name])
    except ValueError:
        raise InvalidParameter(f'driver-opt "{name}" is not a valid bool') from None


def _check_configuration(request: CreateNetworkRequest, record: NetworkRecord) -> None:
    """What cannot go together (validateConfiguration), and what only a swarm has."""
    if record.config_only:
        if request.ingress or record.internal or record.attachable or request.scope:
            raise Forbidden(
                "configuration network can only contain network specific fields. Network operator"
                " fields like [ ingress | internal | attachable | scope ] are not supported."
            )
        if record.config_from:
            raise Forbidden(
                "a configuration network cannot depend on another configuration network"
            )
        return
    if record.config_from:
        _check_nothing_configured(record)
    check_driver(record.driver)
    if request.ingress:
        raise Forbidden("Ingress network can only be global scope network")
    if request.scope == "swarm":
        raise Forbidden("cannot create a swarm scoped network when swarm is not active")


def _check_nothing_configured(record: NetworkRecord) -> None:
    own = (
        record.ipam_driver != "default"
        or not record.ipv4
        or record.ipv6
        or record.labels
        or record.ipam_options
        or record.ipam_config
    )
    where = "if the network depends on a configuration network"
    if own:
        raise Forbidden(f"user specified configurations are not supported {where}")
    if record.options:
        raise Forbidden(f"network driver options are not supported {where}")


def _configured(engine: Engine, record: NetworkRecord) -> NetworkRecord:
    """With the configuration of the network that it depends on (applyConfigurationTo)."""
    if not record.config_from:
        return record
    for other in engine.networks:
        if other.config_only and other.name == record.config_from:
            return msgspec.structs.replace(
                record,
                ipv4=other.ipv4,
                ipv6=other.ipv6,
                labels=other.labels,
                ipam_driver=other.ipam_driver,
                ipam_options=other.ipam_options,
                ipam_config=other.ipam_config,
                options=other.options,
            )
    raise NotFound(f'configuration network "{record.config_from}" does not exist')


async def _make(engine: Engine, record: NetworkRecord) -> NetworkRecord:
    """Choose subnets, keep the record, make the network: in this order, so that whatever a killed
    engine has made is found again."""
    pools = await _allocate(engine, record) if has_subnets(record) else ()
    if not has_subnets(record):
        record = msgspec.structs.replace(record, ipam_driver="cni")
    record = msgspec.structs.replace(record, pools=tuple(pools))
    # it is saved before anything is waited for: nobody else chooses the same subnets
    try:
        return await engine.network.create_network(record, keep=engine.networks.save)
    except BaseException:
        engine.networks.delete(record.id)
        raise


async def _allocate(engine: Engine, record: NetworkRecord) -> list[Pool]:
    """The network's subnets with their gateways (ipamAllocate)."""
    wants = {4: needs_gateway(record, 4), 6: needs_gateway(record, 6)}
    if record.ipam_driver not in ("default", "null"):
        raise NotFound(f'plugin "{record.ipam_driver}" not found')
    enabled = [version for version in (4, 6) if (record.ipv4 if version == 4 else record.ipv6)]
    if record.ipam_driver == "null" and enabled:
        raise InvalidParameter(f"ipv{enabled[0]} pool is empty")
    occupied = await asyncio.to_thread(occupied_networks)
    configured = [from_wire(config, IPAMConfig) for config in record.ipam_config]
    pools: list[Pool] = []
    for version in enabled:
        of_family = [one for one in configured if (":" in one.subnet) == (version == 6)]
        for wanted in of_family or [IPAMConfig()]:
            around = _surroundings(engine, pools, occupied)
            pool = request_pool(wanted, version, around)
            pool = choose_gateway(pool, wanted.gateway, wanted=wants[version])
            auxiliary = sorted((wanted.aux_addresses or {}).items())
            pools.append(reserve_auxiliary(pool, auxiliary, record.name))
    return pools


def _surroundings(engine: Engine, own: list[Pool], occupied: list[IPNetwork]) -> Surroundings:
    taken = [pool for other in engine.networks for pool in pools_of(engine, other)]
    if (bip := engine.config.bip) is not None:
        taken.append(Pool(str(bip.network)))
    return Surroundings((*taken, *own), occupied, engine.id)


def validate_ipam(ipam: IPAM | None, *, ipv6: bool) -> None:
    """Raise InvalidParameter for subnets and addresses that do not fit (ValidateIPAM)."""
    problems = [
        problem
        for config in (ipam and ipam.config) or ()
        for problem in _problems(config, ipv6=ipv6)
    ]
    if problems:
        raise InvalidParameter(f"invalid network config:\n{join_problems(problems)}")


def _problems(config: IPAMConfig, *, ipv6: bool) -> Iterator[str]:
    found = _parse_prefix(config.subnet)
    if found is None:
        yield f"invalid subnet {config.subnet}: invalid CIDR block notation"
        return
    given, subnet = found
    if subnet.version == 6 and not ipv6:
        return
    if given != str(subnet):
        yield f"invalid subnet {given}: it should be {subnet}"
    yield from _range_problems(config.ip_range, given, subnet)
    if problem := _address_problem(config.gateway, given, subnet):
        yield f"invalid gateway {config.gateway}: {problem}"
    for name, address in sorted((config.aux_addresses or {}).items()):
        if problem := _address_problem(address, given, subnet):
            yield f"invalid auxiliary address {name}: {problem}"


def _range_problems(text: str, given: str, subnet: IPNetwork) -> Iterator[str]:
    """validateIPRange."""
    if not text:
        return
    found = _parse_prefix(text)
    if found is None:
        yield f"invalid ip-range {text}: invalid CIDR block notation"
        return
    shown, within = found
    if within.version != subnet.version:
        yield f"invalid ip-range {text}: parent subnet is an IPv{subnet.version} block"
        return
    if within.prefixlen < subnet.prefixlen:
        yield f"invalid ip-range {text}: CIDR block is bigger than its parent subnet {given}"
    if shown != str(within):
        yield f"invalid ip-range {shown}: it should be {within}"
    if not subnet.overlaps(within):
        yield f"invalid ip-range {text}: parent subnet {given} doesn't contain ip-range"


def _address_problem(text: str, given: str, subnet: IPNetwork) -> str:
    """validateAddress."""
    if not text:
        return ""
    try:
        address = ip_address(text)
    except ValueError:
        return "invalid address"
    if address.version != subnet.version:
        return f"parent subnet is an IPv{subnet.version} block"
    if address not in subnet:
        return f"parent subnet {given} doesn't contain this address"
    return ""


def _parse_prefix(text: str) -> tuple[str, IPNetwork] | None:
    """A prefix as it is written and the network that it is of (netip.ParsePrefix)."""
    _, slash, length = text.partition("/")
    if not slash or not _LENGTH.fullmatch(length):
        return None
    try:
        interface = ip_interface(text)
    except ValueError:
        return None
    return str(interface), interface.network
