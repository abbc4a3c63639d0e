"""The matrix's table: what is counted of a report, and what a broken run looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support import matrix

if TYPE_CHECKING:
    from pathlib import Path

REPORT = """\
<testsuites><testsuite>
  <testcase classname="a" name="good"/>
  <testcase classname="a" name="again"><failure/></testcase>
  <testcase classname="a" name="again"/>
  <testcase classname="a" name="bad"><failure/></testcase>
  <testcase classname="a" name="bad"><error/></testcase>
  <testcase classname="b" name="bad"><error/></testcase>
  <testcase classname="a" name="elsewhere"><skipped/></testcase>
</testsuite></testsuites>
"""


def test_a_test_counts_once_as_it_ended(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    assert matrix.count(report) == (2, 2, 1)


def test_a_run_without_a_report_has_counted_nothing(tmp_path: Path) -> None:
    assert matrix.count(tmp_path / "none") == (0, 0, 0)


def test_the_table() -> None:
    rows = [
        matrix.Row("1.7.24", "runc", 900, 0, 3, 61.4, 0),
        matrix.Row("1.7.24", "crun", 890, 2, 13, 70.6, 1),
        matrix.Row("2.1.9", "crun", 890, 0, 13, 70.6, 2),
    ]
    assert matrix.table(rows).splitlines() == [
        "| containerd | runtime | passed | failed | skipped | seconds |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
        "| 1.7.24 | runc | 900 | 0 | 3 | 61 |",
        "| 1.7.24 | crun | 890 | 2 | 13 | 71 |",
        "| 2.1.9 | crun | 890 | exit 2 | 13 | 71 |",
    ]
