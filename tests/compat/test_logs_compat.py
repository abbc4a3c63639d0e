"""Logs: command lines of the stock docker CLI, and the local driver's files, as with dockerd."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import json
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.logs.entryfile import LogEntries
from tests.compat.compare import Outcome, run
from tests.support.containerd import DEFAULT_VERSION, Containerd
from tests.support.dockerd import Dockerd
from tests.support.engine import Engine
from tests.support.journald import Journald
from tests.support.process import Daemon, HarnessError
from tests.support.subject import Subject, eventually
from tests.support.syslog_server import SyslogServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.oci_runtime import OddRuntime

pytestmark = [pytest.mark.root, pytest.mark.oracle, pytest.mark.thorough]

Commands = list["str | tuple[str, str]"]

DRIVERS = {
    "json-file": "--log-driver json-file",
    "local": "--log-driver local",
    "syslog": "--log-driver syslog --log-opt syslog-address=SINK",
    "non-blocking": "--log-driver json-file --log-opt mode=non-blocking",
    "blocking": "--log-driver syslog --log-opt syslog-address=SINK --log-opt mode=blocking",
}

SCRIPT = "for i in 1 2 3; do echo $i; done; sleep 0.3; echo err >&2; sleep 0.3; printf end"
READING: dict[str, Commands] = {
    "of one that has ended": [
        f"run --name box LOG busybox sh -c '{SCRIPT}'",
        "logs box",
        "logs -f box",
        "logs -t box",
        "logs --details box",
        "logs --details -t --tail 2 box",
        "inspect -f '{{json .HostConfig.LogConfig}}' box",
    ],
    "the last lines": [
        f"run --name box LOG busybox sh -c '{SCRIPT}'",
        *(f"logs --tail {tail} box" for tail in ("0", "1", "2", "5", "6", "all", "x", "-1", "+2")),
        "logs -f --tail 1 box",
    ],
    "since and until": [
        f"run --name box LOG busybox sh -c '{SCRIPT}'",
        "logs --since 1h box",
        "logs --until 1h box",
        "logs --since 0 box",
        "logs --until 0 box",
        "logs --since 2999-01-01 box",
        "logs --until 2001-01-01T00:00:00Z box",
        "logs --since 1h --tail 2 box",
        "logs --since 2999-01-01 --tail 2 box",
        "logs --since nonsense box",
        "logs --until nonsense box",
    ],
    "of one that runs": [
        "run -d --name box LOG busybox sh -c 'echo one; echo two; sleep 1; echo three'",
        "logs -f box",
        "logs box",
    ],
    "across restarts": [
        "run --name box LOG busybox sh -c 'echo again; printf no-end'",
        "start -a box",
        "logs box",
        "logs -f --tail 1 box",
    ],
    "of long lines": [
        "run --name box LOG busybox sh -c 'X=$(yes x | head -n 20000); echo $X; echo after'",
        "logs box",
        "logs --tail 1 box",
        "logs --tail 2 box",
        "logs -t --tail 2 box",
    ],
    "of a long line without end": [
        "run --name box LOG busybox sh -c 'yes x | tr -d \"\\n\" | head -c 20000'",
        "logs box",
        "logs --tail 1 box",
    ],
    "of a terminal": [
        "run -t --name box LOG busybox sh -c 'echo out; echo err >&2'",
        "logs box",
        "logs -t --details box",
    ],
    "of nothing": [
        "run --name box LOG busybox true",
        "logs box",
        "logs --tail 3 box",
        "logs -f box",
    ],
    "of one that never ran": ["create --name box LOG busybox true", "logs box", "logs -f box"],
    "of odd bytes": [
        "run --name box LOG busybox printf 'a\\0b\\r\\tc\\033d\\n\\n\\n\\342\\202\\254<&>\\n'",
        "logs box",
    ],
    "by ID and after a rename": [
        "run --name box LOG busybox echo hi",
        "rename box chest",
        "logs chest",
        "logs box",
    ],
}

AT_CREATE: dict[str, Commands] = {
    "unknown options": [
        "run LOG --log-opt foo=1 busybox true",
        "run --log-driver local --log-opt foo=1 busybox true",
        "run --log-driver local --log-opt labels=x busybox true",
        "run --log-driver journald --log-opt max-size=1m busybox true",
        "run --log-driver syslog --log-opt max-size=1m busybox true",
        "run --log-driver syslog --log-opt cache-foo=x busybox true",
    ],
    "options for none": ["run --log-driver none --log-opt a=b busybox true"],
    "mode": [
        "run --log-driver local --log-opt mode=x busybox true",
        "run --log-driver local --log-opt max-buffer-size=1m busybox true",
        "run --log-opt mode=non-blocking --log-opt max-buffer-size=x busybox true",
        "run --log-driver syslog --log-opt cache-disabled=x busybox true",
    ],
    "syslog's address": [
        f"run --log-driver syslog --log-opt syslog-address={address} busybox true"
        for address in (
            *("foo", "http://x", "127.0.0.1:514", "localhost:514", ":x"),
            *("tcp://::1", "tcp://[::1", "tcp://h:abc", "tcp://a%zzb", "tcp://a^b"),
            *("unix:///nosuch", "unixgram:///nosuch", "unix:///a%b"),
        )
    ],
    "syslog's others": [
        "run --log-driver syslog --log-opt syslog-facility=x busybox true",
        "run --log-driver syslog --log-opt syslog-facility=24 busybox true",
        "run --log-driver syslog --log-opt syslog-format=x busybox true",
    ],
}

AT_START: dict[str, Commands] = {
    "json-file": [
        f"run {options} busybox true"
        for options in (
            "--log-opt max-size=0",
            "--log-opt max-size=x",
            "--log-opt max-file=0",
            "--log-opt max-file=x",
            "--log-opt compress=x",
            "--log-opt compress=true",
            "--log-opt tag={{.Nope}}",
            "--log-opt tag={{",
        )
    ],
    "local": [
        f"run --log-driver local {options} busybox true"
        for options in (
            "--log-opt max-size=x",
            "--log-opt max-size=-1",
            "--log-opt max-file=x",
            "--log-opt max-file=1",
            "--log-opt max-file=-1",
            "--log-opt max-file=-1 --log-opt compress=false",
            "--log-opt compress=x",
        )
    ],
    "local, taken": [
        "run --log-driver local --log-opt max-file=0 --log-opt compress=false busybox echo a",
        "run --log-driver local --log-opt max-size=0 busybox echo a",
        "run --log-driver local --log-opt max-file=1 --log-opt compress=false busybox echo a",
        "run --log-driver local --log-opt cache-max-size=1 busybox echo a",
    ],
    "syslog": [
        f"run --log-driver syslog --log-opt syslog-address={address} busybox true"
        for address in (
            *("tcp://127.0.0.1:1", "tcp://[::1]:1", "tcp://127.0.0.1:99999", "tcp://[::1]"),
            *("unix:///etc/passwd", "unixgram:///etc/passwd"),
        )
    ],
    "syslog, local": ["run --log-driver syslog busybox true", "ps -a --format '{{.Status}}'"],
    "syslog's tag": ["run --log-driver syslog --log-opt tag={{.Nope}} busybox true"],
    "syslog's certificates": [
        f"run --log-driver syslog --log-opt syslog-address=tcp+tls://127.0.0.1:1 {options} busybox"
        for options in (
            "--log-opt syslog-tls-ca-cert=/nosuch",
            "--log-opt syslog-tls-ca-cert=/etc/passwd",
        )
    ],
    "journald, where there is none": ["run --log-driver journald busybox true"],
    "again": [
        "create --name box --log-driver syslog --log-opt syslog-address=tcp://127.0.0.1:1 busybox",
        "start box",
        "start box",
        "logs box",
        "inspect -f '{{.State.ExitCode}} {{.State.Error}}' box",
    ],
}

UNREADABLE: dict[str, Commands] = {
    "none": [
        "run --name box --log-driver none busybox echo hi",
        "logs box",
        "logs -f box",
        "start -a box",
        "inspect -f '{{.LogPath}}{{json .HostConfig.LogConfig}}' box",
    ],
    "syslog without a cache": [
        "run --name box --log-driver syslog --log-opt syslog-address=SINK "
        "--log-opt cache-disabled=true busybox echo hi",
        "logs box",
        "logs --since nonsense box",
        "start -a box",
    ],
    "no container": ["logs nosuch", "logs -f nosuch", "logs", "logs one two"],
}

ATTRIBUTES: dict[str, Commands] = {
    "json-file": [
        "run --name box --log-opt labels=role,none --log-opt env=A,B --log-opt tag={{.Name}}/x "
        "-l role=web -e A=1 -e B=<2> busybox echo hi",
        "logs --details box",
        "logs --details -t box",
    ],
    "by patterns": [
        "run --name box --log-opt labels-regex=^ro --log-opt env-regex=^[AB]$ "
        "-l role=web -l other=1 -e A=1 -e B=2 -e AB=3 busybox echo hi",
        "logs --details box",
    ],
    "local keeps none": [
        "run --name box --log-driver local -l role=web busybox echo hi",
        "logs --details box",
    ],
}


@pytest.fixture(scope="module")
def sink() -> Iterator[str]:
    """The address of a syslog server that nobody reads."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"udp://127.0.0.1:{bound.getsockname()[1]}"


