"""Image references, judged before the engine is asked (distribution/reference).

The grammar is small enough to be read by hand; a regular expression would cost the command more
than its request.
"""

from __future__ import annotations

from runner.cli.errors import CliError

_LOWER = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_ALNUM = _LOWER | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_HEX = frozenset("0123456789abcdef")
_DIGEST_SIZES = {"sha256": 64, "sha384": 96, "sha512": 128}
_DEFAULT_DOMAIN = "docker.io"
_INVALID = "invalid reference format"


class Reference:
    """A name with its domain, and a tag, a digest, both or neither."""

    def __init__(self, domain: str, path: str, tag: str = "", digest: str = "") -> None:
        self.domain = domain
        self.path = path
        self.tag = tag
        self.digest = digest

    @property
    def familiar_name(self) -> str:
        """The name as users write it: without docker.io/ and library/."""
        if self.domain != _DEFAULT_DOMAIN:
            return f"{self.domain}/{self.path}"
        inner = self.path.removeprefix("library/")
        return inner if "/" not in inner else self.path

    def tagged(self) -> Reference:
        """The same with the tag latest where it names neither tag nor digest."""
        if self.tag or self.digest:
            return self
        return Reference(self.domain, self.path, "latest")

    def familiar(self) -> str:
        """The whole reference as users write it."""
        return self.familiar_name + self._suffix()

    def __str__(self) -> str:
        return f"{self.domain}/{self.path}{self._suffix()}"

    def _suffix(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return tag + (f"@{self.digest}" if self.digest else "")


def parse_any(text: str) -> Reference | None:
    """The reference; None where the text is an image's ID or digest and no name.

    Raises CliError with docker's text.
    """
    if _is_identifier(text) or _is_digest(text):
        return None
    return parse_normalized(text)


def parse_normalized(text: str) -> Reference:
    """A familiar name made whole. Raises CliError with docker's text."""
    if _is_identifier(text):
        raise CliError(
            f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
        )
    domain, remainder = _split_domain(text)
    name = remainder.partition(":")[0]
    if name.lower() != name:
        raise CliError(f"{_INVALID}: repository name ({name}) must be lowercase")
    name, digest = _cut_digest(remainder)
    name, tag = _cut_tag(name)
    if not (_is_domain(domain) and all(map(_is_component, name.split("/")))):
        raise CliError(_INVALID)
    if len(name) > 255:
        raise CliError("repository name must not be more than 255 characters")
    _check_digest(digest)
    return Reference(domain, name, tag, digest)


def _split_domain(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    is_domain = "." in first or ":" in first or first == "localhost" or first.lower() != first
    if not slash or not is_domain:
        first, rest = _DEFAULT_DOMAIN, text
    if first == "index.docker.io":
        first = _DEFAULT_DOMAIN
    if first == _DEFAULT_DOMAIN and "/" not in rest:
        rest = f"library/{rest}"
    return first, rest


def _cut_digest(text: str) -> tuple[str, str]:
    name, separator, digest = text.partition("@")
    if separator and not _looks_like_digest(digest):
        raise CliError(_INVALID)
    return name, digest


def _cut_tag(text: str) -> tuple[str, str]:
    name, separator, tag = text.partition(":")
    if separator and not _is_tag(tag):
        raise CliError(_INVALID)
    return name, tag


def _is_tag(text: str) -> bool:
    allowed = _ALNUM | {"_"}
    return 0 < len(text) <= 128 and text[0] in allowed and allowed | {".", "-"} >= set(text)


def _is_component(text: str) -> bool:
    """Runs of lower-case letters and digits with `.`, `_`, `__` or dashes between."""
    if not text or text[0] not in _LOWER or text[-1] not in _LOWER:
        return False
    separator = ""
    for char in text:
        if char in _LOWER:
            if separator and separator not in (".", "_", "__") and separator.strip("-"):
                return False
            separator = ""
        elif char in "._-":
            separator += char
        else:
            return False
    return True


def _is_domain(text: str) -> bool:
    host, separator, port = text.rpartition(":")
    if separator and not port.endswith("]"):
        if not (port.isascii() and port.isdigit()):
            return False
    else:
        host = text
    if host.startswith("["):
        inner = host[1:-1]
        return host.endswith("]") and bool(inner) and set(inner) <= _HEX_COLON
    return all(map(_is_host_label, host.split(".")))


_HEX_COLON = frozenset("0123456789abcdefABCDEF:")


def _is_host_label(text: str) -> bool:
    return bool(text) and text[0] in _ALNUM and text[-1] in _ALNUM and _ALNUM | {"-"} >= set(text)


def _is_identifier(text: str) -> bool:
    return len(text) == 64 and set(text) <= _HEX


def _is_digest(text: str) -> bool:
    algorithm, _, encoded = text.partition(":")
    return _DIGEST_SIZES.get(algorithm) == len(encoded) and set(encoded) <= _HEX


def _looks_like_digest(text: str) -> bool:
    algorithm, _, encoded = text.partition(":")
    parts = algorithm.translate(dict.fromkeys(map(ord, "-_.+"), "+")).split("+")
    return (
        all(part[:1].isalpha() and set(part) <= _ALNUM for part in parts)
        and len(encoded) >= 32
        and set(encoded.lower()) <= _HEX
    )


def _check_digest(digest: str) -> None:
    if not digest:
        return
    algorithm, _, encoded = digest.partition(":")
    if algorithm not in _DIGEST_SIZES:
        raise CliError("unsupported digest algorithm")
    if len(encoded) != _DIGEST_SIZES[algorithm]:
        raise CliError("invalid checksum digest length")
    if not set(encoded) <= _HEX:
        raise CliError("invalid checksum digest format")


def parse_tag(text: str) -> tuple[str, str]:
    """The repository, made whole, and the tag of a name to be given; latest where it has none.

    Raises CliError with docker's text.
    """
    reference = parse_normalized(text)
    if reference.digest:
        raise CliError("refusing to create a tag with a digest reference")
    return f"{reference.domain}/{reference.path}", reference.tagged().tag
