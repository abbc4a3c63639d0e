"""A registry that answers pulls with whatever a hostile one could."""

from __future__ import annotations

import gzip
import http.server
import json
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any, Final

from tests.faults.fuzzing.wire import Request
from tests.support.images import (
    Blobs,
    Descriptor,
    add_index,
    busybox_image,
    digest,
    file,
    layer_tar,
    symlink,
)

if TYPE_CHECKING:
    import random

    from tests.faults.fuzzing.judge import Judge

_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
_INDEX: Final = "application/vnd.oci.image.index.v1+json"
_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
_LAYER: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
_CHALLENGES: Final = (
    *(
        "Bearer",
        "Bearer realm=",
        'Bearer realm="://"',
        'Bearer realm="file:///etc/passwd"',
        "Basic",
    ),
    *('Bearer realm="http://127.0.0.1:1/",service="\\"', "x" * 5000, "Digest a=b", ""),
)
_TOKENS: Final = (
    *(b"", b"{", b"[]", b'{"token":1}', b'{"token":""}', b'{"access_token":"a\\nb: c"}', b"null"),
    *(
        b'{"token":"' + b"x" * 70_000 + b'"}',
        b'{"token":"\\ud800"}',
        b'{"token":"ok"}',
        b"[" * 9999,
    ),
)
_REDIRECTS: Final = (
    *(
        "/v2/loop",
        "http://127.0.0.1:1/",
        "file:///etc/passwd",
        "//",
        "http://[",
        "",
        "\u00ff",
        "x:y",
    ),
)
_TYPES: Final = (
    *("", "text/html", "application/json", _MANIFEST, _INDEX, "application/vnd.x; a=" + "b" * 99),
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
)


def play(judge: Judge, dice: random.Random, count: int) -> None:
    """Pulls, and looks into, what the registry has; each with another mischief."""
    with _Registry(dice) as registry:
        for number in range(count):
            name = f"127.0.0.1:{registry.port}/x{number}"
            method, target = dice.choice(
                [
                    *[("POST", f"/images/create?fromImage={name}&tag=1")] * 4,
                    ("POST", f"/images/create?fromImage={name}"),
                    ("POST", f"/images/create?fromImage={name}&tag=sha256:{'0' * 64}"),
                    ("GET", f"/distribution/{name}:1/json"),
                    ("GET", f"/images/search?term={name}"),
                    ("POST", f"/images/{name}/push?tag=1"),
                ]
            )
            registry.next_mischief()
            judge.ask("registry", Request(method, target))


