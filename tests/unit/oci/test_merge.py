from __future__ import annotations

from typing import Any

import msgspec
import pytest

from runner.oci.merge import get_entrypoint_and_args, merge, merge_and_verify_config
from runner.types.container import Config
from runner.types.errors import InvalidParameter
from runner.types.image import HealthConfig, ImageRunConfig

IMAGE = ImageRunConfig(
    user="app",
    exposed_ports={"80/tcp": {}},
    env=["A=image", "B=image"],
    entrypoint=["/entry"],
    cmd=["image"],
    volumes={"/data": {}},
    working_dir="/app",
    labels={"a": "image", "b": "image"},
    stop_signal="SIGINT",
    healthcheck=HealthConfig(test=["CMD", "image"], interval=1, retries=2),
)


@pytest.mark.parametrize(
    ("field", "user", "merged"),
    [
        ("user", "", "app"),
        ("user", "me", "me"),
        ("working_dir", "", "/app"),
        ("working_dir", "/me", "/me"),
        ("stop_signal", "", "SIGINT"),
        ("stop_signal", "9", "9"),
        ("env", None, ["A=image", "B=image"]),
        ("env", ["B=me", "C"], ["B=me", "C", "A=image"]),
        ("env", ["A"], ["A", "B=image"]),
        ("labels", None, {"a": "image", "b": "image"}),
        ("labels", {"b": "me", "c": "me"}, {"a": "image", "b": "me", "c": "me"}),
        ("exposed_ports", {"81/tcp": {}}, {"81/tcp": {}, "80/tcp": {}}),
        ("volumes", None, {"/data": {}}),
        ("volumes", {"/me": {}}, {"/me": {}, "/data": {}}),
    ],
)
def test_merge(field: str, user: Any, merged: Any) -> None:
    assert getattr(merge(Config(**{field: user}), IMAGE), field) == merged


@pytest.mark.parametrize(
    ("entrypoint", "cmd", "command"),
    [
        (None, None, ["/entry", "image"]),
        (None, ["me"], ["/entry", "me"]),
        (["/me"], None, ["/me"]),
        (["/me", "x"], ["y"], ["/me", "x", "y"]),
        ([], None, ["image"]),
        ([""], ["me"], ["me"]),
    ],
)
def test_command(entrypoint: Any, cmd: Any, command: list[str]) -> None:
    merged = merge_and_verify_config(Config(entrypoint=entrypoint, cmd=cmd), IMAGE)
    path, args = get_entrypoint_and_args(merged.entrypoint, merged.cmd)
    assert [path, *args] == command


@pytest.mark.parametrize(
    ("config", "image"),
    [(Config(), None), (Config(cmd=[]), ImageRunConfig()), (Config(entrypoint=[""]), IMAGE)],
)
def test_nothing_to_run(config: Config, image: ImageRunConfig | None) -> None:
    with pytest.raises(InvalidParameter) as caught:
        merge_and_verify_config(config, image)
    assert str(caught.value) == "no command specified"


@pytest.mark.parametrize(
    ("user", "merged"),
    [
        (None, IMAGE.healthcheck),
        (
            HealthConfig(retries=9, timeout=3),
            HealthConfig(test=["CMD", "image"], interval=1, retries=9, timeout=3),
        ),
    ],
)
def test_healthcheck(user: HealthConfig | None, merged: HealthConfig) -> None:
    assert merge(Config(healthcheck=user), IMAGE).healthcheck == merged


def test_what_is_merged_stays_as_it_was() -> None:
    user = Config(env=["X=1"], labels={"x": "1"}, volumes={"/x": {}})
    before = msgspec.json.encode([user, IMAGE])
    merge_and_verify_config(user, IMAGE)
    assert msgspec.json.encode([user, IMAGE]) == before
