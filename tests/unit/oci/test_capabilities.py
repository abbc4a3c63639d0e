from __future__ import annotations

import pytest

from runner.oci.capabilities import (
    DEFAULT_CAPABILITIES,
    normalize_legacy_capabilities,
    tweak_capabilities,
)
from runner.types.capabilities import KNOWN_CAPABILITIES
from runner.types.errors import InvalidParameter

ALL = KNOWN_CAPABILITIES


def test_numbers_are_the_kernels() -> None:
    numbers = {"CAP_CHOWN": 0, "CAP_SYS_ADMIN": 21, "CAP_SYSLOG": 34, "CAP_CHECKPOINT_RESTORE": 40}
    assert {name: ALL.index(name) for name in numbers} == numbers
    assert len(set(ALL)) == 41


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("kill", "CAP_KILL"),
        ("CAP_KILL", "CAP_KILL"),
        ("cap_kill", "CAP_KILL"),
        ("all", "ALL"),
    ],
)
def test_normalize(name: str, normal: str) -> None:
    assert normalize_legacy_capabilities([name], ALL) == [normal]


@pytest.mark.parametrize("name", ["", "FLY", "CAP_", "CAP_ALL", "CAP_CAP_KILL"])
def test_unknown(name: str) -> None:
    with pytest.raises(InvalidParameter, match=r'^unknown capability: "CAP_'):
        normalize_legacy_capabilities([name], ALL)


def test_unavailable() -> None:
    with pytest.raises(InvalidParameter) as caught:
        normalize_legacy_capabilities(["bpf"], DEFAULT_CAPABILITIES)
    assert str(caught.value) == (
        "capability not supported by your kernel or not available in the current "
        'environment: "CAP_BPF"'
    )


@pytest.mark.parametrize(
    ("adds", "drops", "expected"),
    [
        ([], [], list(DEFAULT_CAPABILITIES)),
        (["BPF"], [], [*DEFAULT_CAPABILITIES, "CAP_BPF"]),
        ([], ["chown"], list(DEFAULT_CAPABILITIES[1:])),
        (["ALL"], ["BPF"], [name for name in ALL if name != "CAP_BPF"]),
        (["ALL"], ["ALL"], list(ALL)),
        (["KILL", "BPF"], ["ALL"], ["CAP_KILL", "CAP_BPF"]),
        ([], ["ALL"], []),
    ],
)
def test_tweak(adds: list[str], drops: list[str], expected: list[str]) -> None:
    assert tweak_capabilities(adds, drops, privileged=False, available=ALL) == expected


def test_privileged_has_what_the_engine_has() -> None:
    assert tweak_capabilities(["FLY"], [], privileged=True, available=ALL[:3]) == list(ALL[:3])
