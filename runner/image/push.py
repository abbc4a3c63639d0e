"""Pushing (moby daemon/containerd/image_push.go, containerd remotes.PushContent).

Blobs go first, some at a time, those that the registry has or can mount from another of its
repositories not at all; then the manifests, then the indexes from the innermost out, so that the
tag comes last. What is pushed is exactly what is here, an image for several platforms as one.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from runner.image import documents, mediatypes
from runner.image.events import unreported
from runner.image.origin import note_origin
from runner.image.progress import Progress, PushProgress, silent, ticking
from runner.image.registry import Credentials, Registry
from runner.image.registry.errors import translate_registry_error
from runner.image.registry.pusher import Outcome, Pusher, mount_candidate
from runner.image.selection import choose_target, tags_of_repository
from runner.trace import step
from runner.types.errors import NotFound, RunnerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner.containerd.images import Image as Record
    from runner.image.events import Report
    from runner.image.reference import Reference
    from runner.image.store import ImageStore
    from runner.types.image import Descriptor, Platform

MAX_CONCURRENT_UPLOADS = 5
"""dockerd's default for --max-concurrent-uploads."""


class _ContentMissing(NotFound):
    """Something of the image is not here."""


async def push(
    store: ImageStore,
    reference: Reference,
    *,
    platform: Platform | None = None,
    credentials: Credentials | None = None,
    progress: Progress = silent,
    report: Report = unreported,
) -> None:
    """Push the tag or digest, or all tags for a bare name (moby PushImage).

    Of an image for several platforms that is not whole, the manifest that is here. Raises
    dockerd's errors: NotFound, Unauthorized, Forbidden, and RunnerError for a registry that
    cannot be reached. Reports `push` for each tag.
    """
    shown = PushProgress(progress)
    shown.message(f"The push refers to repository [{reference.name}]")
    pushed = [reference]
    if reference.is_name_only:
        pushed = [tag for _, tag in await tags_of_repository(store, reference)]
        if not pushed:
            raise RunnerError(
                f"An image does not exist locally with the tag: {reference.familiar_name}"
            )
    for each in pushed:
        push_one = _Push(store, each, platform, credentials or Credentials(), progress)
        async with store.containerd.leases.hold() as lease:
            await push_one.run(lease.id)
        await report("push", each.familiar, each.familiar_name)


@dataclass(slots=True)
class _Contents:
    """What a target consists of, each in the order in which it is met."""

    blobs: dict[str, tuple[Descriptor, str | None]] = field(default_factory=dict)
    """By digest, with the repository from which the registry may take it."""
    manifests: dict[str, Descriptor] = field(default_factory=dict)
    indexes: dict[str, Descriptor] = field(default_factory=dict)


