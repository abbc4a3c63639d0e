"""`info` (docker/cli prettyPrintInfo)."""

from __future__ import annotations

import sys

from runner import __version__
from runner.cli.context import warn
from runner.cli.errors import CliError, describe
from runner.cli.format import documents
from runner.client import system
from runner.client.errors import ConnectionFailed
from runner.client.units import bytes_size
from runner.types.errors import RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.system import InfoOptions
    from runner.cli.template import Template


def run(context: Context, options: InfoOptions) -> int:
    """Show the state of the engine and its host; warnings go to stderr."""
    if options.format:
        return _formatted(context, options.format)
    info: dict[str, Any] = {}
    failure = ""
    try:
        info = system.info(context.client())
    except RunnerError as err:
        failure = describe(err)
    sys.stdout.write("".join(f"{line}\n" for line in _lines({"Version": __version__}, info)))
    sys.stdout.flush()
    if failure:
        sys.stderr.write(f"ERROR: {failure}\n")
    for warning in info.get("Warnings") or []:
        sys.stderr.write(f"{warning}\n")
    if failure:
        sys.stderr.write("errors pretty printing info\n")
    return 1 if failure else 0


def _formatted(context: Context, layout: str) -> int:
    template = documents.parse(layout)
    whole: dict[str, Any] = {"ClientInfo": {"Version": __version__}}
    failures: list[str] = []
    if _needs_engine(template, layout, whole):
        try:
            whole |= system.info(context.client())
        except ConnectionFailed as err:
            failures.append(describe(err))
        except RunnerError as err:
            whole["ServerErrors"] = [describe(err)]
            warn(describe(err))
    text, fault = documents.render_typed(template, "system.dockerInfo", whole)
    sys.stdout.write(text + "\n")
    failures += [fault] if fault else []
    if failures:
        raise CliError("\n".join(failures))
    return 0


def _needs_engine(template: Template, layout: str, client_side: dict[str, Any]) -> bool:
    """Whether the template shows more than what this side knows by itself."""
    names_field = any(part[:1].isalpha() for part in layout.split(".")[1:])
    if not names_field:
        return True
    return bool(documents.render_typed(template, "system.sparseInfo", client_side)[1])


def _lines(client: dict[str, str], info: dict[str, Any]) -> Iterator[str]:
    yield "Client:"
    yield f" Version:    {client['Version']}"
    yield ""
    yield "Server:"
    if info:
        yield from _counts(info)
        yield from _plugins(info)
        yield from _runtimes(info)
        yield from _host(info)
        yield from _registries(info)
        yield f" Live Restore Enabled: {_truth(info['LiveRestoreEnabled'])}"
        yield ""


def _counts(info: dict[str, Any]) -> Iterator[str]:
    yield f" Containers: {info['Containers']}"
    for state in ("Running", "Paused", "Stopped"):
        yield f"  {state}: {info[f'Containers{state}']}"
    yield f" Images: {info['Images']}"
    yield from _given(info, ("Server Version", "ServerVersion"), ("Storage Driver", "Driver"))
    for key, value in info.get("DriverStatus") or []:
        yield f"  {key}: {value}"
    yield from _given(
        info,
        ("Logging Driver", "LoggingDriver"),
        ("Cgroup Driver", "CgroupDriver"),
        ("Cgroup Version", "CgroupVersion"),
    )


def _plugins(info: dict[str, Any]) -> Iterator[str]:
    plugins = info.get("Plugins") or {}
    yield " Plugins:"
    for kind in ("Volume", "Network", "Authorization", "Log"):
        names = plugins.get(kind) or []
        if names or kind != "Authorization":
            yield f"  {kind}: {' '.join(names)}"
    if info.get("CDISpecDirs"):
        yield " CDI spec directories:"
        for folder in info["CDISpecDirs"]:
            yield f"  {folder}"
    yield f" Swarm: {(info.get('Swarm') or {}).get('LocalNodeState', 'inactive')}"


def _runtimes(info: dict[str, Any]) -> Iterator[str]:
    if info.get("Runtimes"):
        yield f" Runtimes: {' '.join(info['Runtimes'])}"
        yield f" Default Runtime: {info['DefaultRuntime']}"
    yield f" Init Binary: {info.get('InitBinary', '')}"
    for name in ("containerd", "runc", "init"):
        commit = info.get(f"{name.capitalize()}Commit") or {}
        yield f" {name} version: {commit.get('ID', '')}"
    if info.get("SecurityOptions"):
        yield " Security Options:"
    for option in info.get("SecurityOptions") or []:
        settings = dict(part.partition("=")[::2] for part in option.split(","))
        yield f"  {settings.get('name', '')}"
        if "profile" in settings:
            yield f"   Profile: {settings['profile']}"


def _host(info: dict[str, Any]) -> Iterator[str]:
    yield from _given(
        info,
        ("Kernel Version", "KernelVersion"),
        ("Operating System", "OperatingSystem"),
        ("OSType", "OSType"),
        ("Architecture", "Architecture"),
    )
    yield f" CPUs: {info['NCPU']}"
    yield f" Total Memory: {bytes_size(info['MemTotal'])}"
    yield from _given(info, ("Name", "Name"), ("ID", "ID"))
    yield f" Docker Root Dir: {info['DockerRootDir']}"
    yield f" Debug Mode: {_truth(info['Debug'])}"
    yield from _given(
        info,
        ("HTTP Proxy", "HttpProxy"),
        ("HTTPS Proxy", "HttpsProxy"),
        ("No Proxy", "NoProxy"),
    )
    if info.get("Labels"):
        yield " Labels:"
        yield from (f"  {label}" for label in info["Labels"])
    yield f" Experimental: {_truth(info['ExperimentalBuild'])}"


def _registries(info: dict[str, Any]) -> Iterator[str]:
    registries = info.get("RegistryConfig") or {}
    indexes = registries.get("IndexConfigs") or {}
    insecure = [index["Name"] for index in indexes.values() if not index["Secure"]]
    insecure += registries.get("InsecureRegistryCIDRs") or []
    if insecure:
        yield " Insecure Registries:"
        yield from (f"  {name}" for name in insecure)
    if registries.get("Mirrors"):
        yield " Registry Mirrors:"
        yield from (f"  {mirror}" for mirror in registries["Mirrors"])


def _given(info: dict[str, Any], *lines: tuple[str, str]) -> Iterator[str]:
    return (f" {label}: {info[key]}" for label, key in lines if info.get(key))


def _truth(value: object) -> str:
    return "true" if value else "false"
