"""Images of real programs: Debian's packages, unpacked over a busybox system.

None of the packages' scripts are run. Archives for `docker load` are kept in the toolchain's cache.

    python -m tests.support.debian [<image> ...]        makes them and prints where they are
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from fnmatch import fnmatch
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

import zstandard

from tests.support import images
from tests.support.apt import NoArchiveError, ToolchainError
from tests.support.toolchain import apt_options, cache_dir, locked, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SUITE: Final = "trixie"
PYTHON: Final = "3.13"
"""The suite's interpreter."""
WHEELS: Final = "/opt/wheels"
_REVISION: Final = 1
"""To be raised when the same recipe makes another image."""
PATH: Final = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What an image is made of."""

    packages: tuple[str, ...]
    drop: tuple[str, ...] = ()
    """Beginnings of the names of packages that nothing here needs, though others depend on them."""
    omit: tuple[str, ...] = ()
    """Files that ask for what was dropped, as patterns below the root."""
    user: str = ""
    """A system user of that name, with its own directory in /var/lib."""
    config: tuple[tuple[str, Any], ...] = ()
    """Fields of the image's configuration."""
    links: tuple[tuple[str, str], ...] = ()
    """Symbolic links that the packages' scripts would have made: where, and to what."""
    wheels: tuple[str, ...] = ()
    """Requirements whose wheels lie in /opt/wheels, where the image's pip finds them."""


# What is only there for packages to be installed.
INSTALLING: Final = (
    *("adduser", "debconf", "dpkg", "init-system-helpers", "login", "passwd", "perl", "libperl"),
    *("procps", "sysvinit", "tar", "ucf"),
)
_NOT_FOR_POSTGRES: Final = (
    *("lib*-perl", "libc-l10n", "libllvm", "libz3", "locales", "postgresql-common"),
    *("postgresql-client-common", "ssl-cert"),
)
XTABLES: Final = tuple(
    (f"usr/sbin/{family}tables{suffix}", "xtables-nft-multi")
    for suffix in ("", "-save", "-restore")
    for family in ("ip", "ip6")
)
"""What update-alternatives would have linked of iptables."""
_UNREAD: Final = tuple(f"usr/share/{name}" for name in ("doc", "man", "locale", "lintian"))

RECIPES: Final[dict[str, Recipe]] = {
    "shop-db": Recipe(
        ("postgresql-17", "postgresql-client-17"),
        (*INSTALLING, *_NOT_FOR_POSTGRES),
        ("usr/lib/postgresql/*/lib/llvmjit.so", "usr/lib/postgresql/*/lib/bitcode"),
        "postgres",
        (
            ("User", "postgres"),
            ("Env", [PATH.replace("PATH=", "PATH=/usr/lib/postgresql/17/bin:")]),
            ("Volumes", {"/var/lib/postgres": {}}),
            ("Cmd", ["postgres", "-D", "/var/lib/postgres"]),
            ("StopSignal", "SIGINT"),
        ),
    ),
    "shop-web": Recipe(("python3-psycopg2", "python3-redis"), INSTALLING),
    "firewalld": Recipe(
        ("dbus-daemon", "firewalld", "iptables"), ("base-files", *INSTALLING), links=XTABLES
    ),
    "shop-cache": Recipe(("valkey-server",), INSTALLING, (), "valkey", (("User", "valkey"),)),
}


def archive(name: str) -> Path:
    """The archive of an image that tests share; see `archive_of`."""
    return archive_of(name, RECIPES[name])


def archive_of(name: str, recipe: Recipe) -> Path:
    """The archive of an image of that name, made first when it is not there. Safe in a race."""
    folder = cache_dir() / "images"
    made = folder / f"{name}-{_stamp(recipe)}.tar"
    if made.exists():
        return made
    with locked(folder / f"{name}.lock"):
        if not made.exists():
            for outdated in folder.glob(f"{name}-*.tar"):
                outdated.unlink()
            _make(name, recipe, made)
    return made


def unpack(archive: Path, root: Path) -> None:
    """An image's layers, one upon the other, in a new directory."""
    root.mkdir()
    with tarfile.open(archive) as image:
        (manifest,) = json.loads(_member(image, "manifest.json").read())
        for name in manifest["Layers"]:
            with zstandard.ZstdDecompressor().stream_reader(_member(image, name)) as layer:
                feed = ["tar", "--extract", "--keep-directory-symlink", f"--directory={root}"]
                with subprocess.Popen(feed, stdin=subprocess.PIPE) as tar:
                    shutil.copyfileobj(cast("Any", layer), cast("IO[bytes]", tar.stdin))
            if tar.returncode:
                raise ToolchainError(f"tar failed with {name}")


