"""Values of flags, good and bad; the texts are Go's and docker's."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from runner.cli.values import (
    addresses,
    csv,
    dates,
    gpus,
    lists,
    mount,
    network,
    numbers,
    order,
    times,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (numbers.int64, "0x10", 16),
        (numbers.int64, "010", 8),
        (numbers.int64, "0b11", 3),
        (numbers.int64, "0o17", 15),
        (numbers.int64, "1_000", 1000),
        (numbers.int64, "-5", -5),
        (numbers.int64, "+5", 5),
        (numbers.int64, "0", 0),
        (numbers.uint16, "65535", 65535),
        (numbers.ram_in_bytes, "5", 5),
        (numbers.ram_in_bytes, "5 m", 5 << 20),
        (numbers.ram_in_bytes, "5KiB", 5120),
        (numbers.ram_in_bytes, "1.5G", 3 << 29),
        (numbers.ram_in_bytes, "7b", 7),
        (numbers.swap_bytes, "-1", -1),
        (numbers.duration, "1m30s", 90 * 10**9),
        (numbers.duration, "1.5h", 5400 * 10**9),
        (numbers.duration, ".5s", 5 * 10**8),
        (numbers.duration, "-2us", -2000),
        (numbers.duration, "0", 0),
        (numbers.nano_cpus, "1.5", 1500000000),
        (numbers.nano_cpus, "1/2", 500000000),
        (numbers.nano_cpus, "1e-3", 1000000),
        (numbers.nano_cpus, ".5", 500000000),
        (addresses.ip_address, " 2001:DB8:0::1", "2001:db8::1"),
        (addresses.ip_address, "::ffff:1.2.3.4", "1.2.3.4"),
        (addresses.extra_host, "a:1.2.3.4", "a:1.2.3.4"),
        (addresses.extra_host, "a=[::1]", "a:::1"),
        (addresses.extra_host, "a:host-gateway", "a:host-gateway"),
        (addresses.dns_search, "a.b-c.", "a.b-c"),
        (addresses.dns_search, ".", "."),
        (lists.attach_stream, "STDIN", "stdin"),
        (lists.ulimit, "core=-1", {"Name": "core", "Hard": -1, "Soft": -1}),
        (lists.ulimit, "nofile=1:2", {"Name": "nofile", "Hard": 2, "Soft": 1}),
        (lists.throttle_bps, "/dev/a:1kb", {"Path": "/dev/a", "Rate": 1024}),
        (lists.filter_pair, " Name = x ", ("name", "x")),
        (csv.fields, 'a,"b,""c""",', ["a", 'b,"c"', ""]),
        (gpus.gpu_request, "all", {"Count": -1, "Options": {}, "Capabilities": [["gpu"]]}),
        (
            mount.mount,
            "type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1777",
            {
                "Type": "tmpfs",
                "Target": "/t",
                "TmpfsOptions": {"SizeBytes": 1 << 20, "Mode": 0o1777},
            },
        ),
        (dates.timestamp, "1970-01-01T00:01:00Z", "60.000000000"),
        (dates.timestamp, "1970-01-01T01:00:00.25+01:00", "0.250000000"),
        (dates.timestamp, "1970-01-02T00:00:05.123456789123Z", "86405.123456789"),
        (dates.timestamp, "1970-01-02T01-02:00", "97200.000000000"),
        (dates.timestamp, "1970-01-02T1Z", "90000.000000000"),
        (dates.timestamp, "1970-01-02Z", "86400.000000000"),
        (dates.timestamp, "0", "0"),
        (dates.timestamp, "12.5", "12.5"),
        (numbers.port_number, "080", 80),
        (order.natural, "a10b", [(97, 0), (48, 10), (98, 0)]),
        (times.shown, "2026-01-02T03:04:05.5Z", "2026-01-02 03:04:05.5 +0000 UTC"),
        (times.shown, "2026-01-02T03:04:05+02:00", "2026-01-02 03:04:05 +0200 +0200"),
        (times.shown, "", "0001-01-01 00:00:00 +0000 UTC"),
    ],
)
def test_accepted(parse: Callable[[str], object], text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (numbers.int64, "", 'strconv.ParseInt: parsing "": invalid syntax'),
        (numbers.int64, "09", 'strconv.ParseInt: parsing "09": invalid syntax'),
        (numbers.int64, "1.5", 'strconv.ParseInt: parsing "1.5": invalid syntax'),
        (numbers.int64, " 1", 'strconv.ParseInt: parsing " 1": invalid syntax'),
        (numbers.int64, "1__0", 'strconv.ParseInt: parsing "1__0": invalid syntax'),
        (numbers.int64, "٣", 'strconv.ParseInt: parsing "٣": invalid syntax'),
        (numbers.int64, str(1 << 63), f'strconv.ParseInt: parsing "{1 << 63}": value out of range'),
        (numbers.uint64, "-1", 'strconv.ParseUint: parsing "-1": invalid syntax'),
        (numbers.ram_in_bytes, "x", "invalid size: 'x'"),
        (numbers.ram_in_bytes, "-5", "invalid size: '-5'"),
        (numbers.ram_in_bytes, "5kk", "invalid suffix: 'kk'"),
        (numbers.duration, "x", 'time: invalid duration "x"'),
        (numbers.duration, "", 'time: invalid duration ""'),
        (numbers.duration, "1x", 'time: unknown unit "x" in duration "1x"'),
        (numbers.duration, "1.5.2s", 'time: missing unit in duration "1.5.2s"'),
        (numbers.nano_cpus, "x", "failed to parse x as a rational number"),
        (numbers.nano_cpus, "1/0", "failed to parse 1/0 as a rational number"),
        (numbers.nano_cpus, "1/3", "value is too precise"),
        (addresses.ip_address, "01.1.1.1", "IP address is not correctly formatted: 01.1.1.1"),
        (addresses.extra_host, "a", 'bad format for add-host: "a"'),
        (addresses.extra_host, "a:b", 'invalid IP address in add-host: "b"'),
        (addresses.dns_search, "1", "1 is not a valid domain"),
        (addresses.dns_search, "a_b", "a_b is not a valid domain"),
        (lists.environment_variable, "=x", "invalid environment variable: =x"),
        (lists.label, "a b=c", "label 'a b' contains whitespaces"),
        (lists.sysctl, "foo=1", "sysctl 'foo=1' is not allowed"),
        (lists.link, "a:b:c", "bad format for links: a:b:c"),
        (lists.filter_pair, "foo", "bad format of filter (expected name=value)"),
        (lists.device_cgroup_rule, "c 1:* rwmx", "invalid device cgroup format 'c 1:* rwmx'"),
        (lists.ulimit, "foo=1", "invalid ulimit type: foo"),
        (
            lists.ulimit,
            "nofile=5:2",
            "ulimit soft limit must be less than or equal to hard limit: 5 > 2",
        ),
        (lists.weight_device, "/dev/x:5", "invalid weight for device: /dev/x:5"),
        (mount.mount, "", "EOF"),
        (mount.mount, "foo", "invalid field 'foo' must be a key=value pair"),
        (mount.mount, "foo=bar,target=/x", "unexpected key 'foo' in 'foo=bar'"),
        (mount.mount, "type=bind", "target is required"),
        (
            mount.mount,
            "type=bind,target=/x,tmpfs-size=1",
            "cannot mix 'tmpfs-*' options with mount type 'bind'",
        ),
        (network.attachment, "foo=bar", "invalid field key foo"),
        (network.attachment, "alias=x", "network name/id is not specified"),
        (
            network.attachment,
            "name=x,gw-priority=y",
            "invalid gw-priority (y): invalid syntax",
        ),
        (
            gpus.gpu_request,
            "x",
            'invalid count (x): value must be either "all" or an integer: invalid syntax',
        ),
        (gpus.gpu_request, "a=b", "unexpected key 'a' in 'a=b'"),
        (dates.timestamp, "foo", 'failed to parse value as time or duration: "foo"'),
        (dates.timestamp, "5.", 'failed to parse value as time or duration: "5."'),
        (
            dates.timestamp,
            "a-b",
            'parsing time "a-b" as "2006-01-02": cannot parse "a-b" as "2006"',
        ),
        (dates.timestamp, "2020-13-01", 'parsing time "2020-13-01": month out of range'),
        (dates.timestamp, "2020-02-30", 'parsing time "2020-02-30": day out of range'),
        (
            dates.timestamp,
            "2020-01-02T25:00:00",
            'parsing time "2020-01-02T25:00:00": hour out of range',
        ),
        (dates.timestamp, "2020-01-02x", 'parsing time "2020-01-02x": extra text: "x"'),
        (
            dates.timestamp,
            "2020-01-02T03:04:05+0200",
            'parsing time "2020-01-02T03:04:05+0200" as "2006-01-02T15:04Z07:00": '
            'cannot parse ":05+0200" as "Z07:00"',
        ),
        (numbers.port_number, "x", 'strconv.ParseUint: parsing "x": invalid syntax'),
        (numbers.port_number, "65536", 'strconv.ParseUint: parsing "65536": value out of range'),
    ],
)
def test_refused(parse: Callable[[str], object], text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse(text)
    assert str(caught.value) == message


def test_a_variable_without_value_is_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THERE", "here")
    monkeypatch.delenv("GONE", raising=False)
    assert lists.environment_variable("THERE") == "THERE=here"
    assert lists.environment_variable("GONE") == "GONE"


def test_sources_that_start_with_a_dot_are_the_callers() -> None:
    made = mount.mount("type=bind,src=./a/../b,dst=/x")
    assert made["Source"] == f"{os.getcwd()}/b"


def test_go_quote() -> None:
    assert numbers.go_quote('a"\\\n\x01é\u2028\U0001f600') == '"a\\"\\\\\\n\\x01é\\u2028😀"'


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("02:42:ac:11:00:02", True),
        ("02-42-ac-11-00-02", True),
        ("0242.ac11.0002", True),
        ("02:42:ac:11:00", False),
        ("x", False),
        ("02:42:ac:11:00:0g", False),
    ],
)
def test_mac(text: str, good: bool) -> None:
    assert addresses.is_mac(text) is good


def test_a_duration_is_how_long_ago() -> None:
    before = int(time.time())
    assert before - 3601 <= int(dates.timestamp("1h")) <= int(time.time()) - 3600


def test_natural_order() -> None:
    texts = [
        "80/tcp -> [::]:9",
        "80/tcp -> 0.0.0.0:9",
        "443/tcp -> 0.0.0.0:10",
        "443/tcp -> 0.0.0.0:9",
    ]
    assert sorted(texts, key=order.natural) == [
        "80/tcp -> 0.0.0.0:9",
        "80/tcp -> [::]:9",
        "443/tcp -> 0.0.0.0:9",
        "443/tcp -> 0.0.0.0:10",
    ]
