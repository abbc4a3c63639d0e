"""Traces for Jaeger and its like, by OpenTelemetry's protocol and its own `OTEL_*` variables.

    OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf \\
        runner serve

As with dockerd an endpoint among the variables is what switches it on. The SDK is an extra
(`pip install 'containerd-runner[otel]'`) and is imported only then; batching, sampling, resource
and transport are the SDK's.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from runner.trace.recordings import Document, Follower

log = logging.getLogger(__name__)

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_EXTRA = "pip install 'containerd-runner[otel]'"


def wanted(environment: Mapping[str, str]) -> bool:
    """Whether the variables ask for traces to be exported."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if environment.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp":
        return False
    return any(environment.get(name) for name in _ENDPOINTS)


@contextlib.contextmanager
def exporting() -> Iterator[Follower | None]:
    """What takes every step that has ended, while inside; None unless the variables ask for it."""
    if not wanted(os.environ):
        yield None
        return
    try:
        provider, export = _exporter()
    except ImportError as err:
        # the variables may be there for other programs' sake: no reason not to run containers
        log.warning("traces are not exported, %s: %s", err, _EXTRA)
        yield None
        return
    try:
        yield export
    finally:
        provider.shutdown()


def _exporter() -> tuple[Any, Follower]:
    from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import SynchronousMultiSpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({SERVICE_NAME: "runner"}).merge(OTELResourceDetector().detect())
    processor = SynchronousMultiSpanProcessor()
    processor.add_span_processor(BatchSpanProcessor(_span_exporter()()))
    provider = TracerProvider(
        resource=resource, active_span_processor=processor, shutdown_on_exit=False
    )
    convert = _converter(resource, provider.sampler)

    def export(step: Document) -> None:
        span = convert(step)
        if span is not None:
            processor.on_end(span)

    return provider, export


def _span_exporter() -> Any:
    """The exporter for OTEL_EXPORTER_OTLP_PROTOCOL, whose default is the SDK's: gRPC."""
    protocol = os.environ.get(
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    )
    if protocol == "http/protobuf":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as OverGrpc

    return OverGrpc


def _converter(resource: Any, sampler: Any) -> Callable[[Document], Any]:
    """Makes an SDK's span of a step, or None where the sampler does not want its trace."""
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

    scope = InstrumentationScope("runner")
    kinds = {"client": SpanKind.CLIENT, "server": SpanKind.SERVER}

    def context(step: Document, span_id: str) -> Any:
        flags = TraceFlags(TraceFlags.SAMPLED)
        return SpanContext(int(step["trace_id"], 16), int(span_id, 16), False, flags)

    def convert(step: Document) -> Any:
        name, trace_id = step["name"], int(step["trace_id"], 16)
        if not sampler.should_sample(None, trace_id, name).decision.is_sampled():
            return None
        status = Status(StatusCode.ERROR, step["error"]) if step["error"] else None
        return ReadableSpan(
            name=name,
            context=context(step, step["span_id"]),
            parent=context(step, step["parent_id"]) if step["parent_id"] else None,
            resource=resource,
            attributes=dict(_attributes(step)),
            kind=kinds.get(step["attributes"].get("kind", ""), SpanKind.INTERNAL),
            status=status or Status(StatusCode.UNSET),
            start_time=step["began_ns"],
            end_time=step["began_ns"] + int(step["duration"] * 1e9),
            instrumentation_scope=scope,
        )

    return convert


_CONVENTIONS = {"container": "container.id", "status": "http.response.status_code"}
"""Names that OpenTelemetry's conventions have for attributes of ours."""


def _attributes(step: Document) -> Iterator[tuple[str, Any]]:
    for name, value in step["attributes"].items():
        plain = isinstance(value, bool | int | float | str)
        yield _CONVENTIONS.get(name, f"runner.{name}"), value if plain else json.dumps(value)
    if code := step.get("code"):
        yield "code.function.name", code["function"]
        yield "code.file.path", code["file"]
        yield "code.line.number", code["line"]
