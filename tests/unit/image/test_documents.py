"""Indexes, manifests and configs by others, and what is told of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.containerd.images import Image as Record
from runner.image import digest as digests
from runner.image import documents, mediatypes, times
from runner.image import platform as platforms
from runner.image.inspect import shown_config, tags_and_digests
from runner.image.listing import LabelFilter, familiar_match
from runner.image.progress import PullProgress, bar, human_size
from runner.image.pull import choose
from runner.image.reference import parse
from runner.image.registry.errors import NoMatchingManifest
from runner.types.errors import InvalidParameter
from runner.types.image import (
    MEDIA_TYPE_DOCKER_CONFIG,
    MEDIA_TYPE_OCI_CONFIG,
    MEDIA_TYPE_OCI_INDEX,
    MEDIA_TYPE_OCI_LAYER_GZIP,
    MEDIA_TYPE_OCI_MANIFEST,
    Descriptor,
    ImageRunConfig,
    Platform,
    ProgressMessage,
)

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")


def described(digest: str, **more: Any) -> dict[str, Any]:
    return {"mediaType": "application/x", "digest": digest, "size": 1} | more


def encode(**document: Any) -> bytes:
    return json.dumps(document).encode()


# --- parsing ---------------------------------------------------------------------------------


def test_gos_habits_are_followed() -> None:
    manifest = documents.parse_manifest(
        encode(Config=described(A, urls=None, platform=None), layers=None, unknown=1)
    )
    assert (manifest.config.digest, manifest.layers) == (A, [])
    index = documents.parse_index(
        encode(manifests=[described(B, platform={"os": "linux", "architecture": "arm64"})])
    )
    assert index.manifests[0].platform == Platform("arm64", "linux")
    config = documents.parse_config(
        encode(
            os="linux",
            config={"ExposedPorts": {"80/tcp": None}, "Volumes": {"/v": {}}, "Env": None},
        )
    )
    assert config.config.exposed_ports == {"80/tcp": {}}
    assert config.config.volumes == {"/v": {}}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"[" * 100_000,
        encode(config=described("sha256:short"), layers=[]),
        encode(config=described("../../etc/passwd"), layers=[]),
        encode(config=described(A) | {"size": -1}, layers=[]),
        encode(config=described(A) | {"size": "1"}, layers=[]),
        encode(layers=[]),
        encode(config=described(A), layers={}),
        encode(config=described(A), layers=[], manifests=[described(B)]),
        encode(fsLayers=[{}], config=described(A), layers=[]),
    ],
)
def test_bad_manifests_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidParameter):
        documents.parse_manifest(data)


def test_an_index_with_layers_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="expected index but found manifest"):
        documents.parse_index(encode(manifests=[], layers=[described(A)]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "config",
                    "layers",
                    "manifests",
                    "digest",
                    "size",
                    "mediaType",
                    "rootfs",
                    "diff_ids",
                ]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON.map(lambda value: json.dumps(value).encode()) | st.binary())
def test_any_document_is_parsed_or_refused(data: bytes) -> None:
    for parse_ in (documents.parse_index, documents.parse_manifest, documents.parse_config):
        try:
            parse_(data)
        except InvalidParameter as refused:
            assert refused.message


# --- labels and names ------------------------------------------------------------------------


def test_gc_labels_are_containerds() -> None:
    children = [
        Descriptor(MEDIA_TYPE_OCI_CONFIG, A, 1),
        Descriptor(MEDIA_TYPE_OCI_LAYER_GZIP, B, 1),
        Descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip+encrypted", C, 1),
        Descriptor("application/x", A, 1),
    ]
    assert mediatypes.gc_labels(children) == {
        "containerd.io/gc.ref.content.config": A,
        "containerd.io/gc.ref.content.l.0": B,
        "containerd.io/gc.ref.content.l.1": C,
        "containerd.io/gc.ref.content.0": A,
    }
    index = [Descriptor(MEDIA_TYPE_OCI_MANIFEST, digest, 1) for digest in (A, B)]
    assert mediatypes.gc_labels(index) == {
        "containerd.io/gc.ref.content.m.0": A,
        "containerd.io/gc.ref.content.m.1": B,
    }


def test_downloads_have_containerds_names() -> None:
    def name(media_type: str, **annotations: str) -> str:
        return mediatypes.ingest_ref(Descriptor(media_type, A, 1, annotations=annotations))

    assert name(MEDIA_TYPE_OCI_MANIFEST) == f"manifest-{A}"
    assert name(MEDIA_TYPE_OCI_INDEX) == f"index-{A}"
    assert name(MEDIA_TYPE_OCI_LAYER_GZIP) == f"layer-{A}"
    assert name(MEDIA_TYPE_DOCKER_CONFIG) == f"config-{A}"
    named = {mediatypes.ANNOTATION_REF_NAME: "v1"}
    assert name(MEDIA_TYPE_OCI_MANIFEST, **named) == f"manifest-v1@{A}"


def test_chain_ids_are_the_specifications() -> None:
    # image-spec config.md: ChainID(L0|L1) = Digest(ChainID(L0) + " " + DiffID(L1))
    assert digests.chain_ids([A, B]) == [A, digests.of(f"{A} {B}".encode())]
    assert digests.chain_id([]) == ""
    assert digests.short(A) == "a" * 12


def test_tags_and_digests_of_one_target() -> None:
    target = Descriptor(MEDIA_TYPE_OCI_MANIFEST, A, 1)
    names = [
        "docker.io/library/app:1",
        "docker.io/library/app:2",
        f"docker.io/library/app@{A}",
        f"moby-dangling@{A}",
        "not canonical",
    ]
    assert tags_and_digests([Record(name, target) for name in names]) == (
        ["app:1", "app:2", f"app@{A}", "not canonical"],
        [f"app@{A}"],
    )


# --- platform choice -------------------------------------------------------------------------


def test_the_best_platform_is_chosen() -> None:
    def manifest(digest: str, platform: Platform | None) -> Descriptor:
        return Descriptor(MEDIA_TYPE_OCI_MANIFEST, digest, 1, platform=platform)

    old = manifest(A, Platform("arm", "linux", variant="v6"))
    new = manifest(B, Platform("arm", "linux", variant="v7"))
    silent = manifest(C, None)
    matcher = platforms.only(Platform("arm", "linux", variant="v7"))
    assert choose([silent, old, new], matcher) is new
    assert choose([silent, old], matcher) is old
    assert choose([silent], matcher) is silent
    with pytest.raises(NoMatchingManifest):
        choose([manifest(A, Platform("s390x", "linux"))], matcher)


# --- times -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown", "seconds"),
    [
        ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z", 1704164645),
        ("2024-01-02T03:04:05.120000000Z", "2024-01-02T03:04:05.12Z", 1704164645),
        ("2024-01-02T03:04:05.123456789+02:00", "2024-01-02T03:04:05.123456789+02:00", 1704157445),
        ("2024-01-02T03:04:05+00:00", "2024-01-02T03:04:05Z", 1704164645),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", -62135596800),
    ],
)
def test_times_are_shown_as_go_shows_them(text: str, shown: str, seconds: int) -> None:
    moment = times.parse(text)
    assert (moment.shown, moment.seconds) == (shown, seconds)


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01T00:00:00Z", "2024-01-01 00:00:00Z"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(InvalidParameter):
        times.parse(text)


def test_containerds_times() -> None:
    assert (
        times.from_datetime(datetime(2024, 1, 2, 3, 4, 5, 60, UTC)) == "2024-01-02T03:04:05.00006Z"
    )


# --- filters ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("app", True),
        ("app:1", True),
        ("app:2", False),
        ("a*", True),
        ("a?p", True),
        ("[a-c]pp", True),
        ("[^a]pp", False),
        ("\\app", True),
        ("*/app", False),
        ("[", False),
        ("[a", False),
        ("a\\", False),
        ("", False),
    ],
)
def test_reference_patterns_are_gos(pattern: str, matches: bool) -> None:
    assert familiar_match(pattern, parse("app:1")) is matches


def test_a_star_does_not_match_a_slash() -> None:
    assert not familiar_match("*", parse("user/app"))
    assert familiar_match("*/*", parse("user/app"))


@given(st.text(alphabet="ab*?[]^-\\/&~|"))
def test_any_pattern_can_be_asked_for(pattern: str) -> None:
    familiar_match(pattern, parse("user/app:1"))


@pytest.mark.parametrize(
    ("text", "labels", "matches"),
    [
        ("a", {"a": "1"}, True),
        ("a", {}, False),
        ("a=1", {"a": "1"}, True),
        ("a=2", {"a": "1"}, False),
        ("a!=2", {"a": "1"}, True),
        ("a!=1", {"a": "1"}, False),
        ("a!=1", {}, False),
        ("a!", {}, True),
        ("a!", {"a": ""}, False),
    ],
)
def test_label_filters(text: str, labels: dict[str, str], matches: bool) -> None:
    assert LabelFilter.parse(text).matches(labels) is matches


def test_negated_label_filters() -> None:
    assert LabelFilter.parse("a", negate=True).matches({})
    assert LabelFilter.parse("a!", negate=True).matches({"a": ""})


# --- what is shown ---------------------------------------------------------------------------


def test_unset_fields_of_a_config_are_shown_as_docker_shows_them() -> None:
    assert shown_config(ImageRunConfig(cmd=["sh"], env=[], args_escaped=False)) == {
        "Cmd": ["sh"],
        "Entrypoint": None,
        "Env": None,
        "Labels": None,
        "OnBuild": None,
        "User": "",
        "Volumes": None,
        "WorkingDir": "",
    }


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0B"), (999, "999B"), (1048576, "1.049MB"), (3001123, "3.001MB"), (10**12, "1TB")],
)
def test_sizes_are_shown_as_docker_shows_them(size: int, shown: str) -> None:
    assert human_size(size) == shown


def test_the_bar_is_dockers() -> None:
    # Recorded from dockerd 28.
    assert bar(1048576, 3001123) == (
        "[=================>                                 ]  1.049MB/3.001MB"
    )


def test_the_lines_of_a_layer() -> None:
    told: list[ProgressMessage] = []
    progress = PullProgress(told.append)
    layer = Descriptor(MEDIA_TYPE_OCI_LAYER_GZIP, A, 100)
    progress.message("Pulling from library/app", "1")
    for _ in range(2):  # a layer that comes twice is told of once
        progress.waiting(layer)
        progress.downloaded(layer)
        progress.unpacked(layer)
    progress.hidden = True
    progress.exists(layer)
    assert [msgspec.json.decode(msgspec.json.encode(line)) for line in told] == [
        {"status": "Pulling from library/app", "id": "1"},
        {"status": "Pulling fs layer", "progressDetail": {}, "id": "a" * 12},
        {"status": "Download complete", "progressDetail": {"hidecounts": True}, "id": "a" * 12},
        {"status": "Pull complete", "progressDetail": {"hidecounts": True}, "id": "a" * 12},
    ]
