"""Copying, diff, export and commit by the stock docker CLI: the same as with dockerd.

Besides docker's own command lines there are `tar COMMAND`, which lists the archive that the command
prints, `sorted COMMAND` for lists whose order is chance in dockerd, and `here`, which lists the
local directory that `HERE` stands for.
"""

from __future__ import annotations

import io
import os
import re
import stat
import tarfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.compat.compare import Outcome, without_accidents, words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.subject import Subject

pytestmark = [pytest.mark.root, pytest.mark.oracle, pytest.mark.thorough]

Commands = list["str | tuple[str, bytes]"]

MADE = "create --name box busybox"
RUNS = "run -d --name box busybox sleep 1000"


def archive(*entries: tuple[str, dict[str, object]], style: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar: names with what else is known of the entry, `data` among it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=style) as tar:
        for name, facts in entries:
            info = tarfile.TarInfo(name)
            data = facts.pop("data", b"")
            assert isinstance(data, bytes)
            info.size, info.mtime = len(data), 1_600_000_000
            for key, value in facts.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def directory(mode: int = 0o755, **facts: object) -> dict[str, object]:
    return {"type": tarfile.DIRTYPE, "mode": mode, **facts}


def link(target: str, kind: bytes = tarfile.SYMTYPE) -> dict[str, object]:
    return {"type": kind, "linkname": target}


NOISE = re.compile(r"time=.* msg=\"Can't add file .* to tar: io: read/write on closed pipe\"\n")
"""What the client says by chance when it has seen that there is nothing to copy."""

CAPABILITY = "\x01\x00\x00\x02\x00\x04\x00\x00" + "\x00" * 12
LONG = "n" * 120 + "/" + "m" * 120


TREE = archive(
    ("t", directory()),
    ("t/one", {"data": b"one\n", "mode": 0o4755}),
    ("t/sub", directory(0o1777)),
    ("t/sub/two", {"data": b"two\n", "uid": 1000, "gid": 33}),
    ("t/sub/deep/x", {}),
    ("t/hard", link("t/one", tarfile.LNKTYPE)),
    ("t/link", link("one")),
    ("t/absolute", link("/t/sub")),
    ("t/dangling", link("nosuch")),
    ("t/loop", link("loop")),
    ("t/fifo", {"type": tarfile.FIFOTYPE}),
    ("t/null", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}),
    ("t/empty", {}),
    ("t/.hidden", {}),
)
FILLED: Commands = [MADE, ("cp - box:/", TREE)]

