"""The lists are the specification; dockerd 28's answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.image.reference import (
    DigestReference,
    Reference,
    parse,
    parse_any,
    parse_canonical,
)
from runner.types.errors import InvalidParameter

SHA = "sha256:" + "0123456789abcdef" * 4

GOOD = {
    # text: (canonical, familiar)
    "alpine": ("docker.io/library/alpine", "alpine"),
    "alpine:3.20": ("docker.io/library/alpine:3.20", "alpine:3.20"),
    "alpine:A": ("docker.io/library/alpine:A", "alpine:A"),
    "library/alpine": ("docker.io/library/alpine", "alpine"),
    "docker.io/alpine": ("docker.io/library/alpine", "alpine"),
    "index.docker.io/alpine": ("docker.io/library/alpine", "alpine"),
    "docker.io/library/a/b": ("docker.io/library/a/b", "library/a/b"),
    "user/app": ("docker.io/user/app", "user/app"),
    "localhost/app": ("localhost/app", "localhost/app"),
    "localhost:5000/app:1": ("localhost:5000/app:1", "localhost:5000/app:1"),
    "app:5000/x": ("app:5000/x", "app:5000/x"),
    "[::1]:5000/app": ("[::1]:5000/app", "[::1]:5000/app"),
    "Example.com/app": ("Example.com/app", "Example.com/app"),
    "Foo/bar": ("Foo/bar", "Foo/bar"),
    "a_b__c---d.e": ("docker.io/library/a_b__c---d.e", "a_b__c---d.e"),
    f"alpine@{SHA}": (f"docker.io/library/alpine@{SHA}", f"alpine@{SHA}"),
    f"alpine:1@{SHA}": (f"docker.io/library/alpine:1@{SHA}", f"alpine:1@{SHA}"),
    "sha256:abcd": ("docker.io/library/sha256:abcd", "sha256:abcd"),
    "x/" + "a" * 253: ("docker.io/x/" + "a" * 253, "x/" + "a" * 253),
    "a:" + "b" * 128: ("docker.io/library/a:" + "b" * 128, "a:" + "b" * 128),
}

BAD = {
    "": "invalid reference format",
    ":": "invalid reference format",
    "/": "invalid reference format",
    "a//b": "invalid reference format",
    "-a": "invalid reference format",
    "a..b": "invalid reference format",
    "a b": "invalid reference format",
    "alpine\n": "invalid reference format",
    "alpine:1\n": "invalid reference format",
    "alpine:": "invalid reference format",
    "alpine:a/b": "invalid reference format",
    "a:" + "b" * 129: "invalid reference format",
    "a" * 5000: "invalid reference format",
    "é": "invalid reference format",
    "alpine@sha256:abc": "invalid reference format",
    "foo.bar/a?b": "invalid reference format",
    "Foo": "invalid reference format: repository name (library/Foo) must be lowercase",
    "a/B:c": "invalid reference format: repository name (a/B) must be lowercase",
    "x.com/A?": "invalid reference format: repository name (A?) must be lowercase",
    "x/" + "a" * 254: "repository name must not be more than 255 characters",
    "0123456789abcdef" * 4: (
        f"invalid repository name ({'0123456789abcdef' * 4}), "
        "cannot specify 64-byte hexadecimal strings"
    ),
    "alpine@sha256:" + "a" * 40: "invalid checksum digest length",
    "alpine@sha256:" + "A" * 64: "invalid checksum digest format",
    "alpine@md5:" + "a" * 32: "unsupported digest algorithm",
    "alpine@sha256+b64:" + "a" * 64: "unsupported digest algorithm",
}


@pytest.mark.parametrize("text", GOOD)
def test_good_references_have_a_canonical_and_a_familiar_form(text: str) -> None:
    parsed = parse(text)
    assert (str(parsed), parsed.familiar) == GOOD[text]
    assert parse(str(parsed)) == parsed
    assert parse(parsed.familiar) == parsed
    assert parse_canonical(str(parsed)) == parsed


@pytest.mark.parametrize("text", BAD)
def test_bad_references_are_refused_in_dockers_words(text: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        parse(text)
    assert refused.value.message == BAD[text]


def test_an_identifier_and_a_digest_are_references_without_name() -> None:
    digits = "0123456789abcdef" * 4
    assert parse_any(digits) == parse_any(f"sha256:{digits}") == DigestReference(SHA)
    assert parse_any("alpine") == Reference("docker.io", "library/alpine")
    assert parse_any(digits[:63]) == Reference("docker.io", f"library/{digits[:63]}")


def test_only_a_bare_name_gets_the_default_tag() -> None:
    assert str(parse("alpine").with_default_tag()) == "docker.io/library/alpine:latest"
    assert str(parse("alpine:1").with_default_tag()) == "docker.io/library/alpine:1"
    assert parse(f"alpine@{SHA}").with_default_tag().tag is None


@pytest.mark.parametrize("tag", ["", "-a", ".a", "a b", "a/b", "a\n", "é", "a" * 129])
def test_bad_tags_are_refused(tag: str) -> None:
    with pytest.raises(InvalidParameter, match=r"^invalid tag format$"):
        parse("alpine").with_tag(tag)


def test_a_digest_is_put_in_and_names_are_trimmed() -> None:
    reference = parse("alpine:1").with_digest(SHA)
    assert reference.familiar == f"alpine:1@{SHA}"
    assert reference.trimmed() == parse("alpine")


def test_names_that_other_clients_gave_are_not_canonical() -> None:
    assert parse_canonical("alpine") is None
    assert parse_canonical("no name") is None


@given(st.text() | st.text(alphabet="aA0:/@.-_[]\n sha256"))
def test_whatever_the_text_it_is_parsed_or_refused(text: str) -> None:
    try:
        parsed = parse_any(text)
    except InvalidParameter as refused:
        assert refused.message
    else:
        assert parse_any(str(parsed)) == parsed
