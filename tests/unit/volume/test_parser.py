"""Binds and --mount: what they become, and what is wrong with them in dockerd's words."""

import re
from pathlib import Path

import msgspec
import pytest

from runner.types.container import (
    BindOptions,
    ImageOptions,
    Mount,
    TmpfsOptions,
    VolumeDriverConfig,
    VolumeOptions,
)
from runner.types.errors import InvalidParameter, RunnerError
from runner.volume import MountPoint
from runner.volume.parser import parse_mount_raw, parse_mount_spec, parse_volumes_from
from runner.volume.validate import validate_mount_config, validate_tmpfs_destination


def fields(point: MountPoint) -> tuple[str, str, str, str, bool, str, str]:
    return (
        point.type,
        point.name,
        point.source,
        point.destination,
        point.rw,
        point.mode,
        point.propagation,
    )


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("/a:/b", ("bind", "", "/a", "/b", True, "", "rprivate")),
        ("/a/../c//:/b/", ("bind", "", "/c", "/b", True, "", "rprivate")),
        (
            "/a b:/b:ro,z,rslave",
            ("bind", "", "/a b", "/b", False, "ro,z,rslave", "rslave"),
        ),
        ("/a:/b:cached", ("bind", "", "/a", "/b", True, "cached", "rprivate")),
        ("vol:/b", ("volume", "vol", "", "/b", True, "", "")),
        ("vol:/b/../c//:ro,nocopy", ("volume", "vol", "", "/c", False, "ro,nocopy", "")),
        ("./a:/b", ("volume", "./a", "", "/b", True, "", "")),
        ("/b", ("volume", "", "", "/b", True, "", "")),
    ],
)
def test_binds(raw: str, expected: tuple[str, str, str, str, bool, str, str]) -> None:
    assert fields(parse_mount_raw(raw)) == expected


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("", "invalid volume specification: ''"),
        ("::", "invalid volume specification: '::'"),
        ("/foo:rw", "invalid volume specification: '/foo:rw'"),
        ("/foo:", "invalid volume specification: '/foo:'"),
        ("a:b:c:d", "invalid volume specification: 'a:b:c:d'"),
        ("a:/b:ro:x:y", "invalid volume specification: 'a:/b:ro:x:y'"),
        ("/a:/b:bad", "invalid mode: bad"),
        ("/a:/b:ro,rw", "invalid mode: ro,rw"),
    ],
)
def test_malformed_binds_are_internal_errors_as_for_dockerd(raw: str, text: str) -> None:
    with pytest.raises(RunnerError, match=f"^{re.escape(text)}$") as caught:
        parse_mount_raw(raw)
    assert type(caught.value) is RunnerError


@pytest.mark.parametrize(
    ("raw", "kind", "text"),
    [
        ("/a:/", "bind", "invalid specification: destination can't be '/'"),
        ("/a:/x/..", "bind", "invalid specification: destination can't be '/'"),
        ("a:b", "volume", "invalid mount path: 'b' mount path must be absolute"),
        ("v:/b:shared", "volume", "field BindOptions must not be specified"),
        ("/a:/b:nocopy", "bind", "field VolumeOptions must not be specified"),
    ],
)
def test_senseless_binds(raw: str, kind: str, text: str) -> None:
    with pytest.raises(RunnerError) as caught:
        parse_mount_raw(raw)
    assert str(caught.value) == (
        f"invalid volume specification: '{raw}': invalid mount config for type \"{kind}\": {text}"
    )
    assert type(caught.value) is RunnerError


def test_only_volumes_take_the_volume_driver() -> None:
    assert parse_mount_raw("v:/b", "some").driver == "some"
    assert parse_mount_raw("/a:/b", "some").driver == ""
    assert parse_mount_raw("v:/b").driver == ""


def test_who_copies() -> None:
    assert parse_mount_raw("v:/b").copy_data
    assert not parse_mount_raw("v:/b:nocopy").copy_data
    assert not parse_mount_raw("/a:/b").copy_data
    spec = Mount(type="volume", target="/b", volume_options=VolumeOptions(no_copy=True))
    assert not parse_mount_spec(spec).copy_data


