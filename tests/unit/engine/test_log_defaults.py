"""What keeps an engine from starting: log options that no container could have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.engine.config import EngineConfig
from runner.engine.engine import Engine
from runner.types.container import LogConfig
from runner.types.errors import InvalidParameter, NotImplementedYet, RunnerError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("driver", "options", "kind", "text"),
    [
        (
            "json-file",
            {"foo": "1"},
            InvalidParameter,
            "unknown log opt 'foo' for json-file log driver",
        ),
        ("local", {"mode": "x"}, InvalidParameter, "logger: logging mode not supported: x"),
        ("syslog", {"syslog-address": "x"}, InvalidParameter, "unsupported scheme: ''"),
        (
            "nosuch",
            {},
            InvalidParameter,
            'error looking up logging plugin nosuch: plugin "nosuch" not found',
        ),
        ("gelf", {}, NotImplementedYet, "log driver 'gelf' is not supported"),
    ],
)
async def test_wrong_defaults(
    tmp_path: Path, driver: str, options: dict[str, str], kind: type[RunnerError], text: str
) -> None:
    config = EngineConfig(
        data_root=tmp_path / "data",
        exec_root=tmp_path / "exec",
        log_config=LogConfig(type=driver, config=options),
    )
    with pytest.raises(kind) as caught:
        await Engine(config).open()
    assert str(caught.value) == f"failed to set log opts: {text}"
    assert list(tmp_path.iterdir()) == []
