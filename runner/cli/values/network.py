"""--network NAME or name=…,alias=…,ip=… (docker/cli opts.NetworkOpt)."""

from __future__ import annotations

from runner.cli.values import csv
from runner.cli.values.numbers import decimal_int

_TEXTS = {"name": "target", "ip": "ipv4", "ip6": "ipv6", "mac-address": "mac"}


class Attachment:
    """One network that the container joins, with the settings of its endpoint."""

    def __init__(self, target: str = "") -> None:
        self.target = target
        self.ipv4 = ""
        self.ipv6 = ""
        self.mac = ""
        self.aliases: list[str] = []
        self.links: list[str] = []
        self.link_local: list[str] = []
        self.driver_options: dict[str, str] = {}
        self.gateway_priority = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Attachment) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


def attachment(text: str) -> Attachment:
    """Parse either form. Raises ValueError with docker's text."""
    if not _is_long(text):
        return Attachment(text)
    made = Attachment()
    for field in csv.fields(text):
        _apply(made, field)
    if not made.target:
        raise ValueError("network name/id is not specified")
    return made


def _is_long(text: str) -> bool:
    r"""Whether the text holds a `\w=\w`, all that docker's unanchored pattern comes down to."""
    return any(
        _is_word(text[index - 1 : index]) and _is_word(text[index + 1 : index + 2])
        for index, char in enumerate(text)
        if char == "="
    )


def _is_word(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char == "_")


def _apply(made: Attachment, field: str) -> None:
    key, separator, value = field.lower().partition("=")
    if not separator or not key:
        raise ValueError(f"invalid field {field}")
    key, value = key.strip(), value.strip()
    if key in _TEXTS:
        setattr(made, _TEXTS[key], value)
    elif key == "alias":
        made.aliases.append(value)
    elif key == "link-local-ip":
        made.link_local.append(value)
    elif key == "driver-opt":
        name, separator, setting = value.partition("=")
        if not separator or not name:
            raise ValueError("invalid key value pair format in driver options")
        made.driver_options[name.strip()] = setting.strip()
    elif key == "gw-priority":
        made.gateway_priority = _priority(value)
    else:
        raise ValueError(f"invalid field key {key}")


def _priority(value: str) -> int:
    try:
        return decimal_int(value)
    except ValueError as err:
        raise ValueError(f"invalid gw-priority ({value}): {err}") from None
