"""What becomes of a container's volumes when it is removed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.engine import Engine


def volumes(engine: Engine) -> set[str]:
    return {path.name for path in (engine.data_root / "volumes").iterdir()}


def wait_for_volumes(engine: Engine, expected: set[str]) -> None:
    """They go after the answer."""
    deadline = time.monotonic() + 10
    while (found := volumes(engine)) != expected:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def test_anonymous_volumes_go_with_an_auto_removed_container(busybox: Engine) -> None:
    before = volumes(busybox)
    done = busybox.docker(
        *("run", "--rm", "-v", "/a", "--mount", "type=volume,dst=/b", "-v", "kept:/c"),
        *("busybox", "touch", "/a/x", "/b/x", "/c/x"),
    )
    assert done.returncode == 0
    wait_for_volumes(busybox, before | {"kept"})
    assert (busybox.data_root / "volumes/kept/_data/x").exists()


def test_rm_v_removes_anonymous_volumes_once_nobody_uses_them(busybox: Engine) -> None:
    before = volumes(busybox)
    busybox.docker("create", "--name=first", "-v", "/a", "busybox", "true")
    busybox.docker("create", "--name=second", "--volumes-from=first", "busybox", "true")
    (anonymous,) = volumes(busybox) - before
    busybox.docker("rm", "-v", "first")
    time.sleep(0.3)
    assert volumes(busybox) == before | {anonymous}
    busybox.docker("rm", "-v", "second")
    wait_for_volumes(busybox, before)


def test_rm_keeps_anonymous_volumes(busybox: Engine) -> None:
    before = volumes(busybox)
    busybox.docker("create", "--name=first", "-v", "/a", "busybox", "true")
    busybox.docker("rm", "first")
    time.sleep(0.3)
    assert len(volumes(busybox) - before) == 1


def test_a_volume_of_a_removed_container_can_be_removed_at_once(busybox: Engine) -> None:
    """What is mounted in it is given back after the client of `rm` is told."""
    options = ("-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=1m")
    for _ in range(3):
        assert busybox.docker("volume", "create", *options, "fast").returncode == 0
        busybox.docker("run", "-d", "--name=box", "-v", "fast:/a", "busybox", "sleep", "1000")
        assert busybox.api("DELETE", "/v1.51/containers/box?force=1").status == 204
        answer = busybox.api("DELETE", "/v1.51/volumes/fast")
        assert answer.status == 204, answer.json()
