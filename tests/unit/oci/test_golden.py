"""Our specs against those that a real dockerd 28 made (bundles/golden), field by field."""

from __future__ import annotations

import dataclasses
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest

from bundles.golden.command_lines import COMMAND_LINES, REFUSED
from runner.types.errors import RunnerError
from tests.unit.oci import golden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.unit.oci.golden import Golden


@dataclasses.dataclass(frozen=True)
class Mismatch:
    """A place where the two differ; None stands for an absent value."""

    path: str
    ours: Any
    theirs: Any


@dataclasses.dataclass(frozen=True)
class Difference:
    """A difference that is meant. One that only chance brings about says where it could."""

    reason: str
    explains: Callable[[Mismatch, Golden], bool]
    possible: Callable[[Golden], bool] = lambda case: False


def _root(mismatch: Mismatch, case: Golden) -> bool:
    theirs = f"{golden.DATA_ROOT}/rootfs/overlayfs/{case.id}"
    return mismatch == Mismatch("root.path", str(golden.ROOTFS), theirs)


def _cgroup(mismatch: Mismatch, case: Golden) -> bool:
    return mismatch == Mismatch("linux.cgroupsPath", f"/runner/{case.id}", f"/docker/{case.id}")


def _network_namespace(mismatch: Mismatch, case: Golden) -> bool:
    made_before = {"type": "network", "path": f"/run/runner/netns/{case.id}"}
    return mismatch == Mismatch("linux.namespaces[1]", made_before, {"type": "network"})


def _seccomp(mismatch: Mismatch, case: Golden) -> bool:
    return mismatch.path == "linux.seccomp.syscalls" and effect(mismatch.ours) == effect(
        mismatch.theirs
    )


def _sibling_mounts(mismatch: Mismatch, case: Golden) -> bool:
    return (
        mismatch.path == "mounts"
        and by_destination(mismatch.ours) == by_destination(mismatch.theirs)
        and depths(mismatch.ours) == depths(mismatch.theirs)
    )


def _group_add(mismatch: Mismatch, case: Golden) -> bool:
    settings = case.request.host_config
    return (
        mismatch.path == "process.user.additionalGids"
        and bool(settings and settings.group_add)
        and sorted(mismatch.ours) == sorted(mismatch.theirs)
    )


_ANY = (("major", -1), ("minor", -1))


def _any_device(mismatch: Mismatch, case: Golden) -> bool:
    """A `*` in a rule: the specification leaves the number out, and not every runtime takes -1."""
    if mismatch.path != "linux.resources.devices":
        return False
    stripped = [
        {name: value for name, value in rule.items() if (name, value) not in _ANY}
        for rule in mismatch.theirs
    ]
    return bool(mismatch.ours == stripped)


def _has_siblings(case: Golden) -> bool:
    places = [PurePosixPath(mount["destination"]).parent for mount in case.spec["mounts"][7:-3]]
    return len(places) > len(set(places))


def _adds_groups(case: Golden) -> bool:
    return len(case.create["HostConfig"].get("GroupAdd", [])) > 1


DIFFERENCES = (
    Difference("the engine mounts root filesystems in its own directory", _root),
    Difference("the cgroups of the engine's containers are below /runner", _cgroup),
    Difference("network namespaces are made before the task, not by runc", _network_namespace),
    Difference("system calls are listed by topic; what is allowed is the same", _seccomp),
    Difference(
        "dockerd's order of mounts of one depth is a Go map's: random",
        _sibling_mounts,
        _has_siblings,
    ),
    Difference("any number of a device is an absent one", _any_device),
    Difference("dockerd's order of added groups is a Go map's: random", _group_add, _adds_groups),
)


@pytest.mark.parametrize("name", golden.names())
def test_spec_is_dockerds(name: str) -> None:
    case = golden.load(name)
    unexplained = [
        mismatch
        for mismatch in compare(case.generate(), case.spec)
        if not any(difference.explains(mismatch, case) for difference in DIFFERENCES)
    ]
    assert unexplained == [], case.command


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.reason)
def test_difference_is_used(difference: Difference) -> None:
    cases = [golden.load(name) for name in golden.names()]
    assert any(
        difference.possible(case) or difference.explains(mismatch, case)
        for case in cases
        for mismatch in compare(case.generate(), case.spec)
    )


@pytest.mark.parametrize("name", golden.names("refused"))
def test_refusals_are_dockerds(name: str) -> None:
    case = golden.load_refused(name)
    with pytest.raises(RunnerError) as caught:
        case.generate()
    assert str(caught.value) == case.message, case.command


def test_all_command_lines_are_recorded() -> None:
    assert golden.names() == sorted(COMMAND_LINES)
    assert golden.names("refused") == sorted(REFUSED)


def test_a_changed_field_is_noticed() -> None:
    case = golden.load("plain")
    changed = case.generate()
    changed["process"]["oomScoreAdj"] = 1
    del changed["hostname"]
    changed["linux"]["seccomp"]["syscalls"][0]["names"].append("kexec_load")
    unexplained = {
        mismatch.path
        for mismatch in compare(changed, case.spec)
        if not any(difference.explains(mismatch, case) for difference in DIFFERENCES)
    }
    assert unexplained == {"process.oomScoreAdj", "hostname", "linux.seccomp.syscalls"}


def compare(ours: Any, theirs: Any, path: str = "") -> Iterator[Mismatch]:
    """Objects are compared by field, and lists as a whole unless they are of one length."""
    if ours == theirs:
        return
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            yield from compare(ours.get(key), theirs.get(key), f"{path}.{key}".lstrip("."))
    elif path == "linux.namespaces" and len(ours or ()) == len(theirs or ()):
        for number, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            if mine != other:
                yield Mismatch(f"{path}[{number}]", mine, other)
    else:
        yield Mismatch(path, ours, theirs)


def effect(rules: Any) -> dict[str, list[tuple[Any, ...]]]:
    """For each system call, the actions on it with their conditions."""
    actions: dict[str, list[tuple[Any, ...]]] = {}
    for rule in rules or ():
        args = tuple(tuple(sorted(arg.items())) for arg in rule.get("args", ()))
        for name in rule["names"]:
            found = (rule["action"], rule.get("errnoRet", -1), args)
            actions.setdefault(name, [])
            if found not in actions[name]:
                actions[name].append(found)
    return {name: sorted(found) for name, found in sorted(actions.items())}


def by_destination(mounts: Any) -> list[Any]:
    return sorted(mounts, key=lambda mount: str(mount["destination"]))


def depths(mounts: Any) -> list[int]:
    return [len(PurePosixPath(mount["destination"]).parts) for mount in mounts]
