"""Which containers `ps` shows: filters, order, limits."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from runner.engine import list as listing
from runner.engine.list import ListOptions
from runner.types.container import Config, NetworkSettings
from runner.types.errors import InvalidParameter, NotFound, RunnerError
from runner.types.network import EndpointSettings, PortBinding
from runner.volume import MountPoint

if TYPE_CHECKING:
    from tests.unit.engine.support import FakeEngine

Filters = dict[str, list[str]]


class Images:
    """`base`, and `child` that was made from it."""

    ids = {"base": "sha256:1", "child": "sha256:2"}  # noqa: RUF012

    async def resolve(self, name: str) -> Any:
        if name not in self.ids:
            raise NotFound(name)
        return SimpleNamespace(target=SimpleNamespace(digest=self.ids[name]))

    async def children(self, image_id: str) -> list[str]:
        return ["sha256:2"] if image_id == "sha256:1" else []


@pytest.fixture
def engine(fake_engine: FakeEngine) -> FakeEngine:
    """one: exited with 3; two: runs, publishes 80 as 8080; three: only created."""
    fake_engine.images = Images()
    one = fake_engine.add(
        "one", config=Config(image="base", labels={"a": "b", "c": ""}), image_id="sha256:1"
    )
    one.state.started_at = "2026-01-02T03:04:06Z"
    one.state.exit_code = 3
    two = fake_engine.add("two", config=Config(image="child"), image_id="sha256:2")
    two.state.running = True
    two.state.started_at = "2026-01-02T03:04:06Z"
    two.record.network_settings = NetworkSettings(
        networks={"bridge": EndpointSettings(network_id="beef01")},
        ports={"80/tcp": [PortBinding(host_ip="0.0.0.0", host_port="8080")], "90/udp": None},
    )
    three = fake_engine.add("three", config=Config(image="base"), image_id="sha256:9")
    three.record.network_settings.networks = {"none": EndpointSettings()}
    three.record.mount_points = {
        "/data": MountPoint(type="volume", destination="/data", source="/v/vol", name="vol"),
        "/host": MountPoint(type="bind", destination="/host", source="/tmp"),
    }
    return fake_engine


async def names(engine: Any, filters: Filters | None = None, **options: Any) -> str:
    chosen = ListOptions(filters=filters or {}, **{"all": True, **options})
    found = await listing.containers(engine, chosen)
    return " ".join(summary.names[0][1:] for summary in found)


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"all": False}, "two"),
        ({}, "three two one"),
        ({"all": False, "limit": 2}, "three two"),
        ({"all": False, "limit": -1}, "two"),
        ({"limit": 9}, "three two one"),
    ],
)
async def test_without_filters(engine: FakeEngine, options: dict[str, Any], shown: str) -> None:
    assert await names(engine, **options) == shown


ONE, TWO = "00" + "abcdef" * 10 + "00", "01" + "abcdef" * 10 + "00"


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        ({"name": ["o"]}, "two one"),
        ({"name": ["^o"]}, "one"),
        ({"name": ["^/t"]}, "three two"),
        ({"name": ["("]}, ""),
        ({"id": [ONE[:5]]}, "one"),
        ({"id": ["0"]}, ""),
        ({"id": [""]}, ""),
        ({"id": [ONE, TWO], "name": ["t"]}, "two"),
        ({"label": ["a=b", "c"]}, "one"),
        ({"label": ["a=x"]}, ""),
        ({"status": ["exited", "created"]}, "three one"),
        ({"exited": ["3"]}, "one"),
        ({"exited": ["0"]}, ""),
        ({"before": ["two"]}, "one"),
        ({"before": [TWO]}, "one"),
        ({"before": ["/two"], "name": ["one"]}, ""),
        ({"since": ["two"]}, "three"),
        ({"since": ["one"], "before": ["three"]}, "two"),
        ({"ancestor": ["base"]}, "two one"),
        ({"ancestor": ["child", "nonsense"]}, "two"),
        ({"ancestor": ["nonsense"]}, ""),
        ({"ancestor": []}, ""),
        ({"volume": ["vol"]}, "three"),
        ({"volume": ["/tmp"]}, "three"),
        ({"volume": ["/v/vol"]}, ""),
        ({"volume": ["/data"]}, "three"),
        ({"volume": []}, ""),
        ({"network": ["bridge"]}, "two"),
        ({"network": ["bee"]}, "two"),
        ({"network": ["none", "bridge"]}, "three two"),
        ({"publish": ["8080"]}, "two"),
        ({"publish": ["80"]}, ""),
        ({"publish": ["8000-8100/tcp"]}, "two"),
        ({"publish": ["8080/udp"]}, ""),
        ({"expose": ["90/udp"]}, "two"),
        ({"expose": ["1"], "publish": ["8080"]}, "two"),
        ({"health": ["none"]}, "three two one"),
        ({"health": ["healthy"]}, ""),
        ({"is-task": ["true"]}, ""),
        ({"is-task": ["0"]}, "three two one"),
        ({"isolation": ["whatever"]}, "three two one"),
    ],
)
async def test_filters(engine: FakeEngine, filters: Filters, shown: str) -> None:
    assert await names(engine, filters) == shown


async def test_only_a_status_shows_what_does_not_run(engine: FakeEngine) -> None:
    assert await names(engine, {"status": ["exited"]}, all=False) == "one"
    assert await names(engine, {"exited": ["3"]}, all=False) == ""
    assert await names(engine, {"before": ["two"]}, all=False) == ""


@pytest.mark.parametrize(
    ("filters", "error", "message"),
    [
        ({"colour": ["red"]}, InvalidParameter, "invalid filter 'colour'"),
        (
            {"exited": ["x"]},
            InvalidParameter,
            "invalid filter 'exited=x': strconv.Atoi: parsing \"x\": invalid syntax",
        ),
        (
            {"status": ["up"]},
            InvalidParameter,
            "invalid filter 'status=up': invalid value for state (up): must be one of "
            "created, running, paused, restarting, removing, exited, dead",
        ),
        (
            {"health": ["ill"]},
            InvalidParameter,
            "invalid filter 'health=ill': invalid value for health (ill): must be one of "
            "none, starting, healthy, unhealthy",
        ),
        ({"is-task": ["x"]}, InvalidParameter, "invalid filter 'is-task=[x]'"),
        ({"before": [ONE[:5]]}, NotFound, f"No such container: {ONE[:5]}"),
        ({"since": [""]}, NotFound, "No such container: "),
        (
            {"publish": ["1:2"]},
            RunnerError,
            "filter for 'publish' should not contain ':': 1:2",
        ),
        (
            {"expose": ["x/tcp"]},
            RunnerError,
            'error while looking up for expose x/tcp: strconv.ParseUint: parsing "x": '
            "invalid syntax",
        ),
        (
            {"publish": ["70000"]},
            RunnerError,
            'error while looking up for publish 70000: strconv.ParseUint: parsing "70000": '
            "value out of range",
        ),
        (
            {"publish": ["5-3"]},
            RunnerError,
            "error while looking up for publish 5-3: invalid range specified for port: 5-3",
        ),
        (
            {"publish": [""]},
            RunnerError,
            "error while looking up for publish : empty string specified for ports",
        ),
    ],
)
async def test_bad_values(
    engine: FakeEngine, filters: Filters, error: type[RunnerError], message: str
) -> None:
    with pytest.raises(error) as raised:
        await names(engine, filters)
    assert str(raised.value) == message


async def test_an_image_that_is_called_otherwise_now_is_told_by_its_id(engine: FakeEngine) -> None:
    found = await listing.containers(engine, ListOptions(all=True))  # type: ignore[arg-type]
    assert [summary.image for summary in found] == ["sha256:9", "child", "base"]
