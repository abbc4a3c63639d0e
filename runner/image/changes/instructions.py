"""What each instruction does to an image's run configuration (moby builder/dockerfile)."""

from __future__ import annotations

import posixpath
import re
import signal
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from runner.image.changes.lines import Instruction, json_list, parse_lines, spaced_list
from runner.image.changes.words import expand, expand_words, split_words
from runner.types.errors import InvalidParameter
from runner.types.gotime import parse_duration
from runner.types.image import HealthConfig, ImageRunConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_SHELL = ["/bin/sh", "-c"]
_MILLISECOND = 1_000_000


def apply_changes(config: ImageRunConfig, changes: list[str]) -> ImageRunConfig:
    """A copy of the configuration with the changes made (moby BuildFromConfig).

    Raises InvalidParameter with buildkit's and moby's texts.
    """
    if not changes:
        return config
    instructions = parse_lines(changes)
    for instruction in instructions:
        if instruction.keyword.lower() not in _HANDLERS:
            raise InvalidParameter(f"{instruction.keyword} is not a valid change command")
    changer = _Changer(deepcopy(config))
    for instruction in instructions:
        _HANDLERS[instruction.keyword.lower()](changer, instruction)
    return changer.config


class _Changer:
    """The configuration while it is being changed."""

    def __init__(self, config: ImageRunConfig) -> None:
        self.config = config
        self._cmd_set = False

    def _variables(self) -> Mapping[str, str]:
        pairs = (entry.partition("=") for entry in self.config.env or [])
        return {name: value for name, _, value in pairs}

    def _expand(self, text: str) -> str:
        return expand(text, self._variables())

    def cmd(self, instruction: Instruction) -> None:
        """CMD: what runs by default."""
        _no_flags(instruction)
        command, given = self._command_line(instruction)
        self.config.cmd = command
        self._cmd_set = self._cmd_set or given

    def entrypoint(self, instruction: Instruction) -> None:
        """ENTRYPOINT: takes a CMD away that was not set beside it."""
        _no_flags(instruction)
        command, _ = self._command_line(instruction)
        self.config.entrypoint = command or None
        if not self._cmd_set:
            self.config.cmd = None

    def _command_line(self, instruction: Instruction) -> tuple[list[str], bool]:
        """The exec form as it is; the shell form behind the shell."""
        listed = json_list(instruction.rest)
        if listed is not None:
            return listed, bool(listed)
        shell = self.config.shell or _SHELL
        words = [instruction.rest] if instruction.rest else []
        return [*shell, *words], bool(words)

    def env(self, instruction: Instruction) -> None:
        """ENV: replaces a variable where it is, new ones come last."""
        pairs = [
            (self._expand(key), self._expand(value)) for key, value in _pairs(instruction, "ENV")
        ]
        entries = list(self.config.env or [])
        for key, value in pairs:
            names = [entry.partition("=")[0] for entry in entries]
            if key in names:
                entries[names.index(key)] = f"{key}={value}"
            else:
                entries.append(f"{key}={value}")
        self.config.env = entries

    def label(self, instruction: Instruction) -> None:
        """LABEL."""
        pairs = {
            self._expand(key): self._expand(value) for key, value in _pairs(instruction, "LABEL")
        }
        self.config.labels = {**(self.config.labels or {}), **pairs}

    def expose(self, instruction: Instruction) -> None:
        """EXPOSE: ports and ranges, with protocols."""
        _no_flags(instruction)
        words = sorted(spaced_list(instruction.rest))
        if not words:
            raise _at_least_one("EXPOSE")
        variables = self._variables()
        ports = [port for word in words for port in expand_words(word, variables)]
        exposed: dict[str, dict[str, Any]] = {port: {} for word in ports for port in _ports(word)}
        self.config.exposed_ports = {**(self.config.exposed_ports or {}), **exposed}

    def healthcheck(self, instruction: Instruction) -> None:
        """HEALTHCHECK: `NONE`, or options and CMD."""
        kind, *rest = instruction.rest.split(maxsplit=1) or [""]
        if not kind:
            raise _at_least_one("HEALTHCHECK")
        if kind.upper() == "NONE":
            if rest:
                raise InvalidParameter("HEALTHCHECK NONE takes no arguments")
            self.config.healthcheck = HealthConfig(test=["NONE"])
            return
        options = _flags(instruction, _HEALTH_FLAGS)
        if kind.upper() != "CMD":
            raise InvalidParameter(f'Unknown type "{kind.upper()}" in HEALTHCHECK (try CMD)')
        self.config.healthcheck = HealthConfig(
            test=_health_test(rest[0] if rest else ""),
            interval=_interval(options, "interval"),
            timeout=_interval(options, "timeout"),
            start_period=_interval(options, "start-period"),
            start_interval=_interval(options, "start-interval"),
            retries=_retries(options.get("retries", "")),
        )

    def onbuild(self, instruction: Instruction) -> None:
        """ONBUILD: kept as it is written."""
        _no_flags(instruction)
        if not instruction.rest:
            raise _at_least_one("ONBUILD")
        trigger = instruction.rest.split(maxsplit=1)[0].upper()
        if trigger == "ONBUILD":
            raise InvalidParameter("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
        if trigger in {"MAINTAINER", "FROM"}:
            raise InvalidParameter(f"{trigger} isn't allowed as an ONBUILD trigger")
        self.config.on_build = [*(self.config.on_build or []), instruction.rest]

    def stopsignal(self, instruction: Instruction) -> None:
        """STOPSIGNAL: a name or a number."""
        name = self._expand(_exactly_one(instruction))
        if not _is_signal(name):
            raise InvalidParameter(f"invalid signal: {name}")
        self.config.stop_signal = name

    def user(self, instruction: Instruction) -> None:
        """USER."""
        _no_flags(instruction)
        self.config.user = self._expand(_exactly_one(instruction))

    def volume(self, instruction: Instruction) -> None:
        """VOLUME: a JSON array or words."""
        _no_flags(instruction)
        listed = json_list(instruction.rest)
        paths = spaced_list(instruction.rest) if listed is None else listed
        if not paths:
            raise _at_least_one("VOLUME")
        volumes = dict(self.config.volumes or {})
        for path in paths:
            expanded = self._expand(path.strip())
            if not expanded:
                raise InvalidParameter("VOLUME specified can not be an empty string")
            volumes[expanded] = {}
        self.config.volumes = volumes

    def workdir(self, instruction: Instruction) -> None:
        """WORKDIR: a relative one starts from the present one."""
        _no_flags(instruction)
        path = self._expand(_exactly_one(instruction))
        if not path:
            raise InvalidParameter("cannot normalize nothing")
        joined = posixpath.join("/", self.config.working_dir, path)
        self.config.working_dir = "/" + posixpath.normpath(joined).lstrip("/")


_HANDLERS: dict[str, Callable[[_Changer, Instruction], None]] = {
    "cmd": _Changer.cmd,
    "entrypoint": _Changer.entrypoint,
    "env": _Changer.env,
    "expose": _Changer.expose,
    "healthcheck": _Changer.healthcheck,
    "label": _Changer.label,
    "onbuild": _Changer.onbuild,
    "stopsignal": _Changer.stopsignal,
    "user": _Changer.user,
    "volume": _Changer.volume,
    "workdir": _Changer.workdir,
}
_HEALTH_FLAGS = frozenset({"interval", "timeout", "start-period", "start-interval", "retries"})


def _at_least_one(keyword: str) -> InvalidParameter:
    return InvalidParameter(f"{keyword} requires at least one argument")


def _exactly_one(instruction: Instruction) -> str:
    if not instruction.rest:
        keyword = instruction.keyword.upper()
        raise InvalidParameter(f"{keyword} requires exactly one argument")
    return instruction.rest


def _no_flags(instruction: Instruction) -> None:
    _flags(instruction, frozenset())


def _flags(instruction: Instruction, known: frozenset[str]) -> dict[str, str]:
    """The flags with their values; each must have one, and come once."""
    found: dict[str, str] = {}
    for flag in instruction.flags:
        name, equals, value = flag.removeprefix("--").partition("=")
        if name not in known:
            raise InvalidParameter(f"unknown flag: --{name}")
        if name in found:
            raise InvalidParameter(f"duplicate flag specified: --{name}")
        if not equals:
            raise InvalidParameter(f"missing a value on flag: --{name}")
        found[name] = value
    return found


def _pairs(instruction: Instruction, keyword: str) -> list[tuple[str, str]]:
    """`key=value …`, or the old `key value` (parseNameVal)."""
    _no_flags(instruction)
    words = split_words(instruction.rest)
    if not words:
        raise _at_least_one(keyword)
    if "=" not in words[0]:
        key, *value = re.split(r"[\t\v\f\r ]+", instruction.rest, maxsplit=1)
        if not value:
            raise InvalidParameter(f"{keyword} must have two arguments")
        return [(key, value[0])]
    pairs: list[tuple[str, str]] = []
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            raise InvalidParameter(
                f'Syntax error - can\'t find = in "{word}". Must be of the form: name=value'
            )
        if not key:
            raise InvalidParameter(f"{keyword} names can not be blank")
        pairs.append((key, text))
    return pairs


def _ports(word: str) -> Iterator[str]:
    """`80`, `80/udp`, `80-90/tcp`; a host part is checked and dropped (go-connections nat)."""
    host, _, port = word.rpartition(":")
    number, slash, protocol = port.partition("/")
    protocol = protocol.lower() if slash and protocol else "tcp"
    if not number:
        raise InvalidParameter(f"no port specified: {word}<empty>")
    limits = _port_range(number)
    if limits is None:
        raise InvalidParameter(f"invalid containerPort: {number}")
    host_port = host.rpartition(":")[2]
    if host_port and _port_range(host_port) is None:
        raise InvalidParameter(f"invalid hostPort: {host_port}")
    if protocol not in {"tcp", "udp", "sctp"}:
        raise InvalidParameter(f"invalid proto: {protocol}")
    for one in range(limits[0], limits[1] + 1):
        yield f"{one}/{protocol}"


def _port_range(text: str) -> tuple[int, int] | None:
    first, dash, last = text.partition("-")
    bounds = [first, last] if dash else [first, first]
    if not all(re.fullmatch(r"[0-9]{1,5}", bound) for bound in bounds):
        return None
    low, high = map(int, bounds)
    return (low, high) if low <= high <= 0xFFFF else None


def _health_test(command: str) -> list[str]:
    listed = json_list(command)
    if listed is None:
        listed = [command] if command else []
        kind = "CMD-SHELL"
    else:
        kind = "CMD"
    if not listed:
        raise InvalidParameter("Missing command after HEALTHCHECK CMD")
    return [kind, *listed]


def _interval(options: dict[str, str], name: str) -> int:
    """Nanoseconds; 0 when it is not given."""
    text = options.get(name, "")
    duration = _duration(text) if text else 0
    if duration and duration < _MILLISECOND:
        raise InvalidParameter(f'Interval "{name}" cannot be less than 1ms')
    return duration


def _duration(text: str) -> int:
    try:
        return parse_duration(text)
    except ValueError as err:
        raise InvalidParameter(str(err)) from err


def _retries(text: str) -> int:
    if not text:
        return 0
    if not re.fullmatch(r"[+-]?[0-9]{1,10}", text):
        raise InvalidParameter(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    retries = int(text)
    if retries < 0:
        raise InvalidParameter(f"--retries cannot be negative ({retries})")
    return retries


def _is_signal(name: str) -> bool:
    if re.fullmatch(r"[+-]?[0-9]{1,9}", name):
        return int(name) != 0
    upper = name.upper().removeprefix("SIG")
    if re.fullmatch(r"RTMIN(\+([1-9]|1[0-5]))?|RTMAX(-([1-9]|1[0-4]))?", upper):
        return True
    return f"SIG{upper}" in signal.Signals.__members__
