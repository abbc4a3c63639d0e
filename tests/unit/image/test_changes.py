"""Dockerfile instructions of --change; expectations are dockerd 28's answers to the same."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.image.changes import apply_changes
from runner.types.errors import InvalidParameter
from runner.types.image import ImageRunConfig

SECOND = 1_000_000_000

GOOD: list[tuple[list[str], dict[str, Any]]] = [
    (['CMD ["a","b"]'], {"Cmd": ["a", "b"]}),
    (["CMD a b"], {"Cmd": ["/bin/sh", "-c", "a b"]}),
    (["CMD [a]"], {"Cmd": ["/bin/sh", "-c", "[a]"]}),
    (["CMD a \\\n b"], {"Cmd": ["/bin/sh", "-c", "a  b"]}),
    (["ENTRYPOINT []"], {}),
    (['ENTRYPOINT ["x"]', 'CMD ["y"]'], {"Entrypoint": ["x"], "Cmd": ["y"]}),
    (['CMD ["y"]', 'ENTRYPOINT ["x"]'], {"Entrypoint": ["x"], "Cmd": ["y"]}),
    (["ENV a=b c=\"d e\" f='g h'"], {"Env": ["a=b", "c=d e", "f=g h"]}),
    (["ENV a b c"], {"Env": ["a=b c"]}),
    (
        ["ENV a=1", "ENV b=$a-${a}-${zz:-q}-${a:+w} c=\\$a d='$a'"],
        {"Env": ["a=1", "b=1-1-q-w", "c=$a", "d=$a"]},
    ),
    (["ENV PATH=/a", "ENV PATH=$PATH:/b"], {"Env": ["PATH=/a:/b"]}),
    (
        ["EXPOSE 80 443/TCP 53/udp 8000-8001"],
        {
            "ExposedPorts": {
                "443/tcp": {},
                "53/udp": {},
                "80/tcp": {},
                "8000/tcp": {},
                "8001/tcp": {},
            }
        },
    ),
    (["ENV p='1 2'", "EXPOSE $p"], {"Env": ["p=1 2"], "ExposedPorts": {"1/tcp": {}, "2/tcp": {}}}),
    (['LABEL a="x\\"y" b=c\\ d'], {"Labels": {"a": 'x"y', "b": "c d"}}),
    (["cmd x\nUSER y"], {"Cmd": ["/bin/sh", "-c", "x"], "User": "y"}),
    (['VOLUME ["/x","/y z"]'], {"Volumes": {"/x": {}, "/y z": {}}}),
    (["VOLUME /a /b"], {"Volumes": {"/a": {}, "/b": {}}}),
    (["WORKDIR /a", "WORKDIR b/../c"], {"WorkingDir": "/a/c"}),
    (["WORKDIR a//b/"], {"WorkingDir": "/a/b"}),
    (["STOPSIGNAL 9"], {"StopSignal": "9"}),
    (["STOPSIGNAL SIGTERM"], {"StopSignal": "SIGTERM"}),
    (["STOPSIGNAL rtmin+3"], {"StopSignal": "rtmin+3"}),
    (["HEALTHCHECK NONE"], {"Healthcheck": {"Test": ["NONE"]}}),
    (["HEALTHCHECK CMD true x"], {"Healthcheck": {"Test": ["CMD-SHELL", "true x"]}}),
    (
        ['HEALTHCHECK --interval=5s --timeout=1m30s --retries=3 --start-period=1ms CMD ["a"]'],
        {
            "Healthcheck": {
                "Test": ["CMD", "a"],
                "Interval": 5 * SECOND,
                "Timeout": 90 * SECOND,
                "StartPeriod": SECOND // 1000,
                "Retries": 3,
            }
        },
    ),
    (["ONBUILD RUN x"], {"OnBuild": ["RUN x"]}),
    (["# comment\nUSER y"], {"User": "y"}),
]

BAD = {
    "ENV": "ENV requires at least one argument",
    "ENV a": "ENV must have two arguments",
    "ENV =x": "ENV names can not be blank",
    "ENV a=b c": ('Syntax error - can\'t find = in "c". Must be of the form: name=value'),
    'ENV a="b': (
        'failed to process "\\"b": unexpected end of statement while looking for matching '
        "double-quote"
    ),
    "ENV a=${": "failed to process \"${\": syntax error: missing '}'",
    "ENV a=${}": 'failed to process "${}": syntax error: bad substitution',
    "ENV a=${x?boom}": 'failed to process "${x?boom}": x: boom',
    "ENV a=${x#y}": 'failed to process "${x#y}": unsupported modifier (#) in substitution',
    "EXPOSE": "EXPOSE requires at least one argument",
    "EXPOSE 99999": "invalid containerPort: 99999",
    "EXPOSE 80/foo": "invalid proto: foo",
    "USER": "USER requires exactly one argument",
    "VOLUME": "VOLUME requires at least one argument",
    "VOLUME [1]": "when using JSON array syntax, arrays must be comprised of strings only",
    "WORKDIR": "WORKDIR requires exactly one argument",
    "STOPSIGNAL foo": "invalid signal: foo",
    "STOPSIGNAL 0": "invalid signal: 0",
    "HEALTHCHECK": "HEALTHCHECK requires at least one argument",
    "HEALTHCHECK NONE x": "HEALTHCHECK NONE takes no arguments",
    "HEALTHCHECK foo": 'Unknown type "FOO" in HEALTHCHECK (try CMD)',
    "HEALTHCHECK CMD": "Missing command after HEALTHCHECK CMD",
    "HEALTHCHECK --foo=1 CMD x": "unknown flag: --foo",
    "HEALTHCHECK --interval CMD x": "missing a value on flag: --interval",
    "HEALTHCHECK --interval=5 CMD x": 'time: missing unit in duration "5"',
    "HEALTHCHECK --interval=abc CMD x": 'time: invalid duration "abc"',
    "HEALTHCHECK --interval=1us CMD x": 'Interval "interval" cannot be less than 1ms',
    "HEALTHCHECK --retries=-1 CMD x": "--retries cannot be negative (-1)",
    "HEALTHCHECK --retries=x CMD x": 'strconv.ParseInt: parsing "x": invalid syntax',
    "ONBUILD": "ONBUILD requires at least one argument",
    "ONBUILD ONBUILD x": "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed",
    "ONBUILD FROM x": "FROM isn't allowed as an ONBUILD trigger",
    "RUN x": "RUN is not a valid change command",
    "FROM x": "FROM is not a valid change command",
    "foo": "foo is not a valid change command",
    "": "file with no instructions",
    "# c": "file with no instructions",
    "CMD --foo x": "unknown flag: --foo",
}


@pytest.mark.parametrize(("changes", "expected"), GOOD)
def test_changes_are_made(changes: list[str], expected: dict[str, Any]) -> None:
    changed = apply_changes(ImageRunConfig(), changes)
    assert msgspec.to_builtins(changed) == expected


@pytest.mark.parametrize("change", BAD)
def test_bad_changes_are_refused_in_dockers_words(change: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        apply_changes(ImageRunConfig(), [change])
    assert refused.value.message == BAD[change]


def test_the_configuration_given_is_left_alone() -> None:
    given_ = ImageRunConfig(env=["a=1"], labels={"x": "y"})
    changed = apply_changes(given_, ["ENV a=2", "LABEL x=z"])
    assert (given_.env, given_.labels) == (["a=1"], {"x": "y"})
    assert (changed.env, changed.labels) == (["a=2"], {"x": "z"})


def test_an_entrypoint_takes_an_inherited_command_away() -> None:
    assert apply_changes(ImageRunConfig(cmd=["x"]), ["ENTRYPOINT y"]).cmd is None


KEYWORDS = ["CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "ONBUILD"]
KEYWORDS += ["STOPSIGNAL", "USER", "VOLUME", "WORKDIR"]


@given(st.sampled_from(KEYWORDS), st.text(alphabet="ab$ {}\"'\\:-=[],/1\n#?"))
def test_whatever_the_arguments_they_are_taken_or_refused(keyword: str, rest: str) -> None:
    try:
        apply_changes(ImageRunConfig(), [f"{keyword} {rest}"])
    except InvalidParameter as refused:
        assert refused.message