class _Registry:
    """The server, with one mischief at a time."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.blobs = Blobs()
        self.target: Descriptor = {}
        self.stage = ""
        self.how = 0
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20

            def do_GET(self) -> None:
                registry.answer(self)

            do_HEAD = do_POST = do_PUT = do_PATCH = do_GET

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """The engine goes away when it has seen enough."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]

    def __enter__(self) -> _Registry:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def next_mischief(self) -> None:
        """Another content, and another stage at which something is wrong with it."""
        self.blobs = Blobs()
        self.target = self._content()
        self.stage = self.dice.choice(["ping", "token", "manifest", "blob", "blob", "content"])
        self.how = self.dice.randrange(14)

    # --- content --------------------------------------------------------------------------------

    def _content(self) -> Descriptor:
        dice, blobs = self.dice, self.blobs
        match dice.randrange(6):
            case 0:
                return busybox_image().add_to(blobs)
            case 1:
                return add_index(blobs, [busybox_image()])
            case 2:
                return self._image([self._odd_layer()])
            case 3:
                return blobs.add_json(self._odd_document(self._manifest([])), _MANIFEST)
            case 4:
                return self._nested(dice.choice([3, 300]))
            case _:
                config = self._odd_document({"os": "linux", "rootfs": {"type": "layers"}})
                return self._image([layer_tar([file("x", "y")])], config)

    def _image(self, layers: list[bytes], config: Any = None) -> Descriptor:
        described = [self.blobs.add(gzip.compress(layer), _LAYER) for layer in layers]
        document = self._manifest(described)
        if config is not None:
            document["config"] = self.blobs.add_json(config, _CONFIG)
        return self.blobs.add_json(document, _MANIFEST)

    def _manifest(self, layers: list[Descriptor]) -> dict[str, Any]:
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest(b"") for _ in layers]},
        }
        return {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": self.blobs.add_json(config, _CONFIG),
            "layers": layers,
        }

    def _nested(self, depth: int) -> Descriptor:
        """An index in an index in an index."""
        inner = self._image([])
        for _ in range(depth):
            document = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [inner, inner]}
            inner = self.blobs.add_json(document, _INDEX)
        return inner

    def _odd_layer(self) -> bytes:
        return self.dice.choice(
            [
                layer_tar([symlink("a", "/"), file("a/fuzzed", "x")]),
                layer_tar([file("../../fuzzed", "x")]),
                layer_tar([file("x" * 4000, "x")]),
                layer_tar([file("bomb", bytes(64 << 20))]),
                layer_tar([file("x", "y" * 100)])[:700],
                self.dice.randbytes(3000),
                b"",
            ]
        )

    def _odd_document(self, document: dict[str, Any]) -> Any:
        """One member of it, or the whole, is something else."""
        odd: list[Any] = [
            None,
            -1,
            2**70,
            "",
            "\u0000",
            [],
            {},
            [[]],
            [None],
            "sha256:zz",
            True,
            1.5,
        ]
        if self.dice.random() < 0.1:
            return self.dice.choice(odd)
        holder: dict[str, Any] = document
        key = self.dice.choice(sorted(holder))
        while isinstance(holder[key], dict) and holder[key] and self.dice.random() < 0.7:
            holder = holder[key]
            key = self.dice.choice(sorted(holder))
        holder[key] = self.dice.choice(odd)
        return document

    # --- answers --------------------------------------------------------------------------------

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        """One request of the engine's."""
        path = handler.path.partition("?")[0]
        if path == "/token":
            self._send(handler, 200, self.dice.choice(_TOKENS), "application/json")
        elif path in ("/v2/", "/v2"):
            self._ping(handler)
        elif self.stage == "token" and "Authorization" not in handler.headers:
            challenge = f'Bearer realm="http://127.0.0.1:{self.port}/token",service="x",scope="y"'
            self._send(handler, 401, b"{}", headers={"WWW-Authenticate": challenge})
        elif "/manifests/" in path:
            self._manifest_answer(handler, path.rpartition("/")[2])
        elif "/blobs/" in path:
            data = self.blobs.get(path.rpartition("/")[2], b"")
            self._spoil(handler, data, "application/octet-stream", self.stage == "blob")
        elif path == "/v2/loop":
            self._send(handler, 307, headers={"Location": "/v2/loop"})
        else:
            self._spoil(handler, b"{}", "application/json", spoilt=True)

    def _ping(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        if self.stage == "ping":
            challenge = {"WWW-Authenticate": self.dice.choice(_CHALLENGES)}
            status = self.dice.choice([200, 401, 401, 403, 404, 429, 500, 503, 999])
            self._send(handler, status, b"?", headers=challenge)
        else:
            self._send(handler, 200, b"{}")

    def _manifest_answer(self, handler: http.server.BaseHTTPRequestHandler, name: str) -> None:
        descriptor = self.target
        if name.startswith("sha256:") and name in self.blobs:
            descriptor = {"digest": name, "mediaType": self._type_of(name)}
        headers = {"Docker-Content-Digest": descriptor["digest"]}
        data = self.blobs[descriptor["digest"]]
        spoilt = self.stage == "manifest"
        media = descriptor["mediaType"]
        if spoilt and self.how == 13:
            media, headers = self.dice.choice(_TYPES), {"Docker-Content-Digest": "sha256:zz"}
        self._spoil(handler, data, media, spoilt, headers)

    def _type_of(self, name: str) -> str:
        try:
            return str(json.loads(self.blobs[name])["mediaType"])
        except (ValueError, TypeError, KeyError):
            return _MANIFEST

    def _spoil(
        self,
        handler: http.server.BaseHTTPRequestHandler,
        data: bytes,
        media: str,
        spoilt: bool,
        headers: dict[str, str] | None = None,
    ) -> None:
        """The data, with what is wrong this time."""
        if not spoilt:
            self._send(handler, 200, data, media, headers)
            return
        dice, headers = self.dice, dict(headers or {})
        match self.how:
            case 0:
                self._send(handler, dice.choice([400, 404, 418, 500, 503]), data[:100], media)
            case 1:
                self._send(handler, 307, headers={"Location": dice.choice(_REDIRECTS)})
            case 2:
                self._send(handler, 200, data[: len(data) // 2], media, headers)
            case 3:
                flipped = bytearray(data or b"x")
                flipped[dice.randrange(len(flipped))] ^= 1
                self._send(handler, 200, bytes(flipped), media, headers)
            case 4:  # promised, but not sent
                self._send(handler, 200, data[: len(data) // 2], media, headers, length=len(data))
                _reset(handler)
            case 5:
                _reset(handler)
            case 6:
                self._send(handler, 200, data + b"more", media, headers)
            case 7:
                handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
                handler.close_connection = True
            case 8:
                handler.wfile.write(dice.randbytes(200))
                handler.close_connection = True
            case 9:
                headers["Content-Encoding"] = "gzip"
                self._send(handler, 200, data, media, headers)
            case 10:
                self._send(
                    handler, 429, b"", headers={"Retry-After": dice.choice(["0", "x", "-1"])}
                )
            case 11:
                self._send(handler, 200, b"[" * 50_000, media, headers)
            case 12:
                self._send(handler, 206, data[:10], media, {"Content-Range": "bytes 5-1/x"})
            case _:
                self._send(handler, 200, data, media, headers)

    def _send(
        self,
        handler: http.server.BaseHTTPRequestHandler,
        status: int,
        data: bytes = b"",
        media: str = "text/plain",
        headers: dict[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        handler.send_response_only(status, "whatever")
        handler.send_header("Content-Type", media)
        handler.send_header("Content-Length", str(len(data) if length is None else length))
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(data)


def _reset(handler: http.server.BaseHTTPRequestHandler) -> None:
    """Close so that the other side sees a reset."""
    handler.wfile.flush()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