def test_specs(tmp_path: Path) -> None:
    source = str(tmp_path)
    bind = Mount(type="bind", source=source + "/.", target="/t/", read_only=True)
    assert fields(parse_mount_spec(bind)) == ("bind", "", source, "/t", False, "", "rprivate")
    bind.bind_options = BindOptions(propagation="rshared")
    assert parse_mount_spec(bind).propagation == "rshared"
    tmpfs = Mount(type="tmpfs", target="/t")
    assert fields(parse_mount_spec(tmpfs)) == ("tmpfs", "", "", "/t", True, "", "")
    driver = VolumeOptions(driver_config=VolumeDriverConfig(name="d"))
    volume = Mount(type="volume", source="v", target="/t", volume_options=driver)
    assert parse_mount_spec(volume).driver == "d"


def spec(**changes: object) -> Mount:
    return msgspec.structs.replace(Mount(type="bind", source="/", target="/t"), **changes)


@pytest.mark.parametrize(
    ("mount", "text"),
    [
        (spec(target=""), "field Target must not be empty"),
        (spec(target="/"), "invalid specification: destination can't be '/'"),
        (spec(target="\\"), "invalid specification: destination can't be '/'"),
        (spec(target="t"), "invalid mount path: 't' mount path must be absolute"),
        (spec(source=""), "field Source must not be empty"),
        (spec(source="tmp"), "invalid mount path: 'tmp' mount path must be absolute"),
        (spec(source="/nope/x"), "bind source path does not exist: /nope/x"),
        (spec(source="/etc/passwd/x"), "stat /etc/passwd/x: not a directory"),
        (spec(source="/\0"), "stat /\0: invalid argument"),
        (spec(bind_options=BindOptions(propagation="x")), "invalid propagation mode: x"),
        (spec(volume_options=VolumeOptions()), "field VolumeOptions must not be specified"),
        (spec(image_options=ImageOptions()), "field ImageOptions must not be specified"),
        (
            spec(type="volume", bind_options=BindOptions()),
            "field BindOptions must not be specified",
        ),
        (
            spec(type="volume", image_options=ImageOptions()),
            "field ImageOptions must not be specified",
        ),
        (
            spec(type="volume", source="", read_only=True),
            "must not set ReadOnly mode when using anonymous volumes",
        ),
        (
            spec(type="volume", source="", volume_options=VolumeOptions(subpath="a")),
            "must not set Subpath when using anonymous volumes",
        ),
        (
            spec(type="volume", source="v", volume_options=VolumeOptions(subpath="../a")),
            "subpath must be a relative path within the volume",
        ),
        (spec(type="tmpfs"), "field Source must not be specified"),
        (
            spec(type="tmpfs", source="", tmpfs_options=TmpfsOptions(options=[["a"]])),
            "invalid option: a",
        ),
        (
            spec(type="tmpfs", source="", tmpfs_options=TmpfsOptions(options=[[]])),
            "invalid option array length",
        ),
        (spec(type="image", source=""), "field Source must not be empty"),
        (
            spec(type="image", image_options=ImageOptions(subpath="/a")),
            "subpath must be a relative path within the volume",
        ),
        (spec(type="npipe"), "mount type unknown"),
        (spec(type=""), "mount type unknown"),
    ],
)
def test_senseless_mounts(mount: Mount, text: str) -> None:
    whole = f'invalid mount config for type "{mount.type}": {text}'
    with pytest.raises(InvalidParameter, match=f"^{re.escape(whole)}$"):
        validate_mount_config(mount)


def test_a_missing_source_may_be_made() -> None:
    validate_mount_config(
        spec(source="/nope", bind_options=BindOptions(create_mountpoint=True)),
    )
    validate_mount_config(spec(source="/nope"), source_must_exist=False)


@pytest.mark.parametrize(
    ("text", "container", "mode"),
    [("c", "c", "rw"), ("c:", "c", "rw"), ("c:ro", "c", "ro"), ("c:ro,z", "c", "ro,z")],
)
def test_volumes_from(text: str, container: str, mode: str) -> None:
    assert parse_volumes_from(text) == (container, mode)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "volumes-from specification cannot be an empty string"),
        ("c:bad", "invalid mode: bad"),
        ("c:shared", "invalid mode: shared"),
        ("c:ro,nocopy", "invalid mode: ro,nocopy"),
    ],
)
def test_wrong_volumes_from(text: str, message: str) -> None:
    with pytest.raises(InvalidParameter, match=f"^{re.escape(message)}$"):
        parse_volumes_from(text)


def test_tmpfs_destinations() -> None:
    validate_tmpfs_destination("/x")
    with pytest.raises(InvalidParameter, match="destination can't be '/'"):
        validate_tmpfs_destination("//")
    with pytest.raises(InvalidParameter, match="'x' mount path must be absolute"):
        validate_tmpfs_destination("x")
