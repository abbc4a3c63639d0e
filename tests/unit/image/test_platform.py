"""Platforms, as github.com/containerd/platforms has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.image import platform as platforms
from runner.types.errors import InvalidParameter
from runner.types.image import Platform

HERE = platforms.host_platform()


@pytest.mark.parametrize(
    ("specifier", "expected"),
    [
        ("linux/amd64", Platform("amd64", "linux")),
        ("LINUX/AMD64", Platform("amd64", "linux")),
        ("linux/x86_64", Platform("amd64", "linux")),
        ("linux/arm64", Platform("arm64", "linux")),
        ("linux/arm64/v8", Platform("arm64", "linux", variant="v8")),
        ("linux/aarch64", Platform("arm64", "linux")),
        ("linux/arm/v6", Platform("arm", "linux", variant="v6")),
        ("linux/arm", Platform("arm", "linux")),
        ("linux/armhf", Platform("arm", "linux")),
        ("arm64", Platform("arm64", HERE.os)),
        ("linux", Platform(HERE.architecture, "linux")),
        ("macos/arm64", Platform("arm64", "darwin")),
        ("windows(10.0.17763)/amd64", Platform("amd64", "windows", "10.0.17763")),
        ("some/thing/else", Platform("thing", "some", variant="else")),
    ],
)
def test_specifiers(specifier: str, expected: Platform) -> None:
    assert platforms.parse(specifier) == expected


@pytest.mark.parametrize(
    ("specifier", "message"),
    [
        ("linux/*", '"linux/*": wildcards not yet supported: invalid argument'),
        ("foo", '"foo": unknown operating system or architecture: invalid argument'),
        ("a/b/c/d", '"a/b/c/d": cannot parse platform specifier: invalid argument'),
        (
            "linux/a b",
            (
                '"a b" is an invalid component of "linux/a b": platform specifier component must '
                'match "^[A-Za-z0-9_.-]+$": invalid argument'
            ),
        ),
        (
            "",
            (
                '"" is an invalid OS component of "": OSAndVersion specifier component must match '
                r'"^([A-Za-z0-9_-]+)(?:\\(([A-Za-z0-9_.-]*)\\))?$": invalid argument'
            ),
        ),
    ],
)
def test_bad_specifiers(specifier: str, message: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        platforms.parse(specifier)
    assert refused.value.message == message


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        platforms.only(platforms.parse(text))
    except InvalidParameter as refused:
        assert refused.message.endswith("invalid argument")


def names(matcher: platforms.Matcher) -> list[str]:
    return [platforms.format_all(platform) for platform in matcher.vector]


def test_what_a_platform_can_run_comes_after_itself() -> None:
    assert names(platforms.only(Platform("amd64", "linux"))) == ["linux/amd64", "linux/386"]
    assert names(platforms.only(Platform("amd64", "linux", variant="v3"))) == [
        "linux/amd64/v3",
        "linux/amd64/v2",
        "linux/amd64",
        "linux/386",
    ]
    assert names(platforms.only(Platform("arm", "linux", variant="v7"))) == [
        "linux/arm/v7",
        "linux/arm/v6",
        "linux/arm/v5",
    ]
    assert names(platforms.only(Platform("arm64", "linux", variant="v8"))) == [
        "linux/arm64",
        "linux/arm/v8",
        "linux/arm/v7",
        "linux/arm/v6",
        "linux/arm/v5",
    ]
    newest = names(platforms.only(Platform("arm64", "linux", variant="v9.1")))
    assert newest[:4] == [
        "linux/arm64/v9.1",
        "linux/arm64/v9",
        "linux/arm64/v8.6",
        "linux/arm64/v8.5",
    ]


def test_a_strict_matcher_takes_other_spellings_only() -> None:
    strict = platforms.only_strict(Platform("arm64", "linux"))
    assert strict.match(Platform("aarch64", "Linux", variant="v8"))
    assert not strict.match(Platform("arm", "linux", variant="v8"))
    assert not strict.match(Platform("arm64", "linux", variant="v9"))


def test_without_a_platform_all_fit_and_this_hosts_is_best() -> None:
    matcher = platforms.requested_or_default(None)
    other = Platform("s390x", "linux")
    assert matcher.match(other)
    assert matcher.rank(HERE) < matcher.rank(other)


def test_windows_builds_must_agree() -> None:
    matcher = platforms.only_strict(Platform("amd64", "windows", "10.0.17763.1"))
    assert matcher.match(Platform("amd64", "windows", "10.0.17763.99"))
    assert matcher.match(Platform("amd64", "windows"))
    assert not matcher.match(Platform("amd64", "windows", "10.0.20348"))
