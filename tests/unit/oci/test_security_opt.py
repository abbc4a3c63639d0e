from __future__ import annotations

import pytest

from runner.oci.security_opt import SecurityOptions, parse_security_opt
from runner.types.errors import InvalidParameter


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("no-new-privileges", SecurityOptions(no_new_privileges=True)),
        ("no-new-privileges=true", SecurityOptions(no_new_privileges=True)),
        ("no-new-privileges:T", SecurityOptions(no_new_privileges=True)),
        ("no-new-privileges=0", SecurityOptions()),
        ("writable-cgroups", SecurityOptions(writable_cgroups=True)),
        ("writable-cgroups=false", SecurityOptions(writable_cgroups=False)),
        ("apparmor=mine", SecurityOptions(apparmor_profile="mine")),
        ("apparmor:mine", SecurityOptions(apparmor_profile="mine")),
        ('seccomp={"a": "b=c"}', SecurityOptions(seccomp_profile='{"a": "b=c"}')),
        ("label=type:x", SecurityOptions()),
        ("disable", SecurityOptions()),
    ],
)
def test_options(option: str, expected: SecurityOptions) -> None:
    assert parse_security_opt([option]) == expected


def test_the_last_one_counts() -> None:
    options = ["apparmor=a", "apparmor=b", "no-new-privileges=false"]
    parsed = parse_security_opt(options, no_new_privileges=True)
    assert parsed == SecurityOptions(apparmor_profile="b")
    assert parse_security_opt(None, no_new_privileges=True).no_new_privileges


@pytest.mark.parametrize(
    ("option", "number"),
    [
        ("", 1),
        ("bogus", 1),
        ("bogus=1", 2),
        ("no-new-privileges=maybe", 2),
        ("writable-cgroups=", 2),
    ],
)
def test_errors(option: str, number: int) -> None:
    with pytest.raises(InvalidParameter) as caught:
        parse_security_opt([option])
    assert str(caught.value) == f'invalid --security-opt {number}: "{option}"'
