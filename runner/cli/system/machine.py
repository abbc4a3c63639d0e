"""The host as `doctor` looks at it: files and programs."""

from __future__ import annotations

import os
import stat

_ANSWER_SECONDS = 10


class Machine:
    """The host's files and programs; a test has its own below a `root`, and its own `path`."""

    def __init__(self, root: str = "", path: str | None = None) -> None:
        self.root = root
        self.path = os.environ.get("PATH", os.defpath) if path is None else path

    def read(self, file: str) -> str:
        """Its text; nothing when it cannot be read."""
        try:
            with open(self.root + file, encoding="utf-8", errors="replace") as opened:
                return opened.read()
        except OSError:
            return ""

    def exists(self, file: str) -> bool:
        """Whether there is such a file or folder."""
        return os.access(self.root + file, os.F_OK)

    def entries(self, folder: str) -> list[str]:
        """The names in a folder; none when there is no such folder."""
        try:
            return sorted(os.listdir(self.root + folder))  # noqa: PTH208 - cheap import
        except OSError:
            return []

    def nearest(self, folder: str) -> str:
        """The folder, or the deepest one above it that is there."""
        while folder not in ("", "/") and not self.exists(folder):
            folder = folder.rpartition("/")[0]
        return self.root + (folder or "/")

    def find(self, program: str) -> str:
        """The program's path; nothing when it is not on PATH."""
        for folder in self.path.split(os.pathsep):
            path = f"{folder}/{program}"
            if os.access(path, os.X_OK) and stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
                return path
        return ""

    def ask(self, *command: str) -> tuple[int, str]:
        """Run a program; its exit code and what it printed, complaints included."""
        import subprocess

        try:
            done = subprocess.run(
                command,
                env=os.environ | {"PATH": self.path, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_ANSWER_SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as err:
            return 127, str(err)
        return done.returncode, done.stdout.decode("utf-8", "replace").strip()
