"""--gpus all|N|device=…,capabilities=… (docker/cli opts.GpuOpts)."""

from __future__ import annotations

from runner.cli.values import csv
from runner.cli.values.numbers import decimal_int

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def gpu_request(text: str) -> dict[str, Any]:
    """A DeviceRequest as the API wants it. Raises ValueError with docker's text."""
    request: dict[str, Any] = {}
    seen: set[str] = set()
    for field in csv.fields(text):
        key, separator, value = field.partition("=")
        if key in seen:
            raise ValueError(f"gpu request key '{key}' can be specified only once")
        seen.add(key)
        if not separator:
            seen.add("count")
            request["Count"] = _count(key)
        else:
            _apply(request, key, value, field)
    if "count" not in seen and "DeviceIDs" not in request:
        request["Count"] = 1
    return {"Options": {}, "Capabilities": [["gpu"]]} | request


def _apply(request: dict[str, Any], key: str, value: str, field: str) -> None:
    if key == "driver":
        request["Driver"] = value
    elif key == "count":
        request["Count"] = _count(value)
    elif key == "device":
        request["DeviceIDs"] = value.split(",")
    elif key == "capabilities":
        request["Capabilities"] = [[*value.split(","), "gpu"]]
    elif key == "options":
        request["Options"] = _options(value)
    else:
        raise ValueError(f"unexpected key '{key}' in '{field}'")


def _count(text: str) -> int:
    if text == "all":
        return -1
    try:
        return decimal_int(text)
    except ValueError as err:
        raise ValueError(
            f'invalid count ({text}): value must be either "all" or an integer: {err}'
        ) from None


def _options(text: str) -> dict[str, str]:
    try:
        pairs = [field.partition("=") for field in csv.fields(text)]
    except ValueError as err:
        raise ValueError(f"failed to read gpu options: {err}") from None
    return {key: value for key, _, value in pairs}
