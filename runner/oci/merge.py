"""The user's Config and the image's (moby daemon/commit.go merge, SEMANTICS 3.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.types.container import Config
    from runner.types.image import HealthConfig, ImageRunConfig

C = TypeVar("C", "Config", "ImageRunConfig")
V = TypeVar("V")


def merge_and_verify_config(user: Config, image: ImageRunConfig | None) -> Config:
    """A new Config: the user's, completed by the image's; an entrypoint of `[""]` means none.

    Raises InvalidParameter when nothing says what to run (mergeAndVerifyConfig).
    """
    merged = merge(user, image) if image is not None else msgspec.structs.replace(user)
    if merged.entrypoint == [""]:
        merged.entrypoint = None
    if not merged.entrypoint and not merged.cmd:
        raise InvalidParameter("no command specified")
    return merged


def merge(user: C, image: ImageRunConfig) -> C:
    """A new one: what the user left out is the image's."""
    entrypoint, cmd = _merge_command(user, image)
    return msgspec.structs.replace(
        user,
        user=user.user or image.user,
        exposed_ports=_union(user.exposed_ports, image.exposed_ports),
        env=_merge_env(user.env, image.env),
        labels={**(image.labels or {}), **(user.labels or {})},
        entrypoint=entrypoint,
        cmd=cmd,
        healthcheck=_merge_healthcheck(user.healthcheck, image.healthcheck),
        working_dir=user.working_dir or image.working_dir,
        volumes=_union(user.volumes, image.volumes),
        stop_signal=user.stop_signal or image.stop_signal,
    )


def get_entrypoint_and_args(
    entrypoint: Sequence[str] | None, cmd: Sequence[str] | None
) -> tuple[str, list[str]]:
    """What to run and its arguments (getEntrypointAndArgs). One of the two is not empty."""
    command = [*(entrypoint or []), *(cmd or [])]
    return command[0], command[1:]


def _union(user: dict[str, V] | None, image: dict[str, V] | None) -> dict[str, V] | None:
    if not user:
        return image
    return {**user, **(image or {})}


def _merge_env(user: list[str] | None, image: list[str] | None) -> list[str] | None:
    """The image's variables that the user does not name come after the user's."""
    if not user:
        return image
    named = {variable.partition("=")[0] for variable in user}
    return [*user, *(v for v in image or [] if v.partition("=")[0] not in named)]


def _merge_command(
    user: Config | ImageRunConfig, image: ImageRunConfig
) -> tuple[list[str] | None, list[str] | None]:
    """A user's entrypoint drops the image's command, which was meant for another program."""
    if user.entrypoint:
        return user.entrypoint, user.cmd
    entrypoint = image.entrypoint if user.entrypoint is None else user.entrypoint
    return entrypoint, user.cmd or image.cmd


def _merge_healthcheck(
    user: HealthConfig | None, image: HealthConfig | None
) -> HealthConfig | None:
    """Field by field."""
    if user is None or image is None:
        return user or image
    return type(user)(
        **{field: getattr(user, field) or getattr(image, field) for field in user.__struct_fields__}
    )
