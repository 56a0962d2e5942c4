"""A collector of traces that speaks OTLP over HTTP, and an engine that speaks Docker's API."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


class Span:
    """One span as it arrived, with who sent it."""

    def __init__(self, span: Any, resource: dict[str, str]) -> None:
        self.name: str = span.name
        self.trace, self.id = span.trace_id.hex(), span.span_id.hex()
        self.parent = span.parent_span_id.hex()
        self.facts = {one.key: _value(one.value) for one in span.attributes}
        self.failed = span.status.code == 2
        self.why = span.status.message
        self.events = [one.name for one in span.events]
        self.process = resource["service.name"]
        self.instance = resource["service.instance.id"]

    def __repr__(self) -> str:
        return f"{self.process}: {self.name} {self.facts}"


def _value(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value"))


class Collector(ThreadingHTTPServer):
    """Keeps all spans that were sent to it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Traces)
        self.spans: list[Span] = []
        self.texts: list[bytes] = []

    @property
    def url(self) -> str:
        """What OTEL_EXPORTER_OTLP_ENDPOINT names."""
        return f"http://127.0.0.1:{self.server_port}"

    def named(self, name: str) -> list[Span]:
        """The spans of a name."""
        return [one for one in list(self.spans) if one.name == name]

    def above(self, span: Span) -> list[str]:
        """Names of the spans that a span lies in, from the nearest to the root."""
        by_id = {one.id: one for one in list(self.spans)}
        found = []
        while span.parent in by_id:
            span = by_id[span.parent]
            found.append(span.name)
        return found


class _Traces(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.texts.append(body)
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = {one.key: _value(one.value) for one in group.resource.attributes}
            for scope in group.scope_spans:
                self.server.spans += [Span(one, resource) for one in scope.spans]
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


class _Engine(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        facts = {
            "ApiVersion": "1.47",
            "MinAPIVersion": "1.24",
            "Version": "27.0",
            "ID": "engine",
            "Name": "stand-in",
            "ServerVersion": "27.0",
            "NCPU": 2,
            "MemTotal": 1 << 30,
            "DockerRootDir": "/nowhere",
            "Architecture": "x86_64",
            "OperatingSystem": "none",
            "Containers": 0,
        }
        body = json.dumps(facts).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a free port."""
    with _serving(Collector()) as made:
        yield made


@contextmanager
def answering_engine() -> Iterator[str]:
    """The address of an engine that answers plain questions."""
    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), _Engine)) as made:
        yield f"tcp://127.0.0.1:{made.server_port}"


@contextmanager
def _serving(server: Any) -> Iterator[Any]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
