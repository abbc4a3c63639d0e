"""Strings of our own kinds on the wire."""

from __future__ import annotations

from runner.types import wire
from runner.types.events import Actor
from runner.types.modes import NetworkMode


def test_a_mode_is_a_string_to_the_client() -> None:
    actor = Actor(id="x", attributes={"name": NetworkMode("bridge")})
    assert wire.encode(actor) == b'{"ID":"x","Attributes":{"name":"bridge"}}'
