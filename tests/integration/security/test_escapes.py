"""Ways out of a container's or an image's files into the host's, tried."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.files.support import get, put
from tests.integration.security.conftest import SECRET
from tests.integration.security.support import LOADED, load, shell
from tests.support.images import Entry, directory, file, hardlink, layer_tar, symlink
from tests.support.subject import eventually

if TYPE_CHECKING:
    from tests.support.subject import Subject

UP = "../" * 20


def hostile_layers(victim: Path) -> dict[str, list[Entry]]:
    """Each tries to write below the host's directory, or to have its files."""
    out = str(victim)
    return {
        "dots": [file(f"{UP}{out.lstrip('/')}/planted", "x")],
        "absolute": [file(f"{out}/planted", "x")],
        "through a link": [symlink("link", out), file("link/planted", "x")],
        "through a relative link": [
            symlink("link", UP + out.lstrip("/")),
            file("link/planted", "x"),
        ],
        "through a link's link": [
            symlink("one", out),
            symlink("two", "one"),
            file("two/planted", "x"),
        ],
        "mode of a link's target": [symlink("link", f"{out}/sub"), directory("link", 0o777)],
        "overwriting by a link": [symlink("link", f"{out}/secret"), file("link", "x", 0o666)],
        "hard link": [hardlink("mine", f"{out}/secret")],
        "hard link by dots": [hardlink("mine", f"{UP}{out.lstrip('/')}/secret")],
        "hard link through a link": [symlink("link", out), hardlink("mine", "link/secret")],
        "whiteout": [file(f"{UP}{out.lstrip('/')}/.wh.secret")],
        "whiteout through a link": [symlink("link", out), file("link/.wh.secret")],
    }


KINDS = list(hostile_layers(Path("/victim")))


@pytest.mark.parametrize("kind", KINDS)
def test_layers_that_lead_outside(ours: Subject, victim: Path, tmp_path: Path, kind: str) -> None:
    """CVE-2014-6407, CVE-2014-9356, CVE-2014-9357: loaded, then run, and imported as well."""
    entries = hostile_layers(victim)[kind]
    load(ours, tmp_path, entries)
    heard = shell(ours, "find / -xdev -name mine -exec cat {} + ; cat /link", image="hostile")
    assert SECRET not in heard
    done = ours.docker("import", "-", "imported", input=layer_tar(entries))
    if done.returncode == 0:
        ours.docker("run", "--rm", "imported", "/x")


def test_archives_whose_ids_are_paths(ours: Subject, victim: Path) -> None:
    """CVE-2014-9358: names in an archive's documents, not of its members."""
    for config, layers in (
        (f"{UP}{victim}/secret", []),
        (f"{victim}/secret", [f"{victim}/secret"]),
        ("config.json", [f"{UP}{victim}/secret"]),
    ):
        layers_text = ", ".join(f'"{layer}"' for layer in layers)
        image = f'"Config": "{config}", "RepoTags": ["hostile:1"], "Layers": [{layers_text}]'
        archive = layer_tar([file("manifest.json", f"[{{{image}}}]"), file("config.json", "{}")])
        done = ours.docker("load", input=archive)
        assert done.returncode == 1
        assert SECRET not in done.stdout + done.stderr


def test_a_working_directory_by_descriptor(ours: Subject, victim: Path) -> None:
    """CVE-2024-21626: a descriptor of the host's directory that has leaked into runc; of containers
    and of execs, and climbing from there."""
    climb = "; ".join(f"cat {'../' * up}{str(victim)[1:]}/secret" for up in range(12))
    ours.create("sleep", "1000")
    assert ours.start().status == 204
    for descriptor in range(3, 10):
        link = f"/proc/self/fd/{descriptor}"
        run = ours.docker("run", "--rm", "-w", link, "busybox", "sh", "-c", f"echo ran; {climb}")
        within = ours.docker("exec", "-w", link, "box", "sh", "-c", f"echo ran; {climb}")
        for done in (run, within):
            assert done.returncode in {125, 126, 127}
            assert "ran" not in done.stdout
        assert SECRET not in shell(ours, climb, "-w", f"{link}/../../..")


OWN = "pipe:\\|^/dev/null$\\|^/$\\|^/bin/busybox$\\|^/proc"
EACH = f"for f in {{}}; do readlink $f; done | grep -v '{OWN}'"


def test_no_descriptor_of_the_hosts_is_left_open(ours: Subject) -> None:
    """CVE-2016-9962, CVE-2024-21626: neither the first process nor one of exec has any but its
    three, nor sees those of another while it comes in."""
    look = "for f in /proc/$$/fd/*; do [ -L $f ] && echo ${f##*/}; done"
    assert shell(ours, look) == "0\n1\n2\n"
    everything = EACH.format("/proc/[0-9]*/fd/* /proc/[0-9]*/cwd /proc/[0-9]*/root")
    ours.create("sh", "-c", f"while :; do {everything}; done")
    assert ours.start().status == 204
    for _ in range(8):
        assert ours.docker("exec", "box", "sh", "-c", look).stdout == "0\n1\n2\n"
    assert set(ours.logs().splitlines()) == set()


def test_the_hosts_programs_are_not_within_reach(ours: Subject) -> None:
    """CVE-2019-5736: what of the host's runs inside can be written to by nobody: not dockerd's
    init, which is one of its files."""
    heard = shell(
        ours,
        "echo x >/sbin/docker-init; echo x >/proc/1/exe; mount -o remount,rw /sbin/docker-init",
        "--init",
    )
    assert heard.count("Read-only file system") + heard.count("Text file busy") == 2
    assert "permission denied" in heard