def check(ours: Subject, dockerd: Subject, commands: Commands, **words: str) -> None:
    def filled(line: str) -> str:
        for name, value in words.items():
            line = line.replace(name, value)
        return line

    lines: Commands = [filled(line) for line in commands if isinstance(line, str)]
    assert outcomes_of(ours, lines) == outcomes_of(dockerd, lines)


def outcomes_of(subject: Subject, commands: Commands) -> list[Outcome]:
    """What the command lines came to, long runs of one letter by their length."""

    def shortened(text: str) -> str:
        return re.sub(r"(.)\1{29,}|(x ){29,}", lambda found: f"({len(found[0])} x)", text)

    return [
        dataclasses.replace(each, stdout=shortened(each.stdout), stderr=shortened(each.stderr))
        for each in run(subject, commands)
    ]


FEW = ("of one that has ended", "of one that runs", "of long lines")
"""What is compared with every driver; with the default one, everything is."""

SOME = (*FEW, "the last lines", "since and until", "across restarts", "of a long line without end")

CASES = [
    pytest.param(driver, READING[name], id=f"{driver}-{name}")
    for driver in DRIVERS
    for name in {"json-file": READING, "local": SOME}.get(driver, FEW)
]


@pytest.mark.parametrize(("driver", "commands"), CASES)
def test_reading(
    ours: Subject, dockerd: Subject, sink: str, driver: str, commands: Commands
) -> None:
    check(ours, dockerd, commands, LOG=DRIVERS[driver], SINK=sink)