@dataclass(slots=True)
class _Push:
    """One push of one name."""

    store: ImageStore
    reference: Reference
    platform: Platform | None
    credentials: Credentials
    progress: Progress

    async def run(self, lease_id: str) -> None:
        """moby pushRef. The lease keeps what is pushed."""
        record = await self._record()
        await self.store.keep(lease_id, record.target)
        target = record.target
        if self.platform is not None:
            target = await choose_target(self.store, record, self.platform)
        shown = PushProgress(self.progress)
        try:
            async with self._registry() as registry, ticking(shown):
                target = await self._push_present(registry, record, target, shown)
        except _ContentMissing:
            raise
        except RunnerError as err:
            raise translate_registry_error(err) from err
        finally:
            shown.tick()
        if self.reference.tag is not None:
            tag, size = self.reference.tag, target.size
            shown.message(f"{tag}: digest: {target.digest} size: {size}")
        await self._note_origins(target)

    def _registry(self) -> Registry:
        return Registry(
            self.reference,
            self.credentials,
            hosts=self.store.registries,
            actions="pull,push",
        )

    async def _record(self) -> Record:
        try:
            return await self.store.images.get(str(self.reference))
        except NotFound as err:
            raise NotFound(f"tag does not exist: {self.reference.familiar}") from err

    async def _push_present(
        self, registry: Registry, record: Record, target: Descriptor, shown: PushProgress
    ) -> Descriptor:
        """Push the target or, where that is not whole, the one manifest that is."""
        try:
            return await self._push(registry, target, shown)
        except _ContentMissing as err:
            missing = err
        if self.platform is None and mediatypes.is_index(target.media_type):
            chosen = await choose_target(self.store, record, None)
            if chosen.digest != target.digest:
                return await self._push_instead(registry, target, chosen, shown)
        shown.aux(contentMissing=True, desc=msgspec.to_builtins(target))
        raise missing

    async def _push_instead(
        self, registry: Registry, whole: Descriptor, chosen: Descriptor, shown: PushProgress
    ) -> Descriptor:
        shown.give_up_waiting()
        try:
            await self._push(registry, chosen, shown)
        except _ContentMissing:
            shown.aux(contentMissing=True, desc=msgspec.to_builtins(chosen))
            raise
        shown.aux(
            manifestPushedInsteadOfIndex=True,
            originalIndex=msgspec.to_builtins(whole),
            selectedManifest=msgspec.to_builtins(chosen),
        )
        return chosen

    async def _push(
        self, registry: Registry, target: Descriptor, shown: PushProgress
    ) -> Descriptor:
        """containerd's PushContent."""
        contents = _Contents()
        await self._collect(contents, target, {})
        for blob, _ in contents.blobs.values():
            if mediatypes.is_shown(blob.media_type):
                shown.waiting(blob)
        pusher = Pusher(registry, self.reference, target)
        with step("image.push", reference=str(self.reference), blobs=len(contents.blobs)):
            await self._push_blobs(pusher, contents, shown)
            for document in [*contents.manifests.values(), *reversed(contents.indexes.values())]:
                await pusher.manifest(document, await self._document(document))
        return target

    async def _collect(
        self, contents: _Contents, descriptor: Descriptor, inherited: dict[str, str]
    ) -> None:
        """Sort out the target and all beneath it, with the origins that their parents have.

        Raises _ContentMissing for a document that is not here.
        """
        origins = inherited | await self._origins(descriptor)
        if not documents.is_document(descriptor.media_type):
            mount = mount_candidate(self.reference, origins)
            contents.blobs.setdefault(descriptor.digest, (descriptor, mount))
            return
        is_index = mediatypes.is_index(descriptor.media_type)
        kept = contents.indexes if is_index else contents.manifests
        kept[descriptor.digest] = descriptor
        try:
            children = await self.store.documents.children(descriptor)
        except NotFound as err:
            raise _ContentMissing(err.message) from err
        for child in children:
            await self._collect(contents, child, origins)

    async def _origins(self, descriptor: Descriptor) -> dict[str, str]:
        try:
            labels = (await self.store.content.info(descriptor.digest)).labels
        except NotFound:
            return {}
        prefix = f"{mediatypes.LABEL_DISTRIBUTION_SOURCE}."
        return {key: value for key, value in labels.items() if key.startswith(prefix)}

    async def _push_blobs(self, pusher: Pusher, contents: _Contents, shown: PushProgress) -> None:
        free = asyncio.Semaphore(MAX_CONCURRENT_UPLOADS)
        try:
            async with asyncio.TaskGroup() as tasks:
                for blob, mount in contents.blobs.values():
                    tasks.create_task(self._push_blob(pusher, blob, mount, free, shown))
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    async def _push_blob(
        self,
        pusher: Pusher,
        blob: Descriptor,
        mount: str | None,
        free: asyncio.Semaphore,
        shown: PushProgress,
    ) -> None:
        def pieces() -> AsyncIterator[bytes]:
            return self._pieces(blob, shown)

        async with free:
            offered = await pusher.offer(blob, mount)
            if not isinstance(offered, Outcome):
                await self._check_present(blob)
                with step("image.push_blob", digest=blob.digest, size=blob.size):
                    await pusher.upload(blob, offered, pieces)
                offered = Outcome.PUSHED
        shown.done(blob, _told(offered, blob, mount))

    async def _check_present(self, blob: Descriptor) -> None:
        try:
            await self.store.content.info(blob.digest)
        except NotFound as err:
            raise _ContentMissing(err.message) from err

    async def _pieces(self, blob: Descriptor, shown: PushProgress) -> AsyncIterator[bytes]:
        sent = 0
        async with contextlib.aclosing(self.store.content.read(blob.digest)) as pieces:
            async for piece in pieces:
                yield piece
                sent += len(piece)
                if mediatypes.is_shown(blob.media_type):
                    shown.pushing(blob, sent)

    async def _document(self, descriptor: Descriptor) -> bytes:
        return await self.store.content.read_all(descriptor.digest, documents.MANIFEST_SIZE_MAX)

    async def _note_origins(self, target: Descriptor) -> None:
        """A later push to another repository has the blobs mounted from this one."""
        async for blob in self.store.documents.walk_present(target):
            await note_origin(self.store.content, blob.digest, self.reference)


def _told(outcome: Outcome, blob: Descriptor, mount: str | None) -> str:
    if outcome is Outcome.MOUNTED:
        return f"Mounted from {mount}"
    if outcome is Outcome.EXISTS:
        return "Layer already exists" if mediatypes.is_layer(blob.media_type) else "Already exists"
    return "Pushed"
