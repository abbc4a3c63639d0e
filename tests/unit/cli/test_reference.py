"""References, judged as distribution/reference judges them."""

from __future__ import annotations

import pytest
from docker_image.reference import Reference as Library
from hypothesis import given
from hypothesis import strategies as st

from runner.cli.errors import CliError
from runner.cli.reference import parse_any, parse_normalized

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "whole", "familiar"),
    [
        ("busybox", "docker.io/library/busybox:latest", "busybox:latest"),
        ("a/b:t", "docker.io/a/b:t", "a/b:t"),
        ("docker.io/library/x", "docker.io/library/x:latest", "x:latest"),
        ("index.docker.io/foo", "docker.io/library/foo:latest", "foo:latest"),
        ("localhost/a", "localhost/a:latest", "localhost/a:latest"),
        ("localhost:5000/a/b:t", "localhost:5000/a/b:t", "localhost:5000/a/b:t"),
        ("[::1]:5000/a", "[::1]:5000/a:latest", "[::1]:5000/a:latest"),
        (f"x@{DIGEST}", f"docker.io/library/x@{DIGEST}", f"x@{DIGEST}"),
        (f"x:t@{DIGEST}", f"docker.io/library/x:t@{DIGEST}", f"x:t@{DIGEST}"),
        ("a__b/c--d.e", "docker.io/a__b/c--d.e:latest", "a__b/c--d.e:latest"),
    ],
)
def test_good(text: str, whole: str, familiar: str) -> None:
    reference = parse_normalized(text).tagged()
    assert (str(reference), reference.familiar()) == (whole, familiar)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "invalid reference format"),
        (":x", "invalid reference format"),
        ("a:b:c", "invalid reference format"),
        ("a//b", "invalid reference format"),
        ("-a", "invalid reference format"),
        ("a___b", "invalid reference format"),
        ("a@sha256:x", "invalid reference format"),
        ("x:" + "t" * 129, "invalid reference format"),
        ("FOO", "invalid reference format: repository name (library/FOO) must be lowercase"),
        ("a/Foo:t", "invalid reference format: repository name (a/Foo) must be lowercase"),
        (
            "ab" * 32,
            f"invalid repository name ({'ab' * 32}), cannot specify 64-byte hexadecimal strings",
        ),
        ("x@sha256:" + "a" * 40, "invalid checksum digest length"),
    ],
)
def test_bad(text: str, message: str) -> None:
    with pytest.raises(CliError) as caught:
        parse_normalized(text)
    assert str(caught.value) == message


def test_identifiers_are_no_names() -> None:
    assert parse_any("ab" * 32) is None
    assert parse_any(DIGEST) is None
    assert parse_any("abcdef012345") is not None


PIECES = st.sampled_from(
    [*"a.-_/:@A", "b9", "localhost", "docker.io", "x.y", "__", "5000", DIGEST, "library"]
)


@given(st.lists(PIECES, min_size=1, max_size=6).map("".join))
def test_as_the_reference_library(text: str) -> None:
    try:
        expected = Library.parse_normalized_named(text)
    except Exception:
        expected = None
    try:
        ours = parse_normalized(text)
    except CliError:
        ours = None
    assert (ours is None) == (expected is None), text
    if ours is not None and expected is not None:
        assert str(ours) == expected.string()
