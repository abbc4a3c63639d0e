"""The driver cni: networks that the host's CNI configuration defines, joined by its plugins.

    -o cni.network=NAME       the name in the configuration; the network's own without it
    -o cni.conf-dir=DIR       where *.conflist and *.conf are: /etc/cni/net.d
    -o cni.bin-dir=DIR:DIR    where the plugins are: /opt/cni/bin:/usr/lib/cni

Addresses, routes and published ports (where a plugin has the capability) are the plugins' affair.
Source: the CNI specification 1.0, sections 2 to 5; libcni.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from runner.network.attempt import attempt
from runner.network.driver import normal_mac
from runner.network.ports import ANY4
from runner.network.records import Endpoint, PublishedPort
from runner.types.errors import InvalidParameter, NotFound, RunnerError, System
from runner.types.ids import generate_id

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from runner.network.driver import Place
    from runner.network.ports import PortRequest
    from runner.network.records import EndpointRequest, NetworkRecord, Sandbox

log = logging.getLogger(__name__)

_CONF_DIR: Final = "/etc/cni/net.d"
_BIN_DIR: Final = "/opt/cni/bin:/usr/lib/cni"
_TIMEOUT: Final = 60.0


@dataclass(frozen=True, slots=True)
class Configuration:
    """A network as the host defines it: plugins that are called one after the other."""

    name: str
    version: str
    plugins: tuple[dict[str, Any], ...]

    def has_capability(self, name: str) -> bool:
        """Whether one of the plugins wants to be told."""
        return any(plugin.get("capabilities", {}).get(name) for plugin in self.plugins)


def load_configuration(directory: Path, name: str) -> Configuration:
    """The first in the order of file names. Blocks. Raises NotFound, InvalidParameter."""
    try:
        files = sorted(directory.iterdir())
    except OSError as err:
        raise NotFound(f"cannot read CNI configurations: {directory}: {err.strerror}") from err
    for file in files:
        if file.suffix not in (".conflist", ".conf", ".json"):
            continue
        found = _read(file)
        if found.name == name:
            return found
    raise NotFound(f'no CNI network "{name}" in {directory}')


def _read(file: Path) -> Configuration:
    try:
        content = msgspec.json.decode(file.read_bytes())
        plugins = content["plugins"] if file.suffix == ".conflist" else [content]
        types = [plugin["type"] for plugin in plugins]
    except (OSError, msgspec.DecodeError, KeyError, TypeError) as err:
        raise InvalidParameter(f"cannot read the CNI configuration {file}: {err}") from err
    if not types:
        raise InvalidParameter(f"the CNI configuration {file} names no plugin")
    return Configuration(
        content.get("name", ""), content.get("cniVersion", "0.3.1"), tuple(plugins)
    )


def check_cni(record: NetworkRecord) -> None:
    """Raise InvalidParameter for what is the plugins' affair. Whether there is a definition shows
    when the network is started."""
    if record.ipam_config or record.internal:
        raise InvalidParameter(
            "the addresses of a CNI network and what it leads to are defined by the host's CNI"
            " configuration"
        )


def _configuration(record: NetworkRecord) -> Configuration:
    directory = Path(record.options.get("cni.conf-dir") or _CONF_DIR)
    return load_configuration(directory, record.options.get("cni.network") or record.name)


class CNIDriver:
    """One network of the host's."""

    prefix: Final = "eth"

    def __init__(self, record: NetworkRecord) -> None:
        self._record = record
        self._path = record.options.get("cni.bin-dir") or _BIN_DIR

    async def start(self) -> None:
        """See Driver. The plugins make what is missing. Raises NotFound without a definition."""
        await asyncio.to_thread(_configuration, self._record)

    async def restore(self, endpoints: Sequence[Endpoint]) -> None:
        """See Driver."""
        del endpoints

    async def gateways(self, sandbox: Sandbox) -> tuple[bool, bool]:
        """See Driver. The plugins set the routes, and tell afterwards."""
        del sandbox
        return False, False

    async def create_endpoint(
        self, sandbox: Sandbox, request: EndpointRequest, place: Place
    ) -> Endpoint:
        """See Driver: ADD, one plugin after the other; a failure is followed by DEL."""
        configuration = await asyncio.to_thread(_configuration, self._record)
        call = _Call(self._path, configuration, sandbox, place.ifname)
        wishes = _wishes(configuration, request)
        try:
            return self._endpoint(request, place, await call.add(wishes), wishes)
        except BaseException:
            await attempt(call.delete({}, wishes), "remove what CNI plugins have made")
            raise

    async def delete_endpoint(
        self, endpoint: Endpoint, sandbox: Sandbox, *, alive: bool = False
    ) -> bool:
        """See Driver: DEL, in reverse order, while the namespace is still there."""
        if not alive:
            return True
        state = msgspec.json.decode(endpoint.state or "{}")
        configuration = Configuration(
            state.get("name", ""), state.get("version", ""), tuple(state.get("plugins", ()))
        )
        call = _Call(self._path, configuration, sandbox, endpoint.ifname)
        deleting = call.delete(state.get("result", {}), state.get("wishes", {}))
        return await attempt(deleting, f"leave the CNI network {self._record.name}")

    async def publish(
        self, endpoint: Endpoint, ports: Sequence[PortRequest], families: Collection[int]
    ) -> Endpoint:
        """See Driver. The plugins have been told of the ports, if one of them wants to be."""
        del families
        if ports and not endpoint.ports:
            raise InvalidParameter(
                f"ports cannot be published on the CNI network {self._record.name}: none of its"
                " plugins has the capability portMappings, or no host port is named"
            )
        return endpoint

    async def withdraw(self, endpoint: Endpoint) -> Endpoint:
        """See Driver. They stay as long as the endpoint does."""
        return endpoint

    async def close(self) -> None:
        """See Driver."""

    async def purge(self) -> None:
        """See Driver. The network is the host's."""

    def _endpoint(
        self, request: EndpointRequest, place: Place, result: _Added, wishes: dict[str, Any]
    ) -> Endpoint:
        made = _read_result(result.last)
        return Endpoint(
            network_id=self._record.id,
            id=generate_id(),
            name=request.name,
            interface="",
            mac_address=made.mac(place.ifname),
            ports=tuple(
                PublishedPort(
                    mapping["protocol"],
                    mapping["containerPort"],
                    mapping.get("hostIP") or str(ANY4),
                    mapping["hostPort"],
                )
                for mapping in wishes.get("portMappings", ())
            ),
            network=self._record.name,
            driver="cni",
            ifname=place.ifname,
            priority=request.priority,
            names=tuple(request.names),
            links=tuple(request.links),
            state=msgspec.json.encode(result.state(wishes)).decode(),
            **made.addresses(),
        )


