"""A real rsyslogd that listens on sockets of its own and writes down what it understood."""

from __future__ import annotations

import dataclasses
import os
import socket
from typing import TYPE_CHECKING, Final, Self

from tests.support.process import Daemon, wait_until
from tests.support.toolchain import library_path, tool_root
from tests.support.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_CONFIGURATION: Final = """\
global(
  workDirectory="{folder}"
  maxMessageSize="32k"
  parser.escapeControlCharactersOnReceive="off"
  defaultNetstreamDriverCAFile="{certificates}/ca.pem"
  defaultNetstreamDriverCertFile="{certificates}/cert.pem"
  defaultNetstreamDriverKeyFile="{certificates}/key.pem"
)
module(load="imudp")
module(load="imtcp")
module(load="imuxsock" SysSock.Use="off")
input(type="imudp" address="127.0.0.1" port="{udp}")
input(type="imtcp" address="127.0.0.1" port="{tcp}")
input(
  type="imtcp" address="127.0.0.1" port="{tls}"
  streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon"
)
input(type="imuxsock" socket="{folder}/log.sock")
input(
  type="imuxsock" socket="{folder}/net.sock"
  useSpecialParser="off" parseHostname="on"
)
template(
  name="fields" type="string"
  string="%syslogfacility-text%|%syslogseverity-text%|%hostname%|%programname%|%syslogtag%|%msg%\\n"
)
action(type="omfile" file="{messages}" template="fields")
"""


@dataclasses.dataclass(frozen=True)
class Understood:
    """A message, taken apart by rsyslog."""

    facility: str
    severity: str
    hostname: str
    program: str
    tag: str
    text: str


class Rsyslog:
    """One rsyslogd. As a context manager it is started and closed."""

    def __init__(self, certificates: Path) -> None:
        self.workspace = Workspace.make()
        folder = self.workspace.path
        self._ports = dict(zip(("udp", "tcp", "tls"), _free_ports(3), strict=True))
        self._messages = folder / "messages"
        configuration = folder / "rsyslog.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                folder=folder, certificates=certificates, messages=self._messages, **self._ports
            )
        )
        root = tool_root("rsyslog")
        modules = [path.parent for path in root.glob("usr/lib/**/imtcp.so")]
        self.daemon = Daemon(
            "rsyslogd",
            [
                *(str(root / "usr/sbin/rsyslogd"), "-n"),
                *("-f", str(configuration)),
                *("-i", str(folder / "pid")),
                *("-M", os.pathsep.join(map(str, modules))),
            ],
            log=folder / "rsyslogd.log",
            env=dict(os.environ, LD_LIBRARY_PATH=library_path("rsyslog")),
        )

    def address(self, kind: str) -> str:
        """The syslog-address of a kind: udp, tcp, tcp+tls, unixgram.

        `local` is a unixgram socket that expects messages without the host's name, as /dev/log.
        """
        if kind in ("unixgram", "local"):
            name = "net.sock" if kind == "unixgram" else "log.sock"
            return f"unixgram://{self.workspace.path / name}"
        return f"{kind}://127.0.0.1:{self._ports['tls' if kind == 'tcp+tls' else kind]}"

    def messages(self) -> list[Understood]:
        """Everything so far."""
        if not self._messages.exists():
            return []
        lines = self._messages.read_text(errors="surrogateescape").splitlines()
        return [Understood(*line.split("|", 5)) for line in lines]

    def has(self, count: int) -> list[Understood]:
        """Wait for so many messages."""
        wait_until(
            lambda: len(self.messages()) >= count, seconds=20, what=f"{count} messages in rsyslog"
        )
        return self.messages()

    def forget(self) -> None:
        """Start with no messages, for the next test."""
        self._messages.write_text("")  # it is opened for appending

    def start(self) -> Self:
        """Start it and wait until it listens."""
        self.daemon.start(self._listens)
        return self

    def stop(self) -> None:
        """End it; `start` listens at the same addresses again."""
        self.daemon.stop()

    def close(self) -> None:
        """End it and remove everything."""
        self.daemon.stop()
        self.workspace.close()

    def _listens(self) -> bool:
        def connects(port: int) -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        sockets = (self.workspace.path / name for name in ("log.sock", "net.sock"))
        return all(path.exists() for path in sockets) and all(
            connects(self._ports[port]) for port in ("tcp", "tls")
        )

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()


def _free_ports(count: int) -> Sequence[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports
