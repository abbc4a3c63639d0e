"""The fixtures, and the checks around every test run. Loaded by tests/conftest.py.

containerd          one private containerd for the session (RUNNER_TEST_CONTAINERD=1.6|1.7|2.1)
any_containerd      the same of each version in turn
engine              the session's engine (RUNNER_TEST_RUNTIME=runc|crun), emptied after each test
fresh_engine        an engine of the test's own
oracle              dockerd
registry            a registry without authentication; `private_registry` wants USER, PASSWORD
busybox_tar         a docker-save archive of busybox:latest
busybox             `engine`, with busybox:latest loaded
odd_runtime         an OCI runtime for both that misbehaves on demand
ours, dockerd       engine and oracle as subjects of the same test, with busybox, emptied after it
subject             both in turn: what is said of ours is asked of dockerd
"""

from __future__ import annotations

import gc
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import images, residue
from tests.support.apt import NoArchiveError
from tests.support.containerd import DEFAULT_VERSION, Containerd
from tests.support.dockerd import Dockerd, sweep_up
from tests.support.engine import Engine
from tests.support.oci_runtime import DEFAULT_RUNTIME, OddRuntime
from tests.support.process import Daemon
from tests.support.registry import Registry
from tests.support.subject import Subject, assert_settles
from tests.support.toolchain import CONTAINERD_VERSIONS, has_archive, tool_root
from tests.support.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

USER, PASSWORD = "tester", "secret"

_MADE = "workspaces"
_BEFORE = pytest.StashKey[residue.Snapshot]()
_LEFT = pytest.StashKey[list[str]]()
_LOG_SIZES = pytest.StashKey[dict[Daemon, int]]()


@pytest.fixture(scope="session")
def containerd() -> Iterator[Containerd]:
    """A private containerd of the default version."""
    with Containerd(DEFAULT_VERSION) as started:
        yield started


def _versions() -> list[Any]:
    """The version of the session's own first; the others for thorough runs."""
    return [
        pytest.param(version, marks=() if version == DEFAULT_VERSION else pytest.mark.thorough)
        for version in CONTAINERD_VERSIONS
    ]


@pytest.fixture(scope="session", params=_versions())
def any_containerd(request: pytest.FixtureRequest) -> Iterator[Containerd]:
    """A private containerd of every version in turn."""
    with Containerd(request.param) as started:
        yield started


@pytest.fixture(scope="session")
def odd_runtime(tmp_path_factory: pytest.TempPathFactory) -> OddRuntime:
    """The runtime `odd` of the session's engine and oracle, beside the init that dockerd has."""
    runtime = OddRuntime(tmp_path_factory.mktemp("odd"))
    if has_archive():
        runtime.add_program(tool_root("oracle") / "usr/bin/docker-init")
    return runtime


@pytest.fixture(scope="session")
def session_engine(containerd: Containerd, odd_runtime: OddRuntime) -> Iterator[Engine]:
    """The engine behind `engine`, not emptied."""
    path = os.pathsep.join([str(odd_runtime.bin_dir), containerd.env["PATH"]])
    with Engine(containerd, env={"PATH": path}) as started:
        yield started


@pytest.fixture
def engine(session_engine: Engine) -> Iterator[Engine]:
    """An engine that runs all session long; its containers are removed after each test."""
    if not session_engine.daemon.running():
        session_engine.start()
    yield session_engine
    if not session_engine.daemon.running():
        session_engine.start()
    session_engine.remove_everything()


@pytest.fixture
def fresh_engine(containerd: Containerd) -> Iterator[Engine]:
    """An engine of the test's own, on the session's containerd."""
    with Engine(containerd) as started:
        yield started


@pytest.fixture(scope="session")
def oracle(odd_runtime: OddRuntime) -> Iterator[Dockerd]:
    """A real dockerd, to compare with; like ours it leaves containers running when it ends."""
    runtime = f"--add-runtime={odd_runtime.name}={odd_runtime.path}"
    with Dockerd(arguments=[runtime, "--live-restore"]) as started:
        yield started


@pytest.fixture(scope="session")
def registry() -> Iterator[Registry]:
    """A registry that anybody may use."""
    with Registry() as started:
        yield started


@pytest.fixture(scope="session")
def private_registry() -> Iterator[Registry]:
    """A registry that wants basic authentication."""
    with Registry(username=USER, password=PASSWORD) as started:
        yield started