@pytest.mark.parametrize("commands", AT_CREATE.values(), ids=AT_CREATE)
def test_refused_at_create(ours: Subject, dockerd: Subject, commands: Commands) -> None:
    check(ours, dockerd, commands, LOG="")


@pytest.mark.parametrize("commands", AT_START.values(), ids=AT_START)
def test_refused_or_not_at_start(ours: Subject, dockerd: Subject, commands: Commands) -> None:
    check(ours, dockerd, commands)


@pytest.mark.parametrize("commands", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read(
    ours: Subject, dockerd: Subject, sink: str, commands: Commands
) -> None:
    check(ours, dockerd, commands, SINK=sink)


@pytest.mark.parametrize("commands", ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_attributes(ours: Subject, dockerd: Subject, commands: Commands) -> None:
    check(ours, dockerd, commands)


# --- the local driver's files -------------------------------------------------------------------

ROTATED = "--log-driver local --log-opt max-size=4k --log-opt max-file=3"
WRITING = {
    "lines": ("--log-driver local", "echo out; echo err >&2; echo; printf end"),
    "parts": ("--log-driver local", "yes x | tr -d '\\n' | head -c 40000; echo; echo after"),
    "rotated": (f"{ROTATED} --log-opt compress=false", "seq 1000 1300"),
    "compressed": (ROTATED, "seq 1000 1300"),
}


def log_folder(subject: Subject) -> Path:
    """Where the container's local log is."""
    identity = subject.identity("box")
    return subject.daemon.workspace.path / "data" / "containers" / identity / "local-logs"


def write(subject: Subject, options: str, script: str) -> None:
    done = subject.docker("run", "--name=box", *options.split(), "busybox", "sh", "-c", script)
    assert done.returncode == 0, done.stderr


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def entries(file: Path) -> list[tuple[str, bytes, int, bool]]:
    """What a file holds, without what is another every time."""
    messages, taken = LogEntries().decode(file.read_bytes(), last=True)
    assert taken == file.stat().st_size
    return sorted(
        (
            message.stream,
            message.line,
            message.partial.ordinal if message.partial else 0,
            bool(message.partial and message.partial.last),
        )
        for message in messages
    )


@pytest.mark.parametrize(("options", "script"), WRITING.values(), ids=WRITING)
def test_either_reads_what_the_other_wrote(
    ours: Subject, dockerd: Subject, options: str, script: str
) -> None:
    write(ours, options, script)
    write(dockerd, options, script)
    mine, theirs = log_folder(ours), log_folder(dockerd)
    # the last compression may still be under way
    assert eventually(lambda: names(mine) == names(theirs)), (names(mine), names(theirs))
    assert (mine.stat().st_mode, (mine / "container.log").stat().st_mode) == (
        theirs.stat().st_mode,
        (theirs / "container.log").stat().st_mode,
    )
    for name in names(mine):
        if not name.endswith(".gz"):
            assert entries(mine / name) == entries(theirs / name)
    said = {subject: subject.docker("logs", "-t", "box") for subject in (ours, dockerd)}
    tails = {subject: subject.docker("logs", "--tail=5", "box") for subject in (ours, dockerd)}
    spare = mine.with_name("spare")
    shutil.move(mine, spare)
    shutil.copytree(theirs, mine)
    shutil.rmtree(theirs)
    shutil.copytree(spare, theirs)
    for reader, writer in ((ours, dockerd), (dockerd, ours)):
        assert reader.docker("logs", "-t", "box").stdout == said[writer].stdout
        assert reader.docker("logs", "-t", "box").stderr == said[writer].stderr
        assert reader.docker("logs", "--tail=5", "box").stdout == tails[writer].stdout


def test_a_log_that_the_other_wrote_goes_on(ours: Subject, dockerd: Subject) -> None:
    for subject in (ours, dockerd):
        write(subject, ROTATED, "seq 1000 1150")
    mine, theirs = log_folder(ours), log_folder(dockerd)
    shutil.rmtree(mine)
    shutil.copytree(theirs, mine)
    for subject in (ours, dockerd):
        assert subject.docker("start", "-a", "box").returncode == 0
    assert ours.docker("logs", "box").stdout == dockerd.docker("logs", "box").stdout
    assert len(re.findall("1150", ours.docker("logs", "box").stdout)) == 2


# --- syslog's messages ----------------------------------------------------------------------------

TAGGED = "--log-opt tag={{.Name}}/{{.ImageName}} --log-opt syslog-facility=local2"


def without_head(message: bytes, pid: int) -> tuple[str, bytes]:
    """The head of a message, its PID, digits of its time and the short ID taken out; the text."""
    head, separator, text = message.partition(b"]: " if b"]: " in message else b" - ")
    priority, _, rest = head.decode().partition(">")
    rest = re.sub(r"\b[0-9a-f]{12}\b", "SHORT", rest).replace(str(pid), "PID")
    return f"{priority}>" + re.sub(r"\d", "0", rest) + separator.decode(), text


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("tcp", ""),
        ("unixgram", f"--log-opt syslog-format=rfc3164 {TAGGED}"),
        ("udp", f"--log-opt syslog-format=rfc5424 {TAGGED}"),
        ("unix", "--log-opt syslog-format=rfc5424micro"),
    ],
)
async def test_syslog_gets_the_same_messages(
    ours: Subject, dockerd: Subject, tmp_path: Path, kind: str, options: str
) -> None:
    server = await SyslogServer(kind, tmp_path).start()
    options += f" --log-driver=syslog --log-opt=syslog-address={server.address}"
    got = []
    for subject in (ours, dockerd):
        server.messages.clear()
        script = "echo out; echo; sleep 0.2; echo 'é <&>' >&2; sleep 0.2; printf end"
        await asyncio.to_thread(write, subject, options, script)
        messages = await server.has(3)
        got.append([without_head(message, subject.daemon.daemon.pid) for message in messages])
    await server.stop()
    assert got[0] == got[1]
    assert [text for _, text in got[0]] == [b"out", "é <&>".encode(), b"end"]


