"""The networks that there are: found by name or ID, and shown (moby daemon/network.go).

`runner.network` makes them; here is what the user has said of them and what clients are told.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import msgspec

from runner.network import NetworkRecord
from runner.types import filters, times
from runner.types.errors import AlreadyExists, InvalidParameter, NotFound, RunnerError
from runner.types.ids import generate_id
from runner.types.network import (
    IPAM,
    ConfigReference,
    EndpointResource,
    IPAMConfig,
    NetworkResource,
)
from runner.types.wire import from_wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.network import Pool
    from runner.store.networks import NetworkTable
    from runner.types.filters import Filters
    from runner.types.network import EndpointSettings

PREDEFINED: Final = {"bridge": "bridge", "host": "host", "none": "null"}
"""Networks that are always there, with their drivers."""
_FILTERS: Final = frozenset({"dangling", "driver", "id", "label", "name", "scope", "type"})
_DEFAULT_MTU: Final = "1500"

_decode = msgspec.json.Decoder(NetworkRecord).decode


class Networks:
    """All records, by ID; each change is in the store before it is told."""

    def __init__(self, table: NetworkTable) -> None:
        self._table = table
        self._by_id: dict[str, NetworkRecord] = {}
        self._reserved: set[str] = set()
        for identity, encoded in table.all():
            record = _decode(encoded)
            self._by_id[identity] = msgspec.structs.replace(record, id=identity)
        for name, driver in PREDEFINED.items():
            self._ensure(name, driver)

    def _ensure(self, name: str, driver: str) -> None:
        """A predefined network keeps its ID across restarts."""
        known = self._table.by_name(name)
        identity = known[0] if known else generate_id()
        record = self._by_id.get(identity) or NetworkRecord(driver)
        if not record.created:
            record = msgspec.structs.replace(record, id=identity, name=name, created=times.now())
            self.save(record)

    def __iter__(self) -> Iterator[NetworkRecord]:
        return iter(list(self._by_id.values()))

    def of_user(self) -> list[NetworkRecord]:
        """Those that somebody has made, but for mere configurations."""
        return [one for one in self if one.name not in PREDEFINED and not one.config_only]

    def get(self, name: str) -> NetworkRecord:
        """The network of that name. Raises NotFound."""
        for record in self:
            if record.name == name:
                return record
        raise NotFound(f"network {name} not found")

    def find(self, term: str) -> NetworkRecord:
        """Look up by ID, then name, then unique prefix of an ID (moby FindNetwork). Raises
        NotFound, InvalidParameter for a prefix of several."""
        if term in self._by_id:
            return self._by_id[term]
        for record in self:
            if record.name == term:
                return record
        found = [record for identity, record in self._by_id.items() if identity.startswith(term)]
        if len(found) > 1:
            raise InvalidParameter(
                f"network {term} is ambiguous ({len(found)} matches found based on ID prefix)"
            )
        if not found:
            raise NotFound(f"network {term} not found")
        return found[0]

    @contextlib.contextmanager
    def reserve_name(self, name: str) -> Iterator[None]:
        """Keep others from making a network of that name. Raises AlreadyExists."""
        if name in self._reserved or any(record.name == name for record in self):
            raise AlreadyExists(f"network with name {name} already exists")
        self._reserved.add(name)
        try:
            yield
        finally:
            self._reserved.discard(name)

    def save(self, record: NetworkRecord) -> None:
        """Insert or replace."""
        self._by_id[record.id] = record
        self._table.save(record.id, record.name, msgspec.json.encode(record))

    def delete(self, network_id: str) -> None:
        """Forget. Idempotent."""
        self._by_id.pop(network_id, None)
        self._table.delete(network_id)


async def network_list(engine: Engine, chosen: Filters) -> list[NetworkResource]:
    """The networks that pass the filters (moby GetNetworks, FilterNetworks). Raises
    InvalidParameter."""
    filters.validate(chosen, _FILTERS)
    await _start_default(engine)
    passing = [record for record in engine.networks if _passes(record, chosen)]
    chosen_ones = _by_type(_by_use(passing, chosen), chosen)
    return [_resource(engine, record) for record in chosen_ones]


async def network_inspect(engine: Engine, term: str, scope: str = "") -> NetworkResource:
    """One network with its containers (moby getNetwork). Raises NotFound, InvalidParameter."""
    record = engine.networks.find(term)
    if scope not in ("", "local"):
        raise NotFound(f"network {term} not found")
    if record.name == "bridge":
        await _start_default(engine)
    resource = _resource(engine, record)
    resource.containers = dict(attachments(engine, record))
    return resource


async def _start_default(engine: Engine) -> None:
    """Its subnet is known once it is there. Where it cannot be had, it has none."""
    with contextlib.suppress(RunnerError):
        await engine.network.start()


def _passes(record: NetworkRecord, chosen: Filters) -> bool:
    return (
        filters.exact(chosen, "driver", shown_driver(record))
        and filters.pattern(chosen, "name", record.name)
        and filters.pattern(chosen, "id", record.id)
        and filters.labels(chosen, "label", record.labels)
        and filters.exact(chosen, "scope", "local")
    )


def _by_use(records: Sequence[NetworkRecord], chosen: Filters) -> Sequence[NetworkRecord]:
    """filterNetworkByUse: as in moby's list, which does not know who is on a network, all of the
    user's are unused."""
    values = chosen.get("dangling")
    if not values:
        return records
    if len(values) > 1:
        raise InvalidParameter('got more than one value for filter key "dangling"')
    if values[0] not in ("0", "false", "1", "true"):
        raise InvalidParameter(
            'invalid value for filter \'dangling\', must be "true" (or "1"), or "false" (or "0")'
        )
    unused = values[0] in ("1", "true")
    return [record for record in records if (record.name not in PREDEFINED) == unused]


