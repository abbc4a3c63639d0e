"""What a client may send to a registry to prove who it is."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from runner.image.registry.endpoint import registry_host
from runner.types import gojson

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Credentials:
    """An AuthConfig of the Engine API. Secrets never show in its repr."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)
    server_address: str = ""

    @classmethod
    def from_header(cls, value: str | None) -> Credentials:
        """The X-Registry-Auth header; an unreadable one is as good as none, as for dockerd."""
        return cls.from_body(_decode(value or ""))

    @classmethod
    def from_body(cls, decoded: Mapping[str, Any]) -> Credentials:
        """The same, as JSON has it."""
        return cls(
            username=_text(decoded, "username"),
            password=_text(decoded, "password"),
            identity_token=_text(decoded, "identitytoken"),
            registry_token=_text(decoded, "registrytoken"),
            server_address=_text(decoded, "serveraddress"),
        )

    def are_for(self, host: str, domain: str) -> bool:
        """Whether they may be sent to this host: their server's, by default the image's domain."""
        server = self.server_address.removeprefix("http://").removeprefix("https://")
        return registry_host(server.partition("/")[0] or domain) == host

    @property
    def secret(self) -> tuple[str, str]:
        """User name and secret; with an identity token the name is empty."""
        return ("", self.identity_token) if self.identity_token else (self.username, self.password)


ANONYMOUS = Credentials()


def _decode(value: str) -> Mapping[str, Any]:
    padded = value + "=" * (-len(value) % 4)
    try:
        decoded = gojson.decode(base64.urlsafe_b64decode(padded))
    except (ValueError, msgspec.DecodeError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _text(decoded: Mapping[str, Any], key: str) -> str:
    value = decoded.get(key)
    return value if isinstance(value, str) else ""
