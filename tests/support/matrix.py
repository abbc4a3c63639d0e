"""The integration tests on every containerd with every OCI runtime, and one table of what came out.

    python -m tests.support.matrix [-n WORKERS] [pytest's arguments]

Each cell is a run of pytest of its own. Without arguments it is the whole of tests/integration but
for the command line and the demo: what they print does not depend on what is below the engine.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.support.toolchain import CONTAINERD_VERSIONS, containerd_bin_dir, crun

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

RUNTIMES: Final = ("runc", "crun")
_ELSEWHERE: Final = ("cli", "demo")
_ALL: Final = (
    "tests/integration",
    *(f"--ignore=tests/integration/{folder}" for folder in _ELSEWHERE),
    *("-m", "not thorough"),
)
_BAD: Final = ("failure", "error")


@dataclasses.dataclass(frozen=True)
class Row:
    """What came out of one cell."""

    containerd: str
    runtime: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    status: int
    """pytest's own: a run that was broken off, or left something behind, counts no failure."""

    @property
    def is_good(self) -> bool:
        """Whether all of it ran, and nothing failed."""
        return self.status == 0

    def cells(self) -> tuple[str, ...]:
        """The row in words."""
        failed = str(self.failed) if self.failed or self.is_good else f"exit {self.status}"
        counts = (str(self.passed), failed, str(self.skipped), f"{self.seconds:.0f}")
        return self.containerd, self.runtime, *counts


HEAD: Final = ("containerd", "runtime", "passed", "failed", "skipped", "seconds")


def count(report: Path) -> tuple[int, int, int]:
    """Passed, failed and skipped tests of a JUnit report; none where pytest wrote none.

    By the names of tests: one that fails and then fails to tidy up is one failure, and one that is
    tried again counts as it ended.
    """
    if not report.exists():
        return 0, 0, 0
    found = list(dict(_outcomes(report)).values())
    return found.count("passed"), found.count("failed"), found.count("skipped")


def _outcomes(report: Path) -> Iterator[tuple[tuple[str, str], str]]:
    for case in ElementTree.parse(report).iter("testcase"):
        tags = {child.tag for child in case}
        outcome = "failed" if tags & set(_BAD) else "skipped" if "skipped" in tags else "passed"
        yield (case.get("classname", ""), case.get("name", "")), outcome


def table(rows: Iterable[Row]) -> str:
    """The rows as a table of Markdown's."""
    lines = [HEAD, ("---", "---", "---:", "---:", "---:", "---:"), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def version_of(series: str) -> str:
    """The exact containerd of a series."""
    command = [str(containerd_bin_dir(series) / "containerd"), "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return said.split()[2].partition("~")[0].partition("+")[0]


def run(series: str, runtime: str, workers: str, tests: Sequence[str]) -> Row:
    """One cell; pytest's output goes where ours does."""
    print(f"\n--- containerd {series} with {runtime}", flush=True)
    with tempfile.TemporaryDirectory(prefix="runner-matrix-") as scratch:
        report = Path(scratch) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-n", workers, "--dist", "worksteal"]
        env = {"RUNNER_TEST_CONTAINERD": series, "RUNNER_TEST_RUNTIME": runtime}
        began = time.monotonic()
        done = subprocess.run([*command, f"--junitxml={report}", *tests], env=os.environ | env)
        seconds = time.monotonic() - began
        return Row(version_of(series), runtime, *count(report), seconds, done.returncode)


def main(arguments: Sequence[str]) -> int:
    """All cells, one after the other; fails if any does."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.matrix", allow_abbrev=False)
    parser.add_argument("-n", dest="workers", default="0", help="pytest's processes")
    parser.add_argument("--containerd", action="append", choices=CONTAINERD_VERSIONS)
    parser.add_argument("--runtime", action="append", choices=RUNTIMES)
    chosen, tests = parser.parse_known_args(arguments)
    crun()
    rows = [
        run(series, runtime, chosen.workers, tests or _ALL)
        for series in chosen.containerd or CONTAINERD_VERSIONS
        for runtime in chosen.runtime or RUNTIMES
    ]
    print(f"\n{table(rows)}")
    return int(not all(row.is_good for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