def test_the_copying_helper_is_not_within_reach(ours: Subject) -> None:
    """CVE-2019-5736 by way of cp: the engine's process that enters the container's files is none
    of the container's processes."""
    ours.create(
        "sh",
        "-c",
        "head -c 30000000 /dev/zero >/big; touch /ready;"
        f" while :; do {EACH.format('/proc/[0-9]*/exe')}; done",
    )
    assert ours.start().status == 204
    assert eventually(lambda: get(ours, "/ready").status == 200)
    for _ in range(5):
        assert get(ours, "/big").status == 200
    assert ours.logs() == ""


def test_modes_and_owners_of_the_hosts_files(ours: Subject, victim: Path) -> None:
    """CVE-2021-41089: cp into a container whose directories are links to the host's."""
    ours.create("sh", "-c", f"ln -s {victim} /d; ln -s {victim}/secret /f; sleep 1000")
    assert ours.start().status == 204
    assert eventually(lambda: get(ours, "/f").status != 404)
    for name, kind in (("d", tarfile.DIRTYPE), ("d/sub", tarfile.DIRTYPE), ("f", tarfile.REGTYPE)):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            member = tarfile.TarInfo(name)
            member.type, member.mode, member.uid = kind, 0o777, 1000
            tar.addfile(member)
        put(ours, "/", buffer.getvalue())
        put(ours, f"/{name}", buffer.getvalue(), "&copyUIDGID=1")


VOLUMES = {
    "the place is a link": ("/v", [symlink("v", "{victim}")]),
    "a parent is a link": ("/p/sub", [symlink("p", "{victim}")]),
    "a relative link": ("/v", [symlink("v", UP + "{victim}")]),
    "files are links": ("/v", [directory("v"), symlink("v/secret", "{victim}/secret")]),
    "a directory is a link": ("/v", [directory("v"), symlink("v/sub", "{victim}/sub")]),
}


@pytest.mark.parametrize("kind", VOLUMES)
def test_links_where_a_volume_is_filled(
    ours: Subject, victim: Path, tmp_path: Path, kind: str
) -> None:
    """CVE-2022-23648, of containerd's volumes of an image: nothing of the host's is copied."""
    place, entries = VOLUMES[kind]
    filled = [Entry(e.name, kind=e.kind, link=e.link.format(victim=victim)) for e in entries]
    assert LOADED in load(ours, tmp_path, filled, Volumes={place: {}})
    heard = shell(ours, f"cat {place}/secret {place}/sub/secret {victim}/secret", image="hostile")
    assert SECRET not in heard
    heard = shell(
        ours, "cat /copy/secret /copy/sub/secret", "-v", f"named:{place}",
        "-v", "named:/copy", image="hostile",
    )  # fmt: skip
    assert SECRET not in heard


@pytest.mark.runc
@pytest.mark.parametrize("place", ["/proc", "/proc/self", "/proc/sys/kernel", "/sys/../proc"])
def test_volumes_over_proc(ours: Subject, tmp_path: Path, place: str) -> None:
    """CVE-2015-3630, CVE-2019-16884, CVE-2023-28642: who had a /proc of his own would have no
    masks, and no profile. An image's volume, one of the user's, and /proc as a link."""
    assert LOADED in load(ours, tmp_path, [], Volumes={place: {}})
    look = "cat /proc/sys/kernel/core_pattern; echo ran"
    assert "ran" not in shell(ours, look, image="hostile")
    assert "ran" not in shell(ours, look, "-v", f"own:{place}")


def test_proc_as_a_link(ours: Subject, tmp_path: Path) -> None:
    """CVE-2023-27561, CVE-2025-31133, CVE-2025-52881: of the image's own /proc, /sys and /dev
    nothing is left that leads elsewhere."""
    links = [symlink("proc", "/evil"), symlink("sys", "/evil"), symlink("dev", "/evil")]
    load(ours, tmp_path, [directory("evil"), *links], Volumes={"/evil": {}})
    script = (
        "for d in /proc /sys /dev; do [ -L $d ] && echo $d is a link; done;"
        " echo x >/proc/sys/kernel/core_pattern; echo x >/proc/sysrq-trigger; ls /evil;"
        " [ -c /dev/null ] && [ -d /proc/1 ] && [ -d /sys/class ] && echo sound"
    )
    heard = shell(ours, script, image="hostile")
    assert "is a link" not in heard
    assert "sound\n" in heard
    assert "core_pattern: Read-only file system" in heard


MASKED = ("/proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats"
          " /proc/sched_debug /proc/scsi /proc/timer_list /proc/timer_stats /sys/firmware"
          " /sys/devices/virtual/powercap").split()  # fmt: skip


def test_what_tells_of_the_host_is_hidden(ours: Subject) -> None:
    """CVE-2018-10892, CVE-2017-16539, CVE-2020-8694: nothing to be read or written there, by
    whichever road, and no mask can be taken off."""
    script = (
        f"for p in {' '.join(MASKED)}; do"
        " [ -e $p ] && { find $p -type f; [ -f $p ] && echo $p; head -c 1 $p; umount $p;"
        " echo 0 >$p/x; } 2>/dev/null; done; find /sys -name energy_uj 2>/dev/null; echo end"
    )
    ours.create("sleep", "1000")
    assert ours.start().status == 204
    for heard in (
        shell(ours, script),
        shell(ours, script, "--cap-add", "DAC_READ_SEARCH"),
        ours.docker("exec", "box", "sh", "-c", script).stdout,
    ):
        assert heard == "end\n"