OUT: dict[str, Commands] = {
    "a file": [MADE, "tar cp box:/etc/passwd -", "cp box:/etc/passwd HERE/out", "here"],
    "a file from a running one": [RUNS, "tar cp box:/etc/passwd -", "tar cp box:/etc/group -"],
    "a relative path": [MADE, "tar cp box:etc/passwd -", "tar cp box:etc/../etc/./group -"],
    "a directory": [*FILLED, "tar cp box:/t -", "cp -q box:/t HERE/out", "here"],
    "the content of a directory": [*FILLED, "tar cp box:/t/. -", "cp box:/t/. HERE/dir", "here"],
    "a directory with a slash": [*FILLED, "tar cp box:/t/ -", "tar cp box:/t/sub// -"],
    "a paused one": [
        RUNS,
        ("cp - box:/", TREE),
        "pause box",
        "tar cp box:/t -",
        "unpause box",
    ],
    "links": [
        *FILLED,
        "tar cp box:/t/link -",
        "tar cp -L box:/t/link -",
        "tar cp box:/t/absolute -",
        "tar cp -L box:/t/absolute -",
        "tar cp box:/t/absolute/ -",
        "tar cp box:/t/absolute/two -",
        "tar cp box:/t/dangling -",
        "tar cp -L box:/t/dangling -",
        "tar cp box:/t/loop -",
        "tar cp -L box:/t/loop -",
        "cp box:/t/link HERE/out",
        "cp -L box:/t/link HERE/out2",
        "here",
    ],
    "links that lead out": [
        "run --name box busybox sh -c 'ln -s ../../../../etc/passwd up; ln -s / root'",
        "tar cp -L box:/up -",
        "tar cp box:/root/ -",
        "tar cp -L box:/root -",
    ],
    "what is missing": [
        MADE,
        "cp box:/nosuch -",
        "cp box:/nosuch HERE/out",
        "cp -L box:/nosuch HERE/out",
        "cp box:/etc/passwd/ -",
        "cp box:/etc/passwd/. -",
        "cp box:/etc/passwd/x -",
        "cp box: -",
        "cp nosuch:/etc -",
        "cp nosuch:/etc HERE/out",
    ],
    "special files": [*FILLED, "tar cp box:/t/fifo -", "tar cp box:/t/null -"],
    "hard links": [*FILLED, "tar cp box:/t/hard -"],
    "an empty file": [*FILLED, "tar cp box:/t/empty -"],
    "a long name": [
        f"run --name box busybox sh -c 'mkdir -p /l/{LONG}; echo x >/l/{LONG}/x'",
        "tar cp box:/l -",
        "cp -q box:/l HERE/out",
        "here",
    ],
    "odd names": [
        "run --name box busybox sh -c 'mkdir /o; cd /o; echo 1 >\"a b\"; echo 2 >ä€; echo 3 >-x'",
        "tar cp box:/o -",
        "tar cp box:/o/ä€ -",
    ],
    "where it may go": [
        MADE,
        "cp box:/etc/passwd HERE/nosuch/out",
        "cp box:/etc/passwd HERE/nosuch/",
        "cp box:/etc/passwd HERE/dir",
        "cp box:/etc HERE/file",
        "cp box:/etc/passwd HERE/file",
        "cp box:/etc HERE/dir",
        "here",
    ],
    "volumes": [
        "run --name box -v DATA:/data busybox sh -c 'echo kept >/data/x; mkdir /data/in'",
        "tar cp box:/data -",
        "tar cp box:/data/x -",
    ],
    "the host's files": [
        "create --name box -v HERE/dir:/bound -v HERE/file:/etc/one:ro busybox",
        "tar cp box:/bound -",
        "tar cp box:/etc/one -",
        "tar cp box:/bound/sub/b -",
    ],
    "a tmpfs": [
        "run --name box --tmpfs /t busybox sh -c 'echo x >/t/x'",
        "tar cp box:/t -",
    ],
    "a part of a volume": [
        "run --rm -v DATA:/data busybox sh -c 'mkdir -p /data/a/b; echo x >/data/a/b/x;"
        " ln -s /etc /data/out'",
        "create --name box --mount type=volume,src=DATA,dst=/m,volume-subpath=a/b busybox",
        "tar cp box:/m -",
        "create --name other --mount type=volume,src=DATA,dst=/m,volume-subpath=out busybox",
        "cp other:/m -",
    ],
    "a mounted image": [
        "run --name first busybox sh -c 'mkdir /pictures; touch -d @0 /pictures/x'",
        "commit first pictures",
        "create --name box --mount type=image,source=pictures,target=/m busybox sleep 1000",
        "tar cp box:/m/pictures -",
        ("cp - box:/m/pictures", archive(("y", {"data": b"y"}))),
        "start box",
        "tar cp box:/m/pictures -",
        ("cp - box:/m/pictures", archive(("y", {"data": b"y"}))),
        "diff box",
        "tar export box",
    ],
    "a link above a mount": [
        "run --name first busybox sh -c 'mkdir /real; ln -s real /alias'",
        "commit first aliased",
        "create --name box -v DATA:/alias/in aliased",
        ("cp - box:/real/in", archive(("x", {"data": b"x"}))),
        "tar cp box:/real -",
        "tar cp box:/alias/in -",
    ],
    "network files": [
        MADE,
        "tar cp box:/etc/hosts -",
        "start box",
        "cp box:/etc/hostname HERE/out",
        "tar cp box:/etc/mtab -",
    ],
}

