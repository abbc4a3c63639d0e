"""Fetches the daemons that the tests run: several containerds, a dockerd, a registry.

Each tool is a handful of packages from one Debian suite, unpacked (not installed) into a folder of
a machine-wide cache. The archive is the one that the machine's own apt sources name, only the suite
is another, so nothing about the machine's installed packages changes.

    python -m tests.support.toolchain [all|prerequisites|<tool> ...]
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from tests.support.apt import NoArchiveError, ToolchainError, archive_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


Version = Literal["1.6", "1.7", "2.1", "host"]


@dataclasses.dataclass(frozen=True)
class Tool:
    """Packages of one Debian suite that are unpacked together."""

    suite: str
    packages: tuple[str, ...]
    drop: tuple[str, ...] = ()
    """Files (relative to the tool's root) that must not shadow the host's own."""
    only: tuple[str, ...] = ()
    """Folders to keep, all when empty."""


# A newer runc wants a newer glibc than the oldest host has.
_RUNC: Final = ("usr/bin/runc", "usr/sbin/runc")
_BIN: Final = ("usr/bin", "usr/sbin", "usr/libexec")
_MULTIARCH: Final = ("x86_64-linux-gnu", "aarch64-linux-gnu")
_LIBRARIES: Final = tuple(f"lib/{folder}" for folder in _MULTIARCH)

TOOLS: Final[dict[str, Tool]] = {
    "debian12": Tool("bookworm", ("containerd",), _RUNC, _BIN),
    "trixie": Tool("trixie", ("containerd",), _RUNC, _BIN),
    "forky": Tool("forky", ("containerd",), _RUNC, _BIN),
    "oracle": Tool("forky", ("docker.io", "docker-cli", "tini-static"), _RUNC, _BIN),
    "compose": Tool("forky", ("docker-compose",), (), _BIN),
    "registry": Tool("trixie", ("docker-registry",), (), _BIN),
    # Older ones refuse specifications newer than 1.0; this one wants a newer libc than some hosts'.
    "crun": Tool(
        "trixie",
        ("crun", "libc6", "libcap2", "libseccomp2", "libsystemd0", "libyajl2"),
        only=("usr/bin", "usr/lib", "usr/lib64"),
    ),
    "busybox": Tool("trixie", ("busybox-static",), (), _BIN),
    "journald": Tool(
        "bookworm",
        ("systemd", "libsystemd-shared", "libip4tc2", "libkmod2", "libseccomp2"),
        only=("bin/journalctl", "lib/systemd", "usr/lib", *_LIBRARIES),
    ),
    "cni": Tool("bookworm", ("containernetworking-plugins",), only=("usr/lib",)),
    "rsyslog": Tool(
        "bookworm",
        ("rsyslog", "rsyslog-openssl", "libestr0", "libfastjson4", "liblognorm5"),
        only=("usr/sbin", "usr/lib", *_LIBRARIES),
    ),
}

CONTAINERD_VERSIONS: Final[dict[str, str]] = {
    "1.6": "debian12",
    "1.7": "trixie",
    "2.1": "forky",
}
"""The tool that carries each containerd series the project supports."""

PREREQUISITES: Final[dict[str, tuple[str, ...]]] = {
    "busybox-static": ("busybox",),
    "containerd": ("containerd",),
    "iproute2": ("ip",),
    "iptables": ("iptables", "ip6tables"),
    "runc": ("runc",),
    "util-linux": ("lsns", "nsenter", "unshare"),
    "zstd": ("zstd",),
}
"""Host packages that the tests need, with the commands that prove their presence."""

BROWSER: Final[dict[str, tuple[str, ...]]] = {
    "chromium": ("chromium",),
    "chromium-driver": ("chromedriver",),
}
"""The same for the tests of the demo's page, which are skipped where an archive has no such
packages."""

_SBIN: Final = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def cache_dir() -> Path:
    """The machine-wide cache; `RUNNER_TOOLCHAIN` chooses another place."""
    if chosen := os.environ.get("RUNNER_TOOLCHAIN"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "runner-toolchain"


def path_with(*folders: Path) -> str:
    """A PATH that starts with these folders and is never without the sbin ones."""
    inherited = os.environ.get("PATH", os.defpath).split(os.pathsep)
    wanted = [str(folder) for folder in folders] + inherited + list(_SBIN)
    return os.pathsep.join(dict.fromkeys(wanted))


def tool_root(name: str) -> Path:
    """The folder of a tool, fetched first when it is not there. Safe to call in a race."""
    tool = TOOLS[name]
    root = cache_dir() / name
    if _is_complete(root, tool):
        return root
    with locked(cache_dir() / f"{name}.lock"):
        if not _is_complete(root, tool):
            _fetch(tool, root)
    return root


def bin_dirs(name: str) -> list[Path]:
    """The folders of a tool that belong on PATH, most specific first."""
    root = tool_root(name)
    return [folder for part in ("usr/bin", "usr/sbin") if (folder := root / part).is_dir()]


def library_path(name: str) -> str:
    """The LD_LIBRARY_PATH for a tool that brings libraries of its own."""
    root = tool_root(name)
    folders = [root / top / folder for top in ("usr/lib", "lib") for folder in _MULTIARCH]
    folders += [folder / "systemd" for folder in folders]
    return os.pathsep.join(str(folder) for folder in folders if folder.is_dir())


def containerd_bin_dir(version: str) -> Path:
    """The folder with `containerd`, its shim and `ctr` of the series "1.6", "1.7" or "2.1".

    "host" is the one that is installed.
    """
    if version == "host":
        return _host_program("containerd").parent
    try:
        tool = CONTAINERD_VERSIONS[version]
    except KeyError:
        known = ", ".join(CONTAINERD_VERSIONS)
        raise ToolchainError(f"no containerd {version!r} here (known: {known})") from None
    return tool_root(tool) / "usr/bin"


def default_containerd() -> str:
    """The series to test on: `RUNNER_TEST_CONTAINERD`, else the newest, or the host's."""
    if chosen := os.environ.get("RUNNER_TEST_CONTAINERD"):
        return chosen
    return "2.1" if has_archive() else "host"


def docker_cli() -> Path:
    """The stock docker CLI of the oracle's release, or the host's where there is no archive."""
    if has_archive():
        return tool_root("oracle") / "usr/bin/docker"
    return _host_program("docker")


def static_busybox() -> Path:
    """A busybox that needs no libraries: the same on every machine where there is an archive."""
    if has_archive():
        return tool_root("busybox") / "usr/bin/busybox"
    return _host_program("busybox")


# crun refuses a host whose cgroups of version 2 have controllers beside those of version 1.
_CRUN: Final = """\
#!/bin/sh
if [ -z "$within" ] && [ -e /sys/fs/cgroup/unified/cgroup.controllers ]; then
  within=1 exec unshare --mount --propagation slave "$0" "$@"
elif [ -n "$within" ]; then
  umount /sys/fs/cgroup/unified
  unset within
fi
exec {program} "$@"
"""


def crun() -> Path:
    """A script of that name that runs the tool's crun with the libraries beside it."""
    root = tool_root("crun")
    script = root / "bin/crun"
    if not script.exists():
        (loader,) = root.glob("usr/lib*/ld-linux-*.so.*")
        program = f"{loader} --library-path {library_path('crun')} {root}/usr/bin/crun"
        script.parent.mkdir(exist_ok=True)
        new = script.with_suffix(f".{os.getpid()}")
        new.write_text(_CRUN.format(program=program))
        new.chmod(0o755)
        new.rename(script)
    return script


def _host_program(name: str) -> Path:
    found = shutil.which(name, path=path_with())
    if found is None:
        raise NoArchiveError(f"this host has no {name}, and no Debian archive to get it from")
    return Path(found)


def has_archive() -> bool:
    """Whether tools can be fetched."""
    try:
        archive_source()
    except NoArchiveError:
        return False
    return True


def compose_plugins_dir() -> Path:
    """The folder to name in the docker CLI's `cliPluginsExtraDirs`."""
    root = tool_root("compose")
    for plugin in root.glob("usr/**/docker-compose"):
        if plugin.parent.name == "cli-plugins":
            return plugin.parent
    raise ToolchainError("the docker-compose package carries no CLI plugin")


def ensure_prerequisites() -> list[str]:
    """Install the host packages that are missing, and return their names."""
    missing = _missing(PREREQUISITES)
    if missing:
        apt_install(missing)
    if browser := _missing(BROWSER):
        try:
            apt_install(browser)
        except ToolchainError as error:
            print(f"toolchain: no browser, its tests are skipped: {error}")
        else:
            missing += browser
    return missing


def _missing(packages: Mapping[str, tuple[str, ...]]) -> list[str]:
    path = path_with()
    return [
        package
        for package, commands in packages.items()
        if not all(shutil.which(command, path=path) for command in commands)
    ]


def apt_install(packages: Sequence[str]) -> None:
    """Install packages on this machine; none of their services is started."""
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    with _services_stay_down():
        for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
            run(["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", *command], env=environment)


@contextlib.contextmanager
def _services_stay_down() -> Iterator[None]:
    """Keep packages from starting their services (invoke-rc.d asks policy-rc.d first)."""
    policy = Path("/usr/sbin/policy-rc.d")
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink(missing_ok=True)


def _stamp(tool: Tool) -> str:
    return repr(tool) + "\n"


def _is_complete(root: Path, tool: Tool) -> bool:
    try:
        return (root / ".complete").read_text() == _stamp(tool)
    except OSError:
        return False


def _fetch(tool: Tool, root: Path) -> None:
    """Download and unpack beside the final place, then rename: a half-made tool is never seen."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise NoArchiveError("the toolchain is fetched with apt, which this machine does not have")
    scratch = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    try:
        scratch.chmod(0o755)
        unpacked = scratch / "root"
        for package in _download(tool, scratch):
            run(["dpkg-deb", "--extract", str(package), str(unpacked)])
        _prune(tool, unpacked)
        (unpacked / ".complete").write_text(_stamp(tool))
        if root.exists():
            root.rename(scratch / "stale")
        unpacked.rename(root)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _prune(tool: Tool, root: Path) -> None:
    for name in tool.drop:
        (root / name).unlink(missing_ok=True)
    for top in root.iterdir():
        kept = [folder for folder in tool.only if folder.split("/")[0] == top.name]
        if not kept:
            shutil.rmtree(top)
            continue
        for child in top.iterdir():
            if f"{top.name}/{child.name}" not in kept:
                _remove(child)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _download(tool: Tool, scratch: Path) -> list[Path]:
    options = apt_options(tool.suite)
    folder = scratch / "packages"
    folder.mkdir()
    run(["apt-get", *options, "download", *tool.packages], cwd=folder)
    return sorted(folder.glob("*.deb"))


def apt_options(suite: str) -> list[str]:
    """Options that make apt see one suite only, in lists of its own, fetched when not yet there."""
    state = cache_dir() / "apt" / suite
    options = [
        "-q",
        "-oAcquire::Retries=3",
        "-oAcquire::Languages=none",
        "-oAcquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
        "-oAPT::Sandbox::User=root",
        "-oDir::Etc::sourcelist=/dev/null",
        f"-oDir::Etc::sourceparts={state}/sources",
        f"-oDir::State::Lists={state}/lists",
        f"-oDir::Cache={state}/cache",
    ]
    with locked(state.with_suffix(".lock")):
        _write_sources(state, suite)
        # Always refreshed: a fetch is rare, and an old index names packages that are gone.
        run(["apt-get", *options, "update"])
    return options


def _write_sources(state: Path, suite: str) -> None:
    for folder in ("sources", "lists/partial", "cache/archives/partial"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    (state / "sources" / "suite.sources").write_text(archive_source().stanza(suite))


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of that name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def run(
    command: Sequence[str], *, cwd: Path | None = None, env: dict[str, str] | None = None
) -> str:
    """Run a command of the machine's; what it has printed. Raises ToolchainError when it fails."""
    done = subprocess.run(
        command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        raise ToolchainError(f"{' '.join(command)} failed ({done.returncode}):\n{done.stdout}")
    return done.stdout


def main(arguments: Sequence[str]) -> int:
    """Fetch what is named; without arguments, everything."""
    wanted = list(arguments) or ["all"]
    if "all" in wanted:
        wanted = ["prerequisites", *TOOLS]
    try:
        for name in wanted:
            if name == "prerequisites":
                installed = ensure_prerequisites()
                print(f"prerequisites: {' '.join(installed) or 'all there'}")
            elif name in TOOLS:
                print(f"{name}: {tool_root(name)}")
            else:
                print(f"unknown tool {name!r}; known: all prerequisites {' '.join(TOOLS)}")
                return 2
    except NoArchiveError as error:
        print(f"toolchain: {error}; tests run on the host's containerd, without dockerd to compare")
    except ToolchainError as error:
        print(f"toolchain: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
