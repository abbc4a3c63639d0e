from __future__ import annotations

from typing import Any

import pytest

from runner.oci.request import UserMount
from runner.types.container import HostConfig, Mount
from runner.types.errors import InvalidParameter
from tests.unit.oci import support

MODES = {"network_mode": "bridge", "ipc_mode": "private"}


def made(*mounts: UserMount, on: Any = None, **settings: Any) -> dict[str, list[str]]:
    """The options of each destination."""
    spec = support.spec(settings=HostConfig(**(MODES | settings)), mounts=mounts, on=on)
    return {mount.destination: mount.options for mount in spec.mounts}


def mounted_on(*optional: str) -> Any:
    facts = support.NOTHING | {"mounts": {"/src": ["/", list(optional)]}}
    return support.host(files=facts)


@pytest.mark.parametrize(
    ("mount", "options"),
    [
        (UserMount("/src", "/d"), ["rbind"]),
        (UserMount("/src", "/d", propagation="private"), ["rbind", "private"]),
        (UserMount("/src", "/d", propagation="odd"), ["rbind"]),
        (UserMount("/src", "/d", False), ["rbind", "rro"]),
        (UserMount("/src", "/d", False, non_recursive=True), ["bind", "rro"]),
        (UserMount("/src", "/d", False, read_only_non_recursive=True), ["rbind", "ro"]),
    ],
)
def test_bind_options(mount: UserMount, options: list[str]) -> None:
    assert made(mount)["/d"] == options


def test_hosts_without_recursive_read_only() -> None:
    on = support.host(recursive_read_only='rro is not supported by runtime "old"')
    assert made(UserMount("/src", "/d", False), on=on)["/d"] == ["rbind", "ro"]
    with pytest.raises(InvalidParameter, match=r'^rro is not supported by runtime "old"$'):
        made(UserMount("/src", "/d", False, read_only_force_recursive=True), on=on)


def test_conflicting_read_only_options() -> None:
    mount = UserMount(
        "/src", "/d", False, read_only_non_recursive=True, read_only_force_recursive=True
    )
    with pytest.raises(InvalidParameter, match=r"^mount options conflict: ReadOnlyNonRecursive &&"):
        made(mount)


@pytest.mark.parametrize(
    ("propagation", "optional", "root"),
    [
        ("shared", "shared:1", "shared"),
        ("rshared", "shared:1", "shared"),
        ("slave", "shared:1", "rslave"),
        ("rslave", "master:1", "rslave"),
        ("rprivate", "", ""),
    ],
)
def test_propagation_of_the_root(propagation: str, optional: str, root: str) -> None:
    spec = support.spec(
        mounts=[UserMount("/src", "/d", propagation=propagation)], on=mounted_on(optional)
    )
    assert spec.linux.rootfs_propagation == root


def test_a_slave_does_not_unshare_the_root() -> None:
    mounts = [
        UserMount("/src", "/a", propagation="shared"),
        UserMount("/src", "/b", propagation="slave"),
    ]
    spec = support.spec(mounts=mounts, on=mounted_on("shared:1"))
    assert spec.linux.rootfs_propagation == "shared"


@pytest.mark.parametrize(
    ("propagation", "optional", "message"),
    [
        ("shared", "master:1", "path /src is mounted on / but it is not a shared mount"),
        ("rslave", "", "path /src is mounted on / but it is not a shared or slave mount"),
    ],
)
def test_sources_that_cannot_propagate(propagation: str, optional: str, message: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        made(UserMount("/src", "/d", propagation=propagation), on=mounted_on(optional))
    assert str(caught.value) == message


def test_the_default_for_the_engines_directory_falls_back() -> None:
    mount = UserMount("/src", "/d", propagation="rslave", propagation_by_default=True)
    spec = support.spec(mounts=[mount], on=mounted_on())
    assert spec.linux.rootfs_propagation == ""
    assert spec.mounts[-1].options == ["rbind", "rslave"]


def test_users_dev_replaces_all_below() -> None:
    assert sorted(made(UserMount("/dev", "/dev"))) == ["/dev", "/proc", "/sys", "/sys/fs/cgroup"]


def test_no_shm_without_ipc() -> None:
    assert "/dev/shm" not in made(ipc_mode="none")


def test_tmpfs_wins_over_a_mount() -> None:
    options = made(UserMount("/src", "/d"), tmpfs={"/d": "size=1m"})["/d"]
    assert options == ["noexec", "nosuid", "nodev", "rprivate", "size=1m"]


def test_mount_of_type_tmpfs() -> None:
    mount = Mount(type="tmpfs", target="/d", read_only=True)
    assert made(mounts=[mount])["/d"] == ["noexec", "nosuid", "nodev", "rprivate", "ro"]


def test_parents_come_first() -> None:
    mounts = [UserMount("/s", path) for path in ("/z/y/x", "/a//b/", "/z", "/b")]
    places = list(made(*mounts))[7:]
    assert places == ["/b", "/z", "/a//b/", "/z/y/x"]