IN: dict[str, Commands] = {
    "a file": [
        RUNS,
        "cp HERE/file box:/",
        "cp HERE/file box:/renamed",
        "cp HERE/tool box:/etc",
        "cp HERE/tool box:/etc/",
        "cp HERE/secret box:tmp",
        "exec box stat -c '%n %a %u %g %s %Y %F' /file /renamed /etc/tool /tmp/secret",
    ],
    "a file into a stopped one": [
        MADE,
        "cp HERE/file box:/tmp/x",
        "tar cp box:/tmp -",
        "start box",
        "cp HERE/file box:/tmp/y",
        "tar cp box:/tmp -",
    ],
    "a directory": [
        MADE,
        "cp HERE/dir box:/new",
        "cp HERE/dir box:/tmp",
        "cp HERE/dir/. box:/tmp",
        "cp HERE/dir/ box:/var/",
        "tar cp box:/new -",
        "tar cp box:/tmp -",
        "tar cp box:/var -",
    ],
    "links": [
        MADE,
        "cp HERE/link box:/tmp/a",
        "cp -L HERE/link box:/tmp/b",
        "cp HERE/dirlink box:/tmp/c",
        "cp -L HERE/dirlink box:/tmp/d",
        "cp HERE/dangling box:/tmp/e",
        "cp -L HERE/dangling box:/tmp/f",
        "tar cp box:/tmp -",
    ],
    "through links": [
        *FILLED,
        "cp HERE/file box:/t/link",
        "cp HERE/file box:/t/absolute",
        "cp HERE/file box:/t/absolute/renamed",
        "cp HERE/file box:/t/dangling",
        "cp HERE/dir box:/t/dangling",
        "cp HERE/file box:/t/loop",
        "cp HERE/file box:/t/loop/x",
        "tar cp box:/t -",
    ],
    "what does not fit": [
        MADE,
        "cp HERE/file box:/nosuch/",
        "cp HERE/file box:/nosuch/file",
        "cp HERE/file box:/etc/passwd/",
        "cp HERE/file box:/etc/passwd/x",
        "cp HERE/dir box:/etc/passwd",
        "cp HERE/dir box:/etc/passwd/x",
        "cp HERE/file box:",
        "cp HERE/nosuch box:/",
        "cp HERE/file/ box:/",
        "cp HERE/file nosuch:/",
        "cp box:/etc box:/tmp",
        "cp HERE/file HERE/out",
    ],
    "over each other's kinds": [
        *FILLED,
        "cp HERE/file box:/t/sub",
        "cp HERE/dir/. box:/t/one",
        ("cp - box:/t", archive(("sub", {"data": b"a file"}))),
        ("cp - box:/t", archive(("one", directory()))),
        ("cp - box:/t", archive(("one", {"data": b"again"}), ("sub", directory(0o700)))),
        "tar cp box:/t -",
    ],
    "owners": [
        "create --name box -u tester busybox",
        "cp HERE/file box:/tmp/a",
        "cp -a HERE/file box:/tmp/b",
        "cp -a HERE/dir box:/tmp/c",
        "tar cp box:/tmp -",
    ],
    "owners by number": [
        "create --name box -u 1234:33 busybox",
        "cp -a HERE/file box:/tmp/a",
        "tar cp box:/tmp -",
    ],
    "owners by names": [
        "create --name box -u www-data:extra busybox",
        "cp -a HERE/file box:/tmp/a",
        "tar cp box:/tmp -",
    ],
    "unknown owners": [
        "create --name box -u nosuch busybox",
        "cp -a HERE/file box:/tmp/a",
        "cp HERE/file box:/tmp/b",
        "create --name crate -u root:nosuch busybox",
        "cp -a HERE/file crate:/tmp/a",
    ],
    "volumes": [
        "create --name box -v DATA:/data -v DATA-fixed:/fixed:ro busybox",
        "cp HERE/file box:/data",
        "cp HERE/dir box:/data/new",
        "cp HERE/file box:/fixed",
        "cp HERE/file box:/fixed/in/x",
        "sorted run --rm -v DATA:/d busybox find /d",
        "sorted diff box",
    ],
    "the host's files": [
        "create --name box -v HERE/dir:/bound -v HERE/empty:/fixed:ro -v HERE/file:/f busybox",
        "cp HERE/tool box:/bound",
        "cp HERE/tool box:/fixed",
        "cp HERE/tool box:/f",
        "here",
    ],
    "a read-only root": [
        "create --name box --read-only -v DATA:/data --tmpfs /t busybox",
        "cp HERE/file box:/etc",
        "cp HERE/file box:/data",
        "cp HERE/file box:/t",
        "tar cp box:/data -",
    ],
    "a read-only root that runs": [
        "run -d --name box --read-only busybox sleep 1000",
        "cp HERE/file box:/etc",
        "tar cp box:/etc/hosts -",
    ],
    "a stream": [
        RUNS,
        ("cp - box:/tmp", archive(("a", {"data": b"a"}), ("d", directory()), ("d/b", {}))),
        "exec box find /tmp",
        ("cp - box:/nosuch", archive(("a", {}))),
        ("cp - box:/etc/passwd", archive(("a", {}))),
    ],
    "all kinds": [
        MADE,
        (
            "cp - box:/tmp",
            archive(
                ("file", {"data": b"x" * 5000, "mode": 0o4750, "uid": 7, "gid": 8}),
                ("sub", directory(0o1777, uid=9)),
                ("sub/implied/deep/file", {"data": b"1", "mode": 0o600}),
                ("link", link("sub/implied")),
                ("absolute", link("/etc/passwd")),
                ("hard", link("file", tarfile.LNKTYPE)),
                ("fifo", {"type": tarfile.FIFOTYPE, "mode": 0o640}),
                ("null", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}),
                ("disk", {"type": tarfile.BLKTYPE, "devmajor": 7, "devminor": 99}),
                ("old", {"mtime": -5}),
                ("big-owner", {"uid": 3_000_000, "gid": 4_000_000_000}),
            ),
        ),
        "tar cp box:/tmp -",
    ],
    "extended attributes": [
        MADE,
        (
            "cp - box:/tmp",
            archive(
                ("f", {"data": b"1", "pax_headers": {"SCHILY.xattr.user.note": "hello"}}),
                ("g", {"pax_headers": {"SCHILY.xattr.security.capability": CAPABILITY}}),
                ("h", {"pax_headers": {"SCHILY.xattr.trusted.x": "1"}}),
            ),
        ),
        "tar cp box:/tmp -",
    ],
    "out of the directory": [
        *FILLED,
        ("cp - box:/t", archive(("../escaped", {"data": b"x"}))),
        ("cp - box:/t", archive(("sub/../../escaped", {"data": b"x"}))),
        ("cp - box:/t", archive(("/etc/absolute", {"data": b"x"}))),
        ("cp - box:/t", archive(("l", link("../../etc")), ("l/x", {"data": b"x"}))),
        ("cp - box:/t", archive(("h", link("../etc/passwd", tarfile.LNKTYPE)))),
        ("cp - box:/t", archive(("m", link("/etc")), ("m/through", {"data": b"x"}))),
        ("cp - box:/", archive(("../up", {"data": b"x"}), ("../../l", link("../../x")))),
        "tar cp box:/t -",
        "tar cp box:/etc -",
    ],
    "gnu's format": [
        MADE,
        (
            "cp - box:/tmp",
            archive((LONG, {"data": b"1"}), ("l", link(LONG)), style=tarfile.GNU_FORMAT),
        ),
        "tar cp box:/tmp -",
    ],
    "no archive": [
        MADE,
        ("cp - box:/tmp", b""),
        ("cp - box:/tmp", b"nonsense"),
        ("cp - box:/tmp", b"x" * 1024),
        (
            "cp - box:/tmp",
            archive(("whole", {"data": b"1"}), ("cut", {"data": b"x" * 2000}))[:2000],
        ),
        ("cp - box:/tmp", archive(("damaged", {"data": b"1"})).replace(b"ustar", b"usTar")),
        "tar cp box:/tmp -",
    ],
    "unknown kinds": [
        MADE,
        ("cp - box:/tmp", archive(("a", {"data": b"1", "type": b"7"}))),
        ("cp - box:/tmp", archive(("b", {"data": b"1", "type": b"Z"}))),
        "tar cp box:/tmp -",
    ],
    "missing links": [
        MADE,
        ("cp - box:/tmp", archive(("h", link("nosuch", tarfile.LNKTYPE)))),
        ("cp - box:/tmp", archive(("d", directory()), ("d", {"data": b"1"}), ("d/x", {}))),
        "tar cp box:/tmp -",
    ],
}

