"""Digests and chain IDs (image-spec descriptor.md#digests, config.md#layer-chainid)."""

from __future__ import annotations

import hashlib
from itertools import accumulate
from typing import TYPE_CHECKING, Protocol

from docker_image import digest as grammar

from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Sequence


class Hash(Protocol):
    """A running hash, as hashlib makes them."""

    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


def validate(digest: str) -> str:
    """The digest itself, when well formed and of a known algorithm (go-digest's Validate).

    Raises InvalidParameter with go-digest's texts.
    """
    try:
        grammar.validate_digest(digest)
    except grammar.DigestUnsupported as err:
        raise InvalidParameter("unsupported digest algorithm") from err
    except grammar.DigestInvalidLength as err:
        raise InvalidParameter("invalid checksum digest length") from err
    except grammar.InvalidDigest as err:
        raise InvalidParameter("invalid checksum digest format") from err
    return digest


def is_digest(text: str) -> bool:
    """Whether the text is a well-formed digest of a known algorithm."""
    try:
        validate(text)
    except InvalidParameter:
        return False
    return True


def of(data: bytes) -> str:
    """The canonical (sha256) digest of the data."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def hasher(digest: str) -> Hash:
    """A fresh hash of the digest's algorithm; the digest must be valid."""
    return hashlib.new(digest.partition(":")[0])


def matches(digest: str, data: bytes) -> bool:
    """Whether the data has this digest."""
    running = hasher(digest)
    running.update(data)
    return running.hexdigest() == encoded(digest)


def encoded(digest: str) -> str:
    """The part after the algorithm."""
    return digest.partition(":")[2]


def short(digest: str) -> str:
    """The twelve digits that Docker shows (moby stringid.TruncateID)."""
    return digest.rpartition(":")[2][:12]


def chain_ids(diff_ids: Sequence[str]) -> list[str]:
    """The chain ID of every prefix of the layers, base first."""
    return list(accumulate(diff_ids, lambda parent, diff: of(f"{parent} {diff}".encode())))


def chain_id(diff_ids: Sequence[str]) -> str:
    """The chain ID of all the layers; empty for none."""
    return chain_ids(diff_ids)[-1] if diff_ids else ""
