"""Image references as people write them and as dockerd stores them.

The grammar and the rule that finds the domain are docker-image-py's; the order of the checks and
the texts of the errors are those of distribution/reference, which dockerd uses: the library
differs there (it lets a trailing newline pass, refuses some characters earlier).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from docker_image.reference import NAME_TOTAL_LENGTH_MAX
from docker_image.reference import Reference as Grammar
from docker_image.regexp import ImageRegexps

from runner.image import digest as digests
from runner.types.errors import InvalidParameter

DEFAULT_DOMAIN = "docker.io"
DEFAULT_TAG = "latest"
OFFICIAL_PREFIX = "library/"

# The grammar's regular expressions take quadratic time on long input that does not match; nothing
# that long is a valid reference (path 255, host name 253, tag 128, digest 135).
_LENGTH_MAX = 4096


@dataclass(frozen=True, slots=True)
class Reference:
    """A normalised reference: domain and path, with tag, digest, both or neither."""

    domain: str
    path: str
    tag: str | None = None
    digest: str | None = None

    @property
    def name(self) -> str:
        """`docker.io/library/alpine`, without tag and digest."""
        return f"{self.domain}/{self.path}"

    @property
    def is_name_only(self) -> bool:
        """Whether neither tag nor digest is there."""
        return self.tag is None and self.digest is None

    @property
    def familiar_name(self) -> str:
        """The name as Docker shows it: no default domain, no `library/`."""
        if self.domain != DEFAULT_DOMAIN:
            return self.name
        official = self.path.removeprefix(OFFICIAL_PREFIX)
        return self.path if "/" in official else official

    @property
    def familiar(self) -> str:
        """The whole reference as Docker shows it (reference.FamiliarString)."""
        return self.familiar_name + self._suffix

    @property
    def _suffix(self) -> str:
        tag = f":{self.tag}" if self.tag is not None else ""
        return tag + (f"@{self.digest}" if self.digest is not None else "")

    def __str__(self) -> str:
        return self.name + self._suffix

    def with_default_tag(self) -> Reference:
        """With `latest`, when there is neither tag nor digest (reference.TagNameOnly)."""
        return replace(self, tag=DEFAULT_TAG) if self.is_name_only else self

    def with_tag(self, tag: str) -> Reference:
        """With this tag in place of any other.

        Raises InvalidParameter `invalid tag format`.
        """
        if len(tag) > 128 or not ImageRegexps.ANCHORED_TAG_REGEXP.fullmatch(tag):
            raise InvalidParameter("invalid tag format")
        return replace(self, tag=tag)

    def with_digest(self, digest: str) -> Reference:
        """With this digest in place of any other; raises InvalidParameter when it is malformed."""
        return replace(self, digest=digests.validate(digest))

    def trimmed(self) -> Reference:
        """The bare name (reference.TrimNamed)."""
        return Reference(self.domain, self.path)


@dataclass(frozen=True, slots=True)
class DigestReference:
    """A reference that is a digest and nothing else."""

    digest: str

    @property
    def familiar(self) -> str:
        """The digest."""
        return self.digest

    def __str__(self) -> str:
        return self.digest


AnyReference = Reference | DigestReference


def parse_any(text: str) -> AnyReference:
    """An identifier of 64 hexadecimal digits, a digest, or a name (reference.ParseAnyReference).

    Raises InvalidParameter.
    """
    if _is_identifier(text):
        return DigestReference(f"sha256:{text}")
    if digests.is_digest(text):
        return DigestReference(text)
    return parse(text)


def parse(text: str) -> Reference:
    """A name, normalised (reference.ParseNormalizedNamed). No default tag is added.

    Raises InvalidParameter.
    """
    if _is_identifier(text):
        raise InvalidParameter(
            f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
        )
    if len(text) > _LENGTH_MAX:
        raise InvalidParameter("invalid reference format")
    domain, remainder = Grammar.split_docker_domain(text)
    remote = remainder.partition(":")[0]
    if remote.lower() != remote:
        raise InvalidParameter(
            f"invalid reference format: repository name ({remote}) must be lowercase"
        )
    return _parse_canonical(f"{domain}/{remainder}")


def parse_canonical(text: str) -> Reference | None:
    """The reference when the text is one in canonical form (reference.ParseNamed), else None.

    Names in containerd's image store are canonical; other clients may have stored anything.
    """
    try:
        reference = parse(text)
    except InvalidParameter:
        return None
    return reference if str(reference) == text else None


def _is_identifier(text: str) -> bool:
    return len(text) == 64 and bool(ImageRegexps.ANCHORED_IDENTIFIER_REGEXP.fullmatch(text))


def _parse_canonical(text: str) -> Reference:
    """reference.Parse for a text that begins with a domain."""
    matched = ImageRegexps.REFERENCE_REGEXP.fullmatch(text)
    if matched is None:
        if ImageRegexps.REFERENCE_REGEXP.fullmatch(text.lower()):
            raise InvalidParameter("repository name must be lowercase")
        raise InvalidParameter("invalid reference format")
    name, tag, digest = matched.groups()
    domain, path = ImageRegexps.ANCHORED_NAME_REGEXP.fullmatch(name).groups()
    if len(path) > NAME_TOTAL_LENGTH_MAX:
        raise InvalidParameter(
            f"repository name must not be more than {NAME_TOTAL_LENGTH_MAX} characters"
        )
    return Reference(domain, path, tag, digests.validate(digest) if digest else None)