DIFF: dict[str, Commands] = {
    "nothing": [MADE, "diff box", "start box", "diff box"],
    "a running one": [RUNS, "diff box", "exec box touch /x", "diff box"],
    "everything": [
        *FILLED,
        "sorted diff box",
    ],
    "changes": [
        "run --name box busybox sh -c 'echo x >>/etc/passwd; chmod 700 /home; chown 1 /etc/group;"
        " touch -d 2020-01-01 /bin/busybox; rm /bin/vi; rm -r /home/tester; mkdir /home/tester;"
        " touch /home/tester/new; touch /var; mv /usr/sbin /usr/moved'",
        "sorted diff box",
    ],
    "kinds": [
        "run --name box busybox sh -c 'rm /bin/vi; mkdir /bin/vi; touch /bin/vi/x; rm -r /usr/sbin;"
        " echo x >/usr/sbin; rm /bin/awk; ln -s /etc /bin/awk'",
        "sorted diff box",
    ],
    "made and unmade": [
        "run --name box busybox sh -c 'touch /x; rm /x; mkdir /d; rmdir /d'",
        "diff box",
    ],
    "written without a change": [
        "run --name box busybox sh -c 'chmod 644 /etc/passwd; exec 3>>/etc/group'",
        "diff box",
    ],
    "mount points": [
        "run --name box -v DATA:/data/in -v HERE/file:/f/g --tmpfs /t/u busybox touch /data/in/x",
        "sorted diff box",
    ],
    "after a copy": [
        "create --name box -v DATA:/data/in busybox",
        "diff box",
        "cp HERE/file box:/tmp/file",
        "sorted diff box",
    ],
    "no container": ["diff nosuch", "diff ''"],
}