# --- the journal, and the engine's defaults -------------------------------------------------------

DEFAULTS = ["--log-driver=journald", "--log-opt=tag={{.Name}}", "--log-opt=cache-max-size=2m"]

OF_THE_JOURNAL: Commands = [
    "logs box",
    "logs --tail 2 box",
    "logs --tail 0 box",
    "logs --since 1h box",
    "logs --until 1h box",
    "logs --since 1h --tail 1 box",
    "logs -t --details --tail 2 box",
    "logs -f box",
    "inspect -f '{{json .HostConfig.LogConfig}} {{.LogPath}}' box",
]
OF_DEFAULTS: Commands = [
    "info -f '{{.LoggingDriver}}'",
    "create --name one busybox",
    "create --name two --log-driver json-file --log-opt max-size=1m busybox",
    "create --name three --log-opt tag=other --log-opt labels=x busybox",
    "create --name four --log-driver none busybox",
    "create --name five --log-opt max-size=1m busybox",
    "inspect -f '{{json .HostConfig.LogConfig}}' one two three four",
]


@pytest.fixture(scope="module")
def with_journal(
    busybox_tar: Path, odd_runtime: OddRuntime
) -> Iterator[tuple[Subject, Subject, Journald]]:
    """Both engines on a host that has a journal, with defaults for logs."""
    with contextlib.ExitStack() as stack:
        journald = stack.enter_context(Journald())
        containerd = Containerd(DEFAULT_VERSION)
        path = os.pathsep.join([str(journald.bin_dir), containerd.env["PATH"]])
        enter(journald, containerd.daemon)
        stack.enter_context(containerd)
        engine = Engine(containerd, arguments=DEFAULTS, env={"PATH": path})
        dockerd = Dockerd(arguments=DEFAULTS)
        for daemon in (engine.daemon, dockerd.daemon, dockerd.containerd.daemon):
            enter(journald, daemon)
        subjects = []
        for each in (engine, dockerd):
            stack.enter_context(each)
            each.load(busybox_tar)
            subjects.append(Subject(each, odd_runtime))
        yield subjects[0], subjects[1], journald