def _by_type(records: Sequence[NetworkRecord], chosen: Filters) -> list[NetworkRecord]:
    """filterNetworkByType."""
    if not chosen.get("type"):
        return list(records)
    found: list[NetworkRecord] = []
    for kind in chosen["type"]:
        if kind not in ("builtin", "custom"):
            raise RunnerError(f"invalid filter: 'type'='{kind}'")
        found += [one for one in records if (one.name in PREDEFINED) == (kind == "builtin")]
    return found


def shown_driver(record: NetworkRecord) -> str:
    """The driver; a mere configuration has none."""
    return "null" if record.config_only else record.driver


def attachments(engine: Engine, record: NetworkRecord) -> Iterator[tuple[str, EndpointResource]]:
    """The containers that are on the network, by ID (moby buildContainerAttachments)."""
    for container in engine.containers:
        place = place_on(container, record)
        if place is not None:
            yield container.id, _endpoint_resource(container, place)


def place_on(container: Container, record: NetworkRecord) -> EndpointSettings | None:
    """The container's endpoint on the network, if it is there at present."""
    settings = container.record.network_settings
    place = settings.networks.get(record.name)
    return place if place is not None and settings.sandbox_id and place.endpoint_id else None


def _endpoint_resource(container: Container, place: EndpointSettings) -> EndpointResource:
    ipv4, ipv6 = place.ip_address, place.global_ipv6_address
    return EndpointResource(
        name=container.name,
        endpoint_id=place.endpoint_id,
        mac_address=place.mac_address,
        ipv4_address=f"{ipv4}/{place.ip_prefix_len}" if ipv4 else "",
        ipv6_address=f"{ipv6}/{place.global_ipv6_prefix_len}" if ipv6 else "",
    )


def _resource(engine: Engine, record: NetworkRecord) -> NetworkResource:
    """moby buildNetworkResource."""
    return NetworkResource(
        name=record.name,
        id=record.id,
        created=record.created,
        scope="local",
        driver=shown_driver(record),
        enable_ipv4=record.ipv4,
        enable_ipv6=record.ipv6,
        ipam=IPAM(
            driver=record.ipam_driver,
            options=record.ipam_options,
            config=_ipam_configs(engine, record) or None,
        ),
        internal=record.internal,
        attachable=record.attachable,
        ingress=False,
        config_from=ConfigReference(network=record.config_from),
        config_only=record.config_only,
        containers={},
        options=_options(engine, record),
        labels=record.labels,
    )


def _ipam_configs(engine: Engine, record: NetworkRecord) -> list[IPAMConfig]:
    """What the user has configured; of a family without that, what was chosen
    (buildIPAMResources)."""
    configured = [from_wire(config, IPAMConfig) for config in record.ipam_config]
    families = {":" in config.subnet for config in configured}
    chosen = [
        IPAMConfig(subnet=pool.subnet, gateway=pool.gateway)
        for pool in pools_of(engine, record)
        if (":" in pool.subnet) not in families
    ]
    return [*sorted(configured, key=lambda config: ":" in config.subnet), *chosen]


def pools_of(engine: Engine, record: NetworkRecord) -> Iterable[Pool]:
    """The network's subnets; those of the default one are its bridge's."""
    if record.name == "bridge":
        bridge = engine.network.default_network
        return bridge.pools if bridge else ()
    return record.pools


def _options(engine: Engine, record: NetworkRecord) -> dict[str, str]:
    if record.name != "bridge":
        return record.options
    prefix = "com.docker.network"
    return {
        f"{prefix}.bridge.default_bridge": "true",
        f"{prefix}.bridge.enable_icc": "true",
        f"{prefix}.bridge.enable_ip_masquerade": "true",
        f"{prefix}.bridge.host_binding_ipv4": "0.0.0.0",  # noqa: S104 (shown, not bound)
        f"{prefix}.bridge.name": engine.config.bridge,
        f"{prefix}.driver.mtu": _DEFAULT_MTU,
    }


def log_network(
    engine: Engine, record: NetworkRecord, action: str, attributes: dict[str, str] | None = None
) -> None:
    """A network's event (moby LogNetworkEventWithAttributes)."""
    described = {**(attributes or {}), "name": record.name, "type": shown_driver(record)}
    engine.events.publish("network", action, record.id, described)