EXPORT: dict[str, Commands] = {
    "a made one": [MADE, "tar export box"],
    "a stopped one": [*FILLED, "tar export box"],
    "a running one": [RUNS, "tar export box", "cp HERE/file box:/x", "tar export box"],
    "to a file": [
        MADE,
        "export -o HERE/out.tar box",
        "export -o HERE/nosuch/out.tar box",
        "export nosuch",
    ],
    "without volumes": [
        "run --name box -v DATA:/data -v HERE/dir:/bound busybox touch /data/x",
        "tar export box",
    ],
    "and back": [
        *FILLED,
        "export -o HERE/out.tar box",
        "import HERE/out.tar imported",
        "run --rm imported cat /t/sub/two",
    ],
}

SHOWN = (
    "inspect -f '{{json .Config}} {{.Author}} {{.Comment}} {{json .RootFS.Type}} {{.Os}}"
    " {{.Architecture}} {{json .RepoTags}} {{.Parent}} {{len .RootFS.Layers}}'"
)

COMMIT: dict[str, Commands] = {
    "as it is": [
        *FILLED,
        "commit box made:one",
        f"{SHOWN} made:one",
        "run --rm made:one cat /t/sub/two",
        "run --rm made:one find /t",
    ],
    "without a name": [*FILLED, "commit box", f"{SHOWN} box", "images -f dangling=true -q"],
    "author and comment": [
        *FILLED,
        "commit -a 'A B' -m 'a comment' box made:two",
        f"{SHOWN} made:two",
    ],
    "nothing written": [
        MADE,
        "commit box made:three",
        f"{SHOWN} made:three",
        "run --rm made:three true",
    ],
    "a running one": [
        RUNS,
        "exec box touch /x",
        "commit box made:four",
        "inspect -f '{{.State.Status}}' box",
        "run --rm made:four ls /x",
        "commit --pause=false box made:five",
    ],
    "a paused one": [
        RUNS,
        "pause box",
        "commit box made:six",
        "inspect -f '{{.State.Status}}' box",
        "unpause box",
    ],
    "settings of the container": [
        "run --name box -e A=b -w /tmp -u tester -l x=y -p 80 --expose 81 -v /anonymous"
        " --entrypoint echo --stop-signal INT -h there busybox a b",
        "commit box made:seven",
        f"{SHOWN} made:seven",
        "run --rm made:seven c",
    ],
    "changes": [
        "run --name box -e A=b -l x=y busybox true",
        "commit -c 'CMD [\"echo\", \"hi\"]' -c 'ENV C=d' -c 'LABEL z=1' -c 'EXPOSE 80'"
        " -c 'WORKDIR /tmp' -c 'USER tester' -c 'VOLUME /v' -c 'STOPSIGNAL 9'"
        " -c 'ONBUILD RUN x' -c 'HEALTHCHECK CMD true' box made:eight",
        f"{SHOWN} made:eight",
        "run --rm made:eight",
    ],
    "entrypoints": [
        "run --name box --entrypoint echo busybox a",
        "commit -c 'ENTRYPOINT [\"cat\"]' box made:nine",
        f"{SHOWN} made:nine",
        "commit -c 'ENTRYPOINT []' box made:ten",
        f"{SHOWN} made:ten",
        "commit -c 'CMD []' box made:eleven",
        f"{SHOWN} made:eleven",
        "commit -c 'ENTRYPOINT cat' -c 'CMD x' box made:twelve",
        f"{SHOWN} made:twelve",
    ],
    "refusals": [
        MADE,
        "commit -c 'RUN x' box made:x",
        "commit -c 'CMD' box made:x",
        "commit -c 'ENV x' box made:x",
        "commit box Made",
        "commit box made:x:y",
        "commit box made@sha256:" + "0" * 64,
        "commit nosuch made:x",
        "commit --pause box made:x",
    ],
    "upon each other": [
        "run --name box busybox sh -c 'echo 1 >/one; rm /bin/vi'",
        "commit box made:thirteen",
        "run --name crate made:thirteen sh -c 'echo 2 >/two; ls /bin/vi'",
        "sorted diff crate",
        "commit crate made:fourteen",
        f"{SHOWN} made:fourteen",
        "run --rm made:fourteen cat /one /two",
    ],
    "parents without a name": [
        MADE,
        ("cp - box:/", archive(("parents", {"data": b"1"}))),
        "commit box family:first",
        "create --name crate family:first",
        "commit -m other box family:first",
        "commit crate family:second",
        "sorted images family --format '{{.Repository}}:{{.Tag}}'",
    ],
    "a name moved": [
        MADE,
        "commit -m first box made:moved",
        "commit -m second box made:moved",
        "inspect -f '{{.Comment}}' made:moved",
    ],
    "volumes are no part": [
        "run --name box -v DATA:/data busybox touch /data/x /y",
        "commit box made:fifteen",
        "run --rm made:fifteen ls /data /y",
    ],
}


