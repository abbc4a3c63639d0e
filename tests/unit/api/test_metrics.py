"""Where metrics are served, and to whom."""

from __future__ import annotations

import socket
import tempfile

import aiohttp
import pytest

from runner.api.metrics import listen_for_metrics, serving_metrics
from runner.engine.metrics import Metrics
from runner.types.errors import InvalidParameter, System


@pytest.mark.parametrize("address", ["127.0.0.1:0", "tcp://localhost:0", "127.1.2.3:0"])
async def test_on_a_loopback_address(address: str) -> None:
    listener = listen_for_metrics(address)
    port = listener.socket.getsockname()[1]
    host = "127.1.2.3" if "127.1" in address else "127.0.0.1"
    async with serving_metrics(Metrics(), listener), aiohttp.ClientSession() as http:
        async with http.get(f"http://{host}:{port}/metrics") as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            assert b"engine_daemon_container_actions_seconds_count" in await answer.read()
        async with http.get(f"http://{host}:{port}/info") as answer:
            assert answer.status == 404
    listener.close()


async def test_on_a_unix_socket() -> None:
    with tempfile.TemporaryDirectory() as folder:
        listener = listen_for_metrics(f"unix://{folder}/metrics.sock", group="0")
        connector = aiohttp.UnixConnector(f"{folder}/metrics.sock")
        async with (
            serving_metrics(Metrics(), listener),
            aiohttp.ClientSession(connector=connector) as http,
            http.get("http://x/metrics") as answer,
        ):
            assert answer.status == 200
        listener.close()


async def test_nowhere() -> None:
    async with serving_metrics(Metrics(), None):
        pass


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("", "want HOST:PORT"),
        ("9323", "want HOST:PORT"),
        ("127.0.0.1", "want HOST:PORT"),
        ("127.0.0.1:x", "want HOST:PORT"),
        ("127.0.0.1:99999", "want HOST:PORT"),
        ("http://127.0.0.1:9323", "want HOST:PORT"),
        ("0.0.0.0:9323", "loopback"),
        ("[::]:9323", "loopback"),
        (":9323", "loopback"),
        ("10.0.0.1:9323", "loopback"),
        ("example:9323", "loopback"),
    ],
)
def test_what_is_no_address_for_metrics(address: str, message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        listen_for_metrics(address)


def test_an_address_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(System, match=rf"cannot listen on 127\.0\.0\.1:{port}: .*in use"):
            listen_for_metrics(f"127.0.0.1:{port}")
