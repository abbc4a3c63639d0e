"""The flags before the command: which engine it is, and how it is reached."""

from __future__ import annotations

import os

from runner.cli.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli import pflag

FLAGS = (
    ("host", ("--host",), "-H", "value", "", None),
    ("tls", ("--tls",), "", "bool", "", False),
    ("tlsverify", ("--tlsverify",), "", "bool", "", None),
    ("tlscacert", ("--tlscacert",), "", "value", "", None),
    ("tlscert", ("--tlscert",), "", "value", "", None),
    ("tlskey", ("--tlskey",), "", "value", "", None),
    ("version", ("--version",), "-v", "bool", "", False),
)


def context(options: pflag.Options) -> Context:
    """What a command is given when these flags came before it."""
    environment = os.environ
    verify = options.tlsverify
    if verify is None:
        verify = bool(environment.get("RUNNER_TLS_VERIFY"))
    if not (options.tls or verify):
        return Context(options.host or "")
    from runner.client.tls import TLSFiles

    folder = environment.get("RUNNER_CERT_PATH", os.path.expanduser("~/.runner"))  # noqa: PTH111
    files = TLSFiles(
        ca=(options.tlscacert or f"{folder}/ca.pem") if verify else "",
        cert=options.tlscert or _if_there(f"{folder}/cert.pem"),
        key=options.tlskey or _if_there(f"{folder}/key.pem"),
    )
    return Context(options.host or "", files)


def _if_there(path: str) -> str:
    return path if os.access(path, os.R_OK) else ""
