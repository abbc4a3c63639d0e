"""A real registry (distribution) on localhost, and a client as small as can be to fill it."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
from typing import TYPE_CHECKING, Any, Self

import bcrypt

from tests.support.process import Daemon, HarnessError
from tests.support.toolchain import tool_root
from tests.support.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.images import Blobs, Descriptor


class Registry:
    """A registry on a random port of 127.0.0.1. As a context manager it is started and closed."""

    def __init__(
        self, *, username: str = "", password: str = "", certificates: Path | None = None
    ) -> None:
        """With a folder of `make_certificates` it speaks TLS and wants a certificate as well."""
        self.username, self.password = username, password
        self._certificates = certificates
        program = tool_root("registry") / "usr/bin/docker-registry"
        self.workspace = Workspace.make()
        path = self.workspace.path
        config = path / "registry.json"  # the registry reads YAML, of which JSON is a part
        config.write_text(json.dumps(self._config()))
        self.daemon = Daemon(
            "registry",
            [str(program), "serve", str(config)],
            log=path / "registry.log",
            env=dict(os.environ, OTEL_TRACES_EXPORTER="none"),
        )
        self.port = 0

    @property
    def address(self) -> str:
        """host:port, as image names have it."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Start it; the port stays the same over restarts."""
        self.daemon.log.unlink(missing_ok=True)
        self.daemon.start(self._listening)
        return self

    def stop(self) -> None:
        """Stop serving; the content stays."""
        self.daemon.stop()

    def kill(self) -> None:
        """SIGKILL, at once; the content stays as it is."""
        self.daemon.kill()

    def close(self) -> None:
        """Stop it and remove everything."""
        self.daemon.stop()
        self.workspace.close()

    def push(self, repository: str, tag: str, blobs: Blobs, target: Descriptor) -> str:
        """Push a manifest or an index with all it refers to; the reference to pull it by."""
        self._push_tree(repository, blobs, target, tag)
        return f"{self.address}/{repository}:{tag}"

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One HTTP request with the registry's credentials: status, headers, body."""
        sent = dict(headers or {})
        if self.username:
            pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
            sent["Authorization"] = f"Basic {pair}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            return response.status, received, response.read()
        finally:
            connection.close()

    def _push_tree(self, repository: str, blobs: Blobs, target: Descriptor, reference: str) -> None:
        document = blobs.load(target)
        for child in document.get("manifests", []):
            self._push_tree(repository, blobs, child, child["digest"])
        for blob in [document.get("config"), *document.get("layers", [])]:
            if blob is not None:
                self._push_blob(repository, blobs, blob["digest"])
        self._expect(
            201,
            "PUT",
            f"/v2/{repository}/manifests/{reference}",
            blobs[target["digest"]],
            {"Content-Type": target["mediaType"]},
        )

    def _push_blob(self, repository: str, blobs: Blobs, name: str) -> None:
        status, _, _ = self.request("HEAD", f"/v2/{repository}/blobs/{name}")
        if status == 200:
            return
        headers = self._expect(202, "POST", f"/v2/{repository}/blobs/uploads/")
        location = re.sub(r"^https?://[^/]+", "", headers["location"])
        separator = "&" if "?" in location else "?"
        kind = {"Content-Type": "application/octet-stream"}
        self._expect(201, "PUT", f"{location}{separator}digest={name}", blobs[name], kind)

    def _expect(
        self,
        wanted: int,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        status, received, answer = self.request(method, path, body, headers)
        if status != wanted:
            text = answer.decode(errors="replace")
            raise HarnessError(f"registry: {method} {path}: {status} {text}")
        return received

    def _config(self) -> dict[str, Any]:
        path = self.workspace.path
        config: dict[str, Any] = {
            "version": 0.1,
            "log": {"level": "info", "formatter": "json"},
            "storage": {
                "filesystem": {"rootdirectory": str(self.workspace.folder("data"))},
                "delete": {"enabled": True},
                "maintenance": {"uploadpurging": {"enabled": False}},
            },
            "http": {"addr": "127.0.0.1:0"},
        }
        if self.username:
            hashed = bcrypt.hashpw(self.password.encode(), bcrypt.gensalt(4)).decode()
            (path / "htpasswd").write_text(f"{self.username}:{hashed}\n")
            config["auth"] = {"htpasswd": {"realm": "test", "path": str(path / "htpasswd")}}
        if self._certificates is not None:
            config["http"]["tls"] = {
                "certificate": str(self._certificates / "cert.pem"),
                "key": str(self._certificates / "key.pem"),
                "clientcas": [str(self._certificates / "ca.pem")],
            }
        return config

    def _listening(self) -> bool:
        text = self.daemon.log.read_text() if self.daemon.log.exists() else ""
        if match := re.search(r"listening on 127\.0\.0\.1:(\d+)", text):
            self._keep_port(int(match[1]))
            return True
        return False

    def _keep_port(self, port: int) -> None:
        self.port = port
        file = self.workspace.path / "registry.json"
        config = json.loads(file.read_text())
        config["http"]["addr"] = self.address
        file.write_text(json.dumps(config))

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()
