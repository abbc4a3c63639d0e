"""Export by OTLP, to a receiver as small as can be; and that nothing is loaded unless asked for."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from runner import trace
from runner.trace import otlp
from runner.trace.recordings import Recordings

if TYPE_CHECKING:
    from collections.abc import Iterator

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """The bodies of what is exported to the address that the variables name."""
    bodies: list[bytes] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "host.name=here")
        try:
            yield bodies
        finally:
            server.shutdown()
            thread.join()


def spans(bodies: list[bytes]) -> tuple[dict[str, Any], dict[str, str]]:
    """Exported spans by name, and the resource's attributes."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    found, resource = {}, {}
    for body in bodies:
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = {one.key: one.value.string_value for one in group.resource.attributes}
            found |= {span.name: span for scope in group.scope_spans for span in scope.spans}
    return found, resource


def test_a_trace_arrives_as_it_was_recorded(received: list[bytes]) -> None:
    with otlp.exporting() as export:
        kept = Recordings(export)
        with (
            trace.continued(kept.place(f"00-{TRACE}-{PARENT}-01")),
            trace.step("POST /containers/{name}/start", kind="server") as request,
            pytest.raises(ValueError, match="boom"),
            trace.step("daemon.containerStart", container="c1", mounts=["a"]),
        ):
            assert request is not None
            raise ValueError("boom")
    found, resource = spans(received)
    outer, inner = found["POST /containers/{name}/start"], found["daemon.containerStart"]
    assert outer.trace_id.hex() == inner.trace_id.hex() == TRACE
    assert outer.parent_span_id.hex() == PARENT
    assert inner.parent_span_id == outer.span_id
    assert (outer.kind, inner.kind) == (2, 1)  # SERVER, INTERNAL
    assert (inner.status.code, inner.status.message) == (2, "boom")
    assert outer.status.code == 0
    assert outer.start_time_unix_nano <= inner.start_time_unix_nano
    assert inner.end_time_unix_nano <= outer.end_time_unix_nano
    told = {one.key: one.value.string_value for one in inner.attributes}
    assert told["container.id"] == "c1"
    assert told["runner.mounts"] == '["a"]'
    assert told["code.function.name"].endswith("test_a_trace_arrives_as_it_was_recorded")
    assert (resource["service.name"], resource["host.name"]) == ("runner", "here")


def test_the_sampler_is_the_variables_own(
    received: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    with otlp.exporting() as export:
        kept = Recordings(export)
        with trace.continued(kept.place("")), trace.step("request"):
            pass
    assert received == []


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4317"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://localhost:4317"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_SERVICE_NAME": "x"}, False),
    ],
)
def test_what_switches_it_on(variables: dict[str, str], wanted: bool) -> None:
    assert otlp.wanted(variables) is wanted


def test_without_the_sdk_it_is_said_and_the_engine_starts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4317")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    with caplog.at_level(logging.WARNING), otlp.exporting() as export:
        assert export is None
    assert "pip install 'containerd-runner[otel]'" in caplog.text


def test_nothing_is_loaded_otherwise() -> None:
    script = (
        "import sys; import runner.api.serve; from runner.trace.otlp import exporting\n"
        "with exporting() as export: assert export is None\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    environment = {"PATH": "/usr/bin"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == "[]"