def _wishes(configuration: Configuration, request: EndpointRequest) -> dict[str, Any]:
    """The capability arguments: what plugins may be told of the container."""
    mappings = [
        {
            "hostPort": port.host_port,
            "containerPort": port.container_port,
            "protocol": port.protocol,
            **({"hostIP": str(port.host_ip)} if port.host_ip else {}),
        }
        for port in request.ports
        if port.host_port and port.host_port == port.host_port_end
    ]
    addresses = [str(address) for address in (request.address, request.address6) if address]
    wishes: dict[str, Any] = {}
    if mappings and configuration.has_capability("portMappings"):
        wishes["portMappings"] = mappings
    if addresses:
        _require(configuration, "ips", "a static address")
        wishes["ips"] = addresses
    if request.mac_address:
        _require(configuration, "mac", "a MAC address")
        wishes["mac"] = normal_mac(request.mac_address)
    return wishes


def _require(configuration: Configuration, capability: str, what: str) -> None:
    if not configuration.has_capability(capability):
        raise InvalidParameter(
            f"{what} cannot be asked for on the CNI network {configuration.name}: none of its"
            f" plugins has the capability {capability}"
        )


class _Address(msgspec.Struct):
    address: str
    gateway: str = ""

    def __post_init__(self) -> None:
        ip_interface(self.address)
        if self.gateway:
            ip_address(self.gateway)


class _Interface(msgspec.Struct):
    name: str = ""
    mac: str = ""
    sandbox: str = ""


class _Result(msgspec.Struct):
    """What there is after an ADD, as far as we show it (section 5)."""

    ips: list[_Address] = []
    interfaces: list[_Interface] = []

    def addresses(self) -> dict[str, Any]:
        """The first of each family, as an Endpoint has them."""
        found: dict[str, Any] = {"address": "", "prefix_len": 0, "gateway": ""}
        for each in self.ips:
            own = ip_interface(each.address)
            suffix = "" if own.version == 4 else "6"
            if not found.get(f"address{suffix}"):
                found[f"address{suffix}"] = str(own.ip)
                found[f"prefix_len{suffix}"] = own.network.prefixlen
                found[f"gateway{suffix}"] = each.gateway
        return found

    def mac(self, ifname: str) -> str:
        """That of the container's interface."""
        own = (one.mac for one in self.interfaces if one.name == ifname and one.sandbox)
        return next(own, "")


