"""Where a blob comes from: by this a later push has it mounted instead of sending it
(containerd core/remotes/docker/handler.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.containerd.content import Info
from runner.image import mediatypes

if TYPE_CHECKING:
    from runner.containerd.content import Content
    from runner.image.reference import Reference

_LABEL_SIZE_MAX = 4096
"""Bytes of a label's key and value together (containerd pkg/labels)."""


async def note_origin(content: Content, digest: str, reference: Reference) -> None:
    """Add the reference's repository to the blob's (AppendDistributionSourceLabel).

    Raises NotFound.
    """
    label = mediatypes.origin_label(reference.domain)
    info = await content.info(digest)
    present = set(info.labels.get(label, "").split(",")) - {""}
    value = ",".join(sorted(present | {reference.path}))
    if reference.path in present or len(label) + len(value) > _LABEL_SIZE_MAX:
        return
    await content.update(Info(digest, labels={label: value}), f"labels.{label}")