# --- what is compared ------------------------------------------------------------------------


def play(subject: Subject, here: Path, commands: Commands) -> list[Outcome | list[str]]:
    """What the commands come to, `HERE` being a directory of local files."""
    prepare(here)
    return [step(subject, here, *(c if isinstance(c, tuple) else (c, None))) for c in commands]


def step(subject: Subject, here: Path, line: str, given: bytes | None) -> Outcome | list[str]:
    if line == "here":
        return list(listing(here))
    kind, _, rest = line.partition(" ")
    line = rest if kind in ("tar", "sorted") else line
    # volumes stay when a test has ended: each has its own
    names = {"HERE": str(here), "DATA": f"{here.parent.name}-{here.name}".lower()}
    done = subject.docker(*words(replaced(line, names)), input=given or b"")
    found = {value: key for key, value in names.items()}
    errors = NOISE.sub("", replaced(without_accidents(done.stderr), found))
    if kind == "tar":
        output = "\n".join(members(done.stdout.encode("utf-8", "surrogateescape")))
    else:
        output = replaced(without_accidents(done.stdout), found)
    if kind == "sorted":
        output = "\n".join(sorted(output.splitlines()))
    return Outcome(line, done.returncode, output, errors)


def replaced(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(name, value)
    return text


def prepare(here: Path) -> None:
    """The local files."""
    here.mkdir()
    for name in ("dir/sub", "empty"):
        (here / name).mkdir(parents=True)
    for name, mode in (("file", 0o644), ("tool", 0o755), ("secret", 0o600), ("dir/a", 0o640)):
        (here / name).write_text(f"{name}\n")
        (here / name).chmod(mode)
    (here / "dir/sub/b").write_bytes(b"b" * 3000)
    for name, target in (("link", "file"), ("dirlink", "dir"), ("dangling", "nosuch")):
        (here / name).symlink_to(target)
    (here / "dir/link").symlink_to("a")
    os.chown(here / "tool", 1000, 1000)
    for path in here.rglob("*"):
        os.utime(path, (1_500_000_000, 1_500_000_000), follow_symlinks=False)


def listing(here: Path) -> Iterator[str]:
    """Every local file in a line."""
    for path in sorted(here.rglob("*")):
        status = path.lstat()
        facts = f"{path.relative_to(here)} {stat.filemode(status.st_mode)} {age(status.st_mtime)}"
        if path.is_symlink():
            yield f"{facts} -> {path.readlink()}"
        elif path.is_file() and path.suffix != ".tar":
            yield f"{facts} {path.read_bytes()[:100]!r}"
        else:
            yield facts


def members(data: bytes) -> Iterator[str]:
    """Every member of a tar in a line."""
    if not data:
        return
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isreg() else None
            body = content.read() if content else b""
            facts = (member.name, stat.filemode(member.mode), member.type, member.uid, member.gid)
            more = member.linkname, member.devmajor, member.devminor, member.pax_headers
            yield f"{facts} {age(member.mtime)} {more} {known(body)}"


def known(body: bytes) -> str:
    """The size and the beginning of what does not differ from container to container."""
    own = b"\t" in body or b"nameserver" in body
    return "its own" if own else f"{len(body)} {body[:100]!r}"


def age(seconds: float) -> str:
    """Times of long ago are as they were given; all others are of this run."""
    return str(seconds) if seconds < 1_750_000_000 else "now"


def compare(ours: Subject, dockerd: Subject, folder: Path, commands: Commands) -> None:
    with ours.images_restored(), dockerd.images_restored(), ThreadPoolExecutor(2) as pool:
        left = pool.submit(play, ours, folder / "ours", commands)
        right = pool.submit(play, dockerd, folder / "dockerd", commands)
    assert left.result() == right.result()


@pytest.mark.parametrize("commands", OUT.values(), ids=OUT)
def test_copying_out(ours: Subject, dockerd: Subject, tmp_path: Path, commands: Commands) -> None:
    compare(ours, dockerd, tmp_path, commands)


@pytest.mark.parametrize("commands", IN.values(), ids=IN)
def test_copying_in(ours: Subject, dockerd: Subject, tmp_path: Path, commands: Commands) -> None:
    compare(ours, dockerd, tmp_path, commands)


@pytest.mark.parametrize("commands", DIFF.values(), ids=DIFF)
def test_diff(ours: Subject, dockerd: Subject, tmp_path: Path, commands: Commands) -> None:
    compare(ours, dockerd, tmp_path, commands)


@pytest.mark.parametrize("commands", EXPORT.values(), ids=EXPORT)
def test_export(ours: Subject, dockerd: Subject, tmp_path: Path, commands: Commands) -> None:
    compare(ours, dockerd, tmp_path, commands)


@pytest.mark.parametrize("commands", COMMIT.values(), ids=COMMIT)
def test_commit(ours: Subject, dockerd: Subject, tmp_path: Path, commands: Commands) -> None:
    compare(ours, dockerd, tmp_path, commands)
