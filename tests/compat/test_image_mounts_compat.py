"""Images that containers mount, by the stock docker CLI: the same as with dockerd."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.compat.compare import check

if TYPE_CHECKING:
    from tests.compat.compare import Commands
    from tests.support.subject import Subject

pytestmark = [pytest.mark.root, pytest.mark.oracle]

MAKE = [
    "run --name maker busybox sh -c 'mkdir -p /data/sub; echo hello >/data/sub/file;"
    " ln -s sub /data/link; ln -s /etc /data/out; chown 7:8 /data; chmod 750 /data'",
    "commit maker content",
    "rm maker",
]
MOUNTS = (
    "inspect -f '{{range .Mounts}}{{.Type}} {{.Name}} {{.Destination}} {{.Driver}}|{{.Mode}}"
    "|{{.RW}} {{.Propagation}};{{end}} {{json .HostConfig.Mounts}}' box"
)

USES: dict[str, Commands] = {
    "read": [
        *MAKE,
        "run --rm --mount type=image,source=content,target=/image busybox cat /image/data/sub/file",
        "run --rm --mount type=image,src=content:latest,dst=/new/place busybox"
        " stat -c '%a %u:%g' /new/place/data",
    ],
    "read only": [
        "run --rm --mount type=image,source=busybox,target=/image busybox touch /image/file",
        "run --rm --privileged --mount type=image,source=busybox,target=/image busybox"
        " touch /image/file",
        "run --rm --mount type=image,source=busybox,target=/image,readonly=false busybox"
        " rm /image/bin/busybox",
        "run --rm --mount type=image,source=busybox,target=/image,readonly busybox"
        " ls -d /image/bin",
    ],
    "options of mount": [
        "run --rm --mount type=image,source=busybox,target=/image busybox"
        " sh -c 'grep -o \"overlay /image overlay r[ow],[a-z]*\" /proc/mounts'",
        "run --rm --mount type=image,source=busybox,target=/image busybox"
        ' sh -c \'grep " /image " /proc/self/mountinfo | cut -d" " -f 5-7\'',
    ],
    "subpath": [
        *MAKE,
        "run --rm --mount type=image,source=content,target=/s,image-subpath=data/sub busybox ls /s",
        "run --rm --mount type=image,source=content,target=/s,image-subpath=data/link"
        " busybox ls /s",
        "run --rm --mount type=image,source=content,target=/s,image-subpath=data/sub/file"
        " busybox cat /s",
        "run --rm --mount type=image,source=content,target=/etc/passwd,image-subpath=data/sub/file"
        " busybox cat /etc/passwd",
        "run --rm --mount type=image,source=content,target=/s,image-subpath=../x busybox ls /s",
        "run --rm --mount type=image,source=content,target=/s,image-subpath=/data busybox ls /s",
    ],
    "wrong": [
        "create --mount type=image,target=/image busybox",
        "create --mount type=image,source=busybox busybox",
        "create --mount type=image,source=busybox,target=image busybox",
        "create --mount type=image,source=busybox,target=/ busybox",
        "create --mount type=image,source=busybox,target=/i,volume-nocopy busybox",
        "create --mount type=image,source=busybox,target=/i,bind-propagation=rslave busybox",
        "create --pull never --mount type=image,source=nosuch,target=/i busybox",
        "create --pull never --mount type=image,source=NoSuch,target=/i busybox",
        "create -v /tmp:/i --mount type=image,source=busybox,target=/i busybox",
        "ps -aq",
    ],
    "shown": [
        "create --name box --mount type=image,source=busybox,target=/image busybox",
        MOUNTS,
        "ps -a --format '{{.Mounts}}'",
        "ps -a --filter volume=/image --format '{{.Names}}'",
        "ps -a --filter volume=busybox --format '{{.Names}}'",
        "ps -a --filter ancestor=busybox --format '{{.Names}}'",
        "start box",
        "wait box",
        MOUNTS,
        "rm box",
    ],
    "again and again": [
        *MAKE,
        "create --name box --mount type=image,source=content,target=/image busybox"
        " cat /image/data/sub/file",
        "start -a box",
        "start -a box",
        "restart box",
        "wait box",
        "rm box",
    ],
    "removed images": [
        *MAKE,
        "create --name box --mount type=image,source=content,target=/image busybox"
        " cat /image/data/sub/file",
        "rmi content",
        "rmi -f content",
        "images --format '{{.Repository}} {{.Tag}}'",
        "start -a box",
        "rm box",
    ],
    "below another": [
        *MAKE,
        "run --rm -v data:/d --mount type=image,source=content,target=/d/image busybox"
        " ls /d/image/data",
        "run --rm --tmpfs /d --mount type=image,source=content,target=/d/image busybox"
        " ls /d/image/data",
        "run --rm --tmpfs /d --mount type=image,source=content,target=/d busybox ls /d",
    ],
    "in a read-only container, as nobody": [
        *MAKE,
        "run --rm --read-only -u 65534 --mount type=image,source=content,target=/image busybox"
        " ls /image/data",
        "run --rm -u 7 --mount type=image,source=content,target=/image busybox ls /image/data",
    ],
}


_OFTEN = ("read", "subpath", "wrong", "shown", "removed images")
CASES = [
    pytest.param(commands, id=name, marks=[] if name in _OFTEN else pytest.mark.thorough)
    for name, commands in USES.items()
]


@pytest.mark.parametrize("commands", CASES)
def test_alike(ours: Subject, dockerd: Subject, commands: Commands) -> None:
    with ours.images_restored(), dockerd.images_restored():
        check(ours, dockerd, commands)


def test_by_id(ours: Subject, dockerd: Subject) -> None:
    first, second = map(_by_id, (ours, dockerd))
    assert first == second
    assert first[0] == 0


def _by_id(subject: Subject) -> tuple[int, str, str]:
    (image,) = subject.docker("images", "-q", "--no-trunc", "busybox").stdout.split()
    mount = f"type=image,source={image},target=/image"
    done = subject.docker("run", "--name", "box", "--mount", mount, "busybox", "ls", "/image/bin")
    shown = subject.docker("inspect", "-f", "{{range .Mounts}}{{.Name}}{{end}}", "box")
    assert shown.stdout.strip() == image
    return done.returncode, done.stdout, done.stderr