def _read_result(result: dict[str, Any]) -> _Result:
    try:
        return msgspec.convert(result, _Result)
    except msgspec.ValidationError as err:
        raise System(f"the result of the CNI plugins cannot be read: {err}") from err


@dataclass(frozen=True, slots=True)
class _Added:
    """What came of an ADD."""

    configuration: Configuration
    last: dict[str, Any]

    def state(self, wishes: dict[str, Any]) -> dict[str, Any]:
        """What DEL must be told again, whatever becomes of the host's configuration."""
        return {
            "name": self.configuration.name,
            "version": self.configuration.version,
            "plugins": self.configuration.plugins,
            "result": self.last,
            "wishes": wishes,
        }


@dataclass(frozen=True, slots=True)
class _Call:
    """Calls of a network's plugins for one interface of a sandbox."""

    path: str
    configuration: Configuration
    sandbox: Sandbox
    ifname: str

    async def add(self, wishes: dict[str, Any]) -> _Added:
        """ADD. Raises RunnerError with what the plugin said."""
        result: dict[str, Any] = {}
        for plugin in self.configuration.plugins:
            output = await self._run("ADD", plugin, result, wishes)
            try:
                result = msgspec.json.decode(output, type=dict[str, Any])
            except msgspec.DecodeError as err:
                raise System(f"CNI plugin {plugin['type']} gave no result: {err}") from err
        return _Added(self.configuration, result)

    async def delete(self, result: dict[str, Any], wishes: dict[str, Any]) -> None:
        """DEL. Raises RunnerError with what the plugin said."""
        for plugin in reversed(self.configuration.plugins):
            await self._run("DEL", plugin, result, wishes)

    async def _run(
        self,
        command: str,
        plugin: dict[str, Any],
        previous: dict[str, Any],
        wishes: dict[str, Any],
    ) -> bytes:
        kind = plugin["type"]
        environment = {
            **os.environ,
            "CNI_COMMAND": command,
            "CNI_CONTAINERID": self.sandbox.container_id,
            "CNI_NETNS": self.sandbox.key,
            "CNI_IFNAME": self.ifname,
            "CNI_PATH": self.path,
            "CNI_ARGS": "IgnoreUnknown=1",
        }
        process = await _begin(_find(kind, self.path), environment)
        given = msgspec.json.encode(self._configuration_for(plugin, previous, wishes))
        try:
            async with asyncio.timeout(_TIMEOUT):
                output, errors = await process.communicate(given)
        except TimeoutError as err:
            raise System(f"CNI plugin {kind} did not end within {_TIMEOUT:.0f} seconds") from err
        finally:
            await _end(process)
        if process.returncode:
            raise RunnerError(f"CNI plugin {kind} failed ({command}): {_reason(output, errors)}")
        return output

    def _configuration_for(
        self, plugin: dict[str, Any], previous: dict[str, Any], wishes: dict[str, Any]
    ) -> dict[str, Any]:
        """The plugin's part of the configuration, completed (section 4)."""
        complete = {
            **{key: value for key, value in plugin.items() if key != "capabilities"},
            "name": self.configuration.name,
            "cniVersion": self.configuration.version,
        }
        wanted = plugin.get("capabilities", {})
        told = {name: value for name, value in wishes.items() if wanted.get(name)}
        if told:
            complete["runtimeConfig"] = told
        if previous:
            complete["prevResult"] = previous
        return complete


async def _begin(program: str, environment: dict[str, str]) -> asyncio.subprocess.Process:
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            program,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            process_group=0,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # cancelled itself it would kill the plugin alone, and wait for those that that has called
        await _end(await starting)
        raise


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill a plugin that has not ended, with the plugins that it has called: what follows, DEL
    mostly, is not to go on beside it."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _find(kind: str, path: str) -> str:
    """The plugin's program. A name with a slash would leave the directories."""
    for directory in path.split(":"):
        program = Path(directory) / kind
        if "/" not in kind and os.access(program, os.X_OK):
            return str(program)
    raise NotFound(f'failed to find CNI plugin "{kind}" in path [{path}]')


def _reason(output: bytes, errors: bytes) -> str:
    try:
        told = msgspec.json.decode(output)
        parts = [told["msg"], told.get("details")]
    except (msgspec.DecodeError, KeyError, TypeError):
        return errors.decode(errors="replace").strip() or "no reason given"
    return "; ".join(str(part) for part in parts if part)