@pytest.fixture(scope="session")
def busybox_tar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A docker-save archive of busybox:latest."""
    return images.busybox_archive(tmp_path_factory.mktemp("images") / "busybox.tar")


@pytest.fixture(scope="session")
def _busybox_loaded(session_engine: Engine, busybox_tar: Path) -> None:
    session_engine.load(busybox_tar)


@pytest.fixture
def busybox(engine: Engine, _busybox_loaded: None) -> Engine:
    """`engine`, with the image busybox:latest in it."""
    return engine


@pytest.fixture(scope="session")
def _our_subject(session_engine: Engine, _busybox_loaded: None, odd_runtime: OddRuntime) -> Subject:
    return Subject(session_engine, odd_runtime)


@pytest.fixture(scope="session")
def _dockerd_subject(oracle: Dockerd, busybox_tar: Path, odd_runtime: OddRuntime) -> Subject:
    oracle.load(busybox_tar)
    return Subject(oracle, odd_runtime)


@pytest.fixture
def ours(engine: Engine, _our_subject: Subject) -> Iterator[Subject]:
    """Our engine; a test that leaves anything of a container behind in it fails."""
    yield _our_subject
    if not engine.daemon.running():
        engine.start()
    _our_subject.remove_everything()
    assert_settles(_our_subject.traces)


@pytest.fixture
def dockerd(oracle: Dockerd, _dockerd_subject: Subject) -> Iterator[Subject]:
    """The oracle."""
    yield _dockerd_subject
    if not oracle.daemon.running():
        oracle.start()
    _dockerd_subject.remove_everything()


@pytest.fixture(
    params=["ours", pytest.param("dockerd", marks=[pytest.mark.oracle, pytest.mark.thorough])]
)
def subject(request: pytest.FixtureRequest) -> Subject:
    """Ours, then dockerd."""
    found: Subject = request.getfixturevalue(request.param)
    return found


# --- around the tests --------------------------------------------------------------------------


def pytest_configure() -> None:
    """Take SIGTERM as Ctrl-C: the fixtures' daemons are then ended in good order."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Sweep up after runs that were killed, and note what the machine looks like."""
    if _is_worker(session.config):
        return
    if os.geteuid() == 0:
        sweep_up()
    session.config.stash[_BEFORE] = residue.take()


def _is_worker(config: pytest.Config) -> bool:
    """Whether this process is one of pytest-xdist's, which run tests for another that judges."""
    return hasattr(config, "workerinput")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """What a worker has made is this run's."""
    Workspace.made += getattr(node, "workeroutput", {}).get(_MADE, [])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run that leaves something behind has failed."""
    if _is_worker(session.config):
        session.config.workeroutput[_MADE] = Workspace.made  # type: ignore[attr-defined]
    if _BEFORE not in session.config.stash:
        return
    scope = residue.Scope.from_environment()
    left = residue.settled_diff(session.config.stash[_BEFORE], scope)
    session.config.stash[_LEFT] = left
    if left and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was left behind."""
    if left := config.stash.get(_LEFT, []):
        terminalreporter.section("left behind by this test run", red=True, bold=True)
        for line in left:
            terminalreporter.line(line)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is true of runc only where the engines have another runtime."""
    if DEFAULT_RUNTIME == "runc":
        return
    for item in items:
        if item.get_closest_marker("runc"):
            item.add_marker(pytest.mark.skip(reason=f"of runc, not of {DEFAULT_RUNTIME}"))


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup() -> Generator[None, object, object]:
    """Skip what needs a tool that this distribution's archive does not have."""
    try:
        return (yield)
    except NoArchiveError as error:
        pytest.skip(str(error))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """The same for tests that start a daemon themselves."""
    try:
        return (yield)
    except NoArchiveError as error:
        pytest.skip(str(error))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Let what a module's tests have left open be found by its last test, not by some later one."""
    if nextitem is None or nextitem.path != item.path:
        gc.collect()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note how long the logs are, so that a failure shows its own part only."""
    item.stash[_LOG_SIZES] = {daemon: daemon.log_size() for daemon in Daemon.known}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the daemons logged during a test that failed."""
    report = yield
    if report.failed:
        sizes = item.stash.get(_LOG_SIZES, {})
        for daemon in sorted(Daemon.known, key=lambda daemon: daemon.name):
            if text := daemon.log_since(sizes.get(daemon, 0)):
                report.sections.append((f"log of {daemon.name}", text))
    return report
