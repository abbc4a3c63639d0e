from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.oci.bundle import Bundle, create_bundle
from runner.oci.request import NamespacePaths, NetworkFiles, UserMount
from runner.types.container import HostConfig, Mount, VolumeOptions
from runner.types.errors import InvalidParameter
from tests.unit.oci import support

FILES = NetworkFiles("/run/x/resolv.conf", "/run/x/hostname", "/run/x/hosts")


def bundle(*mounts: UserMount, **settings: Any) -> Bundle:
    request = support.request(
        settings=HostConfig(**({"ipc_mode": "private"} | settings)),
        mounts=mounts,
        network_files=FILES,
        namespaces=NamespacePaths(network="/run/netns/x"),
        init_path="/usr/bin/tini-static",
    )
    return create_bundle(request, support.host())


def test_nothing_ties_it_to_the_engine() -> None:
    made = bundle(init=True)
    config = json.loads(made.config)
    assert config["root"] == {"path": "rootfs"}
    assert "cgroupsPath" not in config["linux"]
    assert {"type": "network"} in config["linux"]["namespaces"]
    assert made.files == {
        "docker-init": Path("/usr/bin/tini-static"),
        "resolv.conf": Path("/run/x/resolv.conf"),
        "hostname": Path("/run/x/hostname"),
        "hosts": Path("/run/x/hosts"),
    }
    sources = [mount["source"] for mount in config["mounts"] if mount["type"] == "bind"]
    assert sources == list(made.files)


def test_mounts_of_the_user_stay() -> None:
    made = bundle(UserMount("/mine", "/etc/hosts"), UserMount("/data", "/data"))
    assert sorted(made.files) == ["hostname", "resolv.conf"]
    sources = {mount.destination: mount.source for mount in made.spec.mounts}
    assert sources["/etc/hosts"] == "/mine"
    assert sources["/data"] == "/data"


def test_shareable_ipc_is_its_own() -> None:
    made = bundle(ipc_mode="shareable", shm_size=4096)
    (shm,) = (mount for mount in made.spec.mounts if mount.destination == "/dev/shm")
    assert shm.type == "tmpfs"
    assert "size=4096" in shm.options


def test_a_chosen_cgroup_stays() -> None:
    assert bundle(cgroup_parent="/mine").spec.linux.cgroups_path == f"/mine/{support.ID}"


@pytest.mark.parametrize("mode", ["network_mode", "ipc_mode", "pid_mode"])
def test_joining_others(mode: str) -> None:
    with pytest.raises(InvalidParameter, match="cannot join the namespaces of container:x"):
        bundle(**{mode: "container:x"})


@pytest.mark.parametrize(
    ("mount", "said"),
    [
        (Mount(type="image", source="x", target="/x"), "cannot mount an image"),
        (
            Mount(type="volume", source="x", volume_options=VolumeOptions(subpath="y")),
            "cannot mount a part of a volume",
        ),
    ],
)
def test_what_goes_with_the_engine(mount: Mount, said: str) -> None:
    with pytest.raises(InvalidParameter, match=f"a bundle {said}"):
        bundle(mounts=[mount])
