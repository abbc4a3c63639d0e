"""Archives to send, and what comes back."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

from tests.support.process import processes
from tests.support.subject import API

if TYPE_CHECKING:
    from tests.support.http import Answer
    from tests.support.process import Process
    from tests.support.subject import Subject


def archive(**files: bytes) -> bytes:
    """A tar of files; double underscores in the names are slashes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name.replace("__", "/"))
            info.size, info.mtime = len(data), 1_600_000_000
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def put(subject: Subject, path: str, data: bytes, query: str = "", name: str = "box") -> Answer:
    """Unpack the tar in the container's directory."""
    return subject.api("PUT", f"/containers/{name}/archive?path={path}{query}", data)


def get(subject: Subject, path: str, name: str = "box", **options: Any) -> Answer:
    """The tar of a path, byte for byte."""
    target = f"{API}/containers/{name}/archive?path={path}"
    return subject.daemon.api("GET", target, **options)


def export(subject: Subject, name: str = "box") -> Answer:
    """The tar of all of a container, byte for byte."""
    return subject.daemon.api("GET", f"{API}/containers/{name}/export")


def stat(answer: Answer) -> dict[str, Any]:
    """What the header tells."""
    return dict(json.loads(base64.b64decode(answer.headers["X-Docker-Container-Path-Stat"])))


def members(data: bytes) -> dict[str, bytes]:
    """Names and contents of a tar."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {
            member.name: file.read() if (file := tar.extractfile(member)) else b""
            for member in tar
            if not member.issym()
        }


def collect(subject: Subject) -> None:
    """Have containerd collect its garbage: the removal of a lease waits for that."""
    subject.ctr("leases", "create", "--id", "collect")
    subject.ctr("leases", "delete", "--sync", "collect")


def workers(subject: Subject) -> list[Process]:
    """The engine's helper for files and the processes that it has forked: the helper is the
    first, and one always waits for the next job."""
    engine = subject.daemon.daemon.pid
    found = [p for p in processes() if "runner.files.helper" in " ".join(p.command)]
    helper = [process for process in found if process.parent == engine]
    return helper + [p for p in found if p.parent in {h.pid for h in helper}]
