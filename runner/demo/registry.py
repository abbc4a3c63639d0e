"""A registry with one image, on the loopback interface, for as long as a scenario lasts.

As much of the OCI distribution specification as a pull needs.
"""

from __future__ import annotations

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from runner.demo.image import digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.demo.image import DemoImage

_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
_LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
_BLOB: Final = "application/octet-stream"


@contextlib.contextmanager
def serving(image: DemoImage) -> Iterator[str]:
    """Serve the image while inside; the reference to pull it by."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(_contents(image)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}/demo:latest"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _contents(image: DemoImage) -> dict[str, tuple[str, bytes]]:
    """What is at which path: media type and bytes."""
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _descriptor(_CONFIG, image.config),
            "layers": [_descriptor(_LAYER, image.layer)],
        }
    ).encode()
    blobs = {f"/v2/demo/blobs/{digest(b)}": (_BLOB, b) for b in (image.config, image.layer)}
    manifests = {
        f"/v2/demo/manifests/{name}": (_MANIFEST, manifest) for name in ("latest", digest(manifest))
    }
    return {"/v2/": ("application/json", b"{}"), **manifests, **blobs}


def _descriptor(media_type: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest(blob), "size": len(blob)}


def _handler(contents: dict[str, tuple[str, bytes]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers GET and HEAD."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Called by http.server."""
            media_type, body = contents.get(self.path, ("text/plain", b""))
            self.send_response(200 if self.path in contents else 404)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Docker-Content-Digest", digest(body))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing: the trace tells it."""

    return Handler
