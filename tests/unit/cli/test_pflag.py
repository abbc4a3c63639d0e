"""Command lines as docker reads them; the texts are docker 28.5's own."""

from __future__ import annotations

import pytest

from runner.cli import pflag
from tests.unit.cli.support import TABLE, parse, refusal


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["-it"], {"interactive": True, "tty": True}),
        (["-itd=false"], {"interactive": True, "tty": True, "detach": False}),
        (["-p8080:80"], {"publish": ["8080:80"]}),
        (["-p=8080:80"], {"publish": ["8080:80"]}),
        (["-p", "8080:80", "--publish", "90"], {"publish": ["8080:80", "90"]}),
        (["-e=x=y"], {"env": ["x=y"]}),
        (["-itex=y"], {"interactive": True, "tty": True, "env": ["x=y"]}),
        (["--rm=false", "--rm=true"], {"rm": True}),
        (["--sig-proxy=f"], {"sig_proxy": False}),
        (["--name=x"], {"name": "x"}),
        (["--name", "x", "--name", "y"], {"name": "y"}),
        (["--name", "--rm"], {"name": "--rm", "rm": False}),
        (["--name="], {"name": ""}),
        (["--net", "host", "--network", "x"], {"rm": False}),
        (["-m", "1.5g", "--cpus", "1/2"], {"memory": 1610612736, "cpus": 500000000}),
        (["--init"], {"init": True}),
        (["--init=0"], {"init": False}),
        ([], {"init": None, "stop_timeout": None, "entrypoint": None, "publish": []}),
        (["-h", "web"], {"hostname": "web"}),
        (["--"], {"rm": False}),
    ],
)
def test_accepted(argv: list[str], expected: dict[str, object]) -> None:
    _, options = parse("run", *argv, "IMAGE", "cmd", "--rm", "-x")
    assert {name: getattr(options, name) for name in expected} == expected
    assert options.image == "IMAGE"
    assert options.command == ["cmd", "--rm", "-x"]


def test_both_spellings_of_a_flag_add_to_one_list_in_order() -> None:
    _, options = parse("run", "--net", "a", "--network", "b", "--net", "c", "x")
    assert [network.target for network in options.network] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["--bogus"], "unknown flag: --bogus"),
        (["--bogus=1"], "unknown flag: --bogus"),
        (["-Z"], "unknown shorthand flag: 'Z' in -Z"),
        (["-itx"], "unknown shorthand flag: 'x' in -x"),
        (["-m"], "flag needs an argument: 'm' in -m"),
        (["-itm"], "flag needs an argument: 'm' in -m"),
        (["--name"], "flag needs an argument: --name"),
        (["--=x"], "bad flag syntax: --=x"),
        (["---x"], "bad flag syntax: ---x"),
        (
            ["--rm=maybe"],
            (
                'invalid argument "maybe" for "--rm" flag: '
                'strconv.ParseBool: parsing "maybe": invalid syntax'
            ),
        ),
        (["-m", "3x"], 'invalid argument "3x" for "-m, --memory" flag: invalid suffix: \'x\''),
        (
            ["-c", "x"],
            (
                'invalid argument "x" for "-c, --cpu-shares" flag: '
                'strconv.ParseInt: parsing "x": invalid syntax'
            ),
        ),
        (
            ["--blkio-weight", "99999999"],
            (
                'invalid argument "99999999" for "--blkio-weight" flag: '
                'strconv.ParseUint: parsing "99999999": value out of range'
            ),
        ),
        (
            ["--health-interval", "3"],
            'invalid argument "3" for "--health-interval" flag: time: missing unit in duration "3"',
        ),
        (
            ["-a", "foo"],
            (
                'invalid argument "foo" for "-a, --attach" flag: '
                "valid streams are STDIN, STDOUT and STDERR"
            ),
        ),
    ],
)
def test_refused(argv: list[str], text: str) -> None:
    assert refusal("run", *argv) == text


def test_a_flag_error_shows_the_usage_and_ends_with_125() -> None:
    with pytest.raises(pflag.UsageError) as caught:
        parse("run", "--bogus", "x")
    assert str(caught.value) == (
        "unknown flag: --bogus\n\n"
        "Usage:  runner run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\n"
        "Run 'runner run --help' for more information"
    )
    assert caught.value.code == 125


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["run"], "runner: 'runner run' requires at least 1 argument"),
        (["container", "run"], "runner: 'runner container run' requires at least 1 argument"),
        (["ps", "x"], "runner: 'runner ps' accepts no arguments"),
        (["container", "list", "x"], "runner: 'runner container ls' accepts no arguments"),
        (["rename", "a"], "runner: 'runner rename' requires 2 arguments"),
        (["logs"], "runner: 'runner logs' requires 1 argument"),
        (["images", "a", "b"], "runner: 'runner images' requires at most 1 argument"),
        (["bundle", "create", "x"], "runner: 'runner bundle create' requires 2 arguments"),
    ],
)
def test_wrong_number_of_arguments(argv: list[str], text: str) -> None:
    assert refusal(*argv) == text
    with pytest.raises(pflag.UsageError) as caught:
        parse(*argv)
    assert caught.value.code == 1


@pytest.mark.parametrize("argv", [["run", "--help"], ["run", "-i", "--help"], ["ps", "-h"]])
def test_help_is_asked_for(argv: list[str]) -> None:
    with pytest.raises(pflag.HelpRequested):
        parse(*argv)


def test_flags_may_follow_arguments_where_nothing_is_run() -> None:
    _, options = parse("rm", "a", "-f", "b", "--", "-c")
    assert options.force
    assert options.containers == ["a", "b", "-c"]


def test_deprecated_flags_say_what_to_use() -> None:
    found = TABLE.find(["stop"])
    assert found is not None
    said: list[str] = []
    pflag.parse("stop", found[1], ["--time", "3", "x"], said.append)
    assert said == ["Flag --time has been deprecated, use --timeout instead"]


def test_every_flag_of_docker_run_is_known() -> None:
    found = TABLE.find(["run"])
    assert found is not None
    names = {name for record in found[1].flags for name in record[1]}
    names -= {"--trace", "--trace-file"}  # of every command, and ours alone
    assert len(names) == 106  # docker's 107, less --help which every command has
    assert {"--net", "--net-alias", "--dns-opt", "--kernel-memory", "--cpu-count"} <= names