def enter(journald: Journald, daemon: Daemon) -> None:
    """Let the daemon start where journald is."""
    daemon.command = journald.entering(daemon.command, Path(__file__).parents[2])


def emptied(subject: Subject) -> None:
    subject.daemon.remove_everything()


def journal_of(journald: Journald, subject: Subject) -> list[dict[str, str]]:
    """The container's entries without what is another every time."""
    command = [*journald.journalctl, "--output=json", "--all"]
    command.append(f"CONTAINER_ID_FULL={subject.identity('box')}")
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    accidental = {"CONTAINER_ID", "CONTAINER_ID_FULL", "CONTAINER_LOG_EPOCH", "SYSLOG_TIMESTAMP"}
    return [
        {
            key: "" if key == "CONTAINER_PARTIAL_ID" else value
            for key, value in json.loads(line).items()
            if not key.startswith("_") and key not in accidental
        }
        for line in done.stdout.splitlines()
    ]


@pytest.mark.parametrize(
    ("options", "script", "count"),
    [
        ("-e A=1 --log-opt env=A --log-opt labels=com.x.y -l com.x.y=z", "echo 1; echo 2; echo", 3),
        ("", "yes x | tr -d '\\n' | head -c 20000; echo; printf end", 3),
    ],
    ids=["lines", "parts"],
)
def test_the_journal(
    with_journal: tuple[Subject, Subject, Journald], options: str, script: str, count: int
) -> None:
    """dockerd is asked again when it says something else: at times it overlooks an entry."""
    ours, dockerd, journald = with_journal
    for subject in (ours, dockerd):
        write(subject, options, script)
        assert eventually(lambda: len(journal_of(journald, subject)) >= count)  # noqa: B023
    assert journal_of(journald, ours) == journal_of(journald, dockerd)
    expected = outcomes_of(ours, OF_THE_JOURNAL)
    eventually(lambda: outcomes_of(dockerd, OF_THE_JOURNAL) == expected, seconds=20)
    assert expected == outcomes_of(dockerd, OF_THE_JOURNAL)
    for subject in (ours, dockerd):
        emptied(subject)


def test_following_the_journal(with_journal: tuple[Subject, Subject, Journald]) -> None:
    """Not asked of dockerd, whose follower at times waits for an entry that it has overlooked."""
    ours, _, _ = with_journal
    script = "echo one; echo two; sleep 1; echo three"
    ours.docker("run", "-d", "--name=box", "busybox", "sh", "-c", script)
    assert ours.docker("logs", "-f", "box", timeout=60).stdout == "one\ntwo\nthree\n"
    assert ours.docker("logs", "-f", "--tail=1", "box", timeout=60).stdout == "three\n"
    emptied(ours)


def test_defaults(with_journal: tuple[Subject, Subject, Journald]) -> None:
    ours, dockerd, _ = with_journal
    outcomes = []
    for subject in (ours, dockerd):
        outcomes.append(run(subject, OF_DEFAULTS))
        emptied(subject)
    assert outcomes[0] == outcomes[1]


def test_wrong_defaults_keep_an_engine_from_starting(containerd: Containerd) -> None:
    arguments = ["--log-driver=local", "--log-opt=foo=1"]
    text = "failed to set log opts: unknown log opt 'foo' for log driver local"
    for make in (functools.partial(Engine, containerd), Dockerd):
        with pytest.raises(HarnessError, match="ended at once") as caught:
            with make(arguments=arguments):
                pass
        assert text in str(caught.value)
