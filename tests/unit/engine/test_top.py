"""Reading what ps prints."""

import pytest

from runner.engine.top import _validate, parse_ps_output
from runner.types.errors import RunnerError

EF = """\
UID          PID    PPID  C STIME TTY          TIME CMD
root           1       0  0 09:41 ?        00:00:00 /sbin/init a  b
root          12       1  0 09:41 ?        00:00:00 sh -c echo\u00a0x  y
root          13      12  0 09:41 ?        00:00:00 sleep 1
"""
THREADS = """\
    PID COMMAND
      1 init
      - -
     12 sh
      - -
      - -
     13 other
      - -
"""


def test_the_containers_lines_are_kept_and_the_rest_joins_the_last_title() -> None:
    found = parse_ps_output(EF, [12, 99])
    assert found.titles == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert found.processes == [
        ["root", "12", "1", "0", "09:41", "?", "00:00:00", "sh -c echo\u00a0x y"]
    ]


def test_threads_follow_their_process() -> None:
    assert parse_ps_output(THREADS, [12]).processes == [["12", "sh"], ["-", "-"], ["-", "-"]]


def test_no_process_is_null() -> None:
    assert parse_ps_output(EF, []).processes is None


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("", "Couldn't find PID field in ps output"),
        ("CMD\nsh\n", "Couldn't find PID field in ps output"),
        (
            "PID CMD\nx sh\n",
            "Unexpected pid 'x': strconv.Atoi: parsing \"x\": invalid syntax",
        ),
        ("PID CMD\n12\n", "Unexpected line in ps output: 12"),
    ],
)
def test_output_that_tells_no_pids(output: str, message: str) -> None:
    with pytest.raises(RunnerError) as error:
        parse_ps_output(output, [12])
    assert str(error.value) == message


@pytest.mark.parametrize("arguments", ["-ef", "-o pid=PID", "-o x=Y", "x=PID", "-o a=PI D"])
def test_arguments_that_leave_the_pids_alone(arguments: str) -> None:
    _validate(arguments)


@pytest.mark.parametrize("arguments", ["-o x=PID", "-o pid=PID -o y= PIDS", "-e  =PID"])
def test_titles_that_pretend_to_be_pids(arguments: str) -> None:
    with pytest.raises(RunnerError, match=r'specifying ".*=PIDS?" is not allowed'):
        _validate(arguments)