def _member(image: tarfile.TarFile, name: str) -> IO[bytes]:
    found = image.extractfile(name)
    if found is None:
        raise ToolchainError(f"the image's archive has no {name}")
    return found


def _stamp(recipe: Recipe) -> str:
    """Another one whenever the image would be another one, new versions of packages aside."""
    return hashlib.sha256(f"{_REVISION} {recipe}".encode()).hexdigest()[:12]


def _make(name: str, recipe: Recipe, made: Path) -> None:
    scratch = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=made.parent))
    try:
        root = scratch / "root"
        root.mkdir()
        for package in _download(recipe, scratch):
            run(["dpkg-deb", "--extract", str(package), str(root)])
        _prune(recipe, root)
        _bundle_certificates(root)
        if recipe.wheels:
            _download_wheels(recipe.wheels, root / WHEELS.lstrip("/"))
        layers = [images.busybox_rootfs(), _layer(root), images.layer_tar(_system(recipe))]
        image = images.Image(layers, {"Env": [PATH], "Cmd": ["sh"], **dict(recipe.config)}, "zstd")
        written = images.write_docker_archive(scratch / "image.tar", {f"{name}:latest": image})
        written.rename(made)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _download(recipe: Recipe, scratch: Path) -> list[Path]:
    """The packages with what they depend on, as if nothing at all were installed."""
    options = [*apt_options(SUITE), "-oDir::State::status=/dev/null"]
    simulate = ["install", "--print-uris", "-y", "--no-install-recommends", *recipe.packages]
    listed = run(["apt-get", *options, *simulate])
    names = re.findall(r"^'\S+' ([^_ ]+)_\S+\.deb ", listed, re.MULTILINE)
    folder = scratch / "packages"
    folder.mkdir()
    run(["apt-get", *options, "download", *_wanted(recipe, names)], cwd=folder)
    return sorted(folder.glob("*.deb"))


def _download_wheels(requirements: Sequence[str], folder: Path) -> None:
    """Wheels for the suite's interpreter, which need not be the one that runs this."""
    machine = platform.machine()
    tags = [f"manylinux_2_{minor}_{machine}" for minor in (28, 27, 17)]
    platforms = [option for tag in tags for option in ("--platform", tag)]
    options = ["--quiet", "--only-binary=:all:", f"--python-version={PYTHON}", *platforms]
    command = [sys.executable, "-m", "pip", "download", *options, f"--dest={folder}"]
    run([*command, *requirements])


def _wanted(recipe: Recipe, names: list[str]) -> list[str]:
    return [name for name in names if not any(fnmatch(name, p + "*") for p in recipe.drop)]


def _prune(recipe: Recipe, root: Path) -> None:
    for pattern in (*_UNREAD, *recipe.omit):
        for path in root.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _bundle_certificates(root: Path) -> None:
    """What update-ca-certificates makes of the authorities, if the package is there."""
    authorities = sorted(root.glob("usr/share/ca-certificates/*/*.crt"))
    if authorities:
        bundle = root / "etc/ssl/certs/ca-certificates.crt"
        bundle.parent.mkdir(parents=True, exist_ok=True)
        bundle.write_text("".join(path.read_text() for path in authorities))


def _layer(root: Path) -> bytes:
    """The directory as a layer, in order and without times."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as layer:
        for path in sorted(root.rglob("*")):
            info = layer.gettarinfo(path, str(path.relative_to(root)))
            info.mtime = images.MTIME
            if info.isreg():
                with path.open("rb") as content:
                    layer.addfile(info, content)
            else:
                layer.addfile(info)
    return buffer.getvalue()


def _system(recipe: Recipe) -> Iterator[images.Entry]:
    """What the packages' scripts would have made."""
    yield from (images.symlink(name, f"usr/{name}") for name in ("lib", "lib64"))
    yield from (images.symlink(where, target) for where, target in recipe.links)
    if user := recipe.user:
        uid = 999
        line = f"{user}:x:{uid}:{uid}::/var/lib/{user}:/bin/sh\n"
        yield images.file("etc/passwd", images.PASSWD + line)
        yield images.file("etc/group", images.GROUP + f"{user}:x:{uid}:\n")
        for folder in (f"var/lib/{user}", f"run/{user}"):
            yield images.directory(folder, 0o700, uid, uid)


def main(arguments: Sequence[str]) -> int:
    """Make the images that are named, or all."""
    try:
        for name in arguments or RECIPES:
            print(f"{name}: {archive(name)}")
    except NoArchiveError as error:
        print(f"images: {error}; what needs them is skipped")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
