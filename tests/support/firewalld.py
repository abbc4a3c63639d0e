"""A host with firewalld, in namespaces of its own, and somebody beside it.

firewalld and its D-Bus are Debian's, run from a directory of their own (chroot). Whatever they do
to the firewall ends with the namespace.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Final, Self

from tests.support import debian
from tests.support.process import Daemon, HarnessError, wait_until
from tests.support.toolchain import path_with
from tests.support.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_BUS: Final = "run/dbus/system_bus_socket"
_HOST, _NEIGHBOUR = "192.0.2.1", "192.0.2.2"
_SETTLE: Final = """\
mount -t sysfs none /sys && mount --bind /dev {root}/dev && mount -t proc none {root}/proc &&
ip link set lo up && ip link add outside type veth peer name inside netns {neighbour} &&
ip address add {host}/24 dev outside && ip link set outside up
"""
_STAY: Final = ": >{ready} && exec cat {hold}"
"""Nobody ever writes to it."""
_SETTLE_BESIDE: Final = """\
ip link set lo up && ip address add {neighbour}/24 dev inside && ip link set inside up &&
ip route add default via {host}
"""
_BUS_CONFIG: Final = """\
<busconfig>
  <type>system</type>
  <listen>unix:path=/{socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/>
  </policy>
</busconfig>
"""


class Host:
    """The namespaces; `address` is the host's on the neighbour's side."""

    address, neighbour_address = _HOST, _NEIGHBOUR

    def __init__(self, backend: str) -> None:
        """`backend` is firewalld's: nftables or iptables."""
        self.workspace = Workspace.make()
        self.backend = backend
        self._root = self.workspace.path / "root"
        self._processes: list[subprocess.Popen[bytes]] = []
        self._daemons: list[Daemon] = []

    @property
    def bus(self) -> str:
        """D-Bus's address, seen from outside."""
        return f"unix:path={self._root / _BUS}"

    @property
    def neighbour(self) -> str:
        """The neighbour's namespace."""
        return f"/proc/{self._processes[0].pid}/ns/net"

    def path(self, inside: str) -> str:
        """A file among the host's mounts."""
        return f"/proc/{self._processes[1].pid}/root{inside}"

    def command(self, *words: str) -> list[str]:
        """What runs these on the host."""
        return ["nsenter", "-t", str(self._processes[1].pid), "-n", "-m", *words]

    def firewall_cmd(self, *options: str) -> str:
        """firewalld's own command."""
        words = ["chroot", str(self._root), "firewall-cmd", *options]
        done = subprocess.run(self.command(*words), capture_output=True, text=True)
        if done.returncode:
            raise HarnessError(f"firewall-cmd {options}: {done.stderr}")
        return done.stdout.strip()

    def start_firewalld(self) -> None:
        """Start it, and wait until it answers."""
        self._daemon("firewalld", ["firewalld", "--nofork", "--nopid"], self._answers)

    def stop_firewalld(self) -> None:
        """End it; it takes its rules away."""
        self._daemons.pop().stop()

    def start(self) -> None:
        """Start D-Bus and firewalld."""
        (self._root / _BUS).unlink(missing_ok=True)
        command = ["dbus-daemon", "--config-file=/bus.conf", "--nofork", "--nopidfile"]
        self._daemon("dbus", command, (self._root / _BUS).exists)
        self.start_firewalld()

    def stop_bus(self) -> None:
        """End D-Bus, of which firewalld may die."""
        self._daemons.pop(0).stop()

    def stop(self) -> None:
        """End both."""
        while self._daemons:
            self._daemons.pop().stop()

    def __enter__(self) -> Self:
        try:
            self._set_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for process in reversed(self._processes):
            process.kill()
            process.wait()
        self.workspace.close()

    def _set_up(self) -> None:
        debian.unpack(debian.archive("firewalld"), self._root)
        for folder in ("dev", "proc", "run/dbus", "tmp"):
            (self._root / folder).mkdir(parents=True, exist_ok=True)
        (self._root / "bus.conf").write_text(_BUS_CONFIG.format(socket=_BUS))
        config = self._root / "etc/firewalld/firewalld.conf"
        text = config.read_text()
        config.write_text(
            "".join(
                line for line in text.splitlines(True) if not line.startswith("FirewallBackend=")
            )
            + f"FirewallBackend={self.backend}\n"
        )
        os.mkfifo(self._root / "hold")
        self._unshare("neighbour", "true")
        names = {"root": self._root, "host": _HOST, "neighbour": self._processes[0].pid}
        self._unshare("host", _SETTLE.format(**names).strip())
        beside = _SETTLE_BESIDE.format(host=_HOST, neighbour=_NEIGHBOUR)
        enter = ["nsenter", "-t", str(self._processes[0].pid), "-n", "sh", "-c", beside]
        subprocess.run(enter, env=_environment(), check=True)

    def _unshare(self, name: str, script: str) -> None:
        """A process that has made its namespaces and run the script, and then stays."""
        ready = self._root / name
        script = f"{script} && {_STAY.format(ready=ready, hold=self._root / 'hold')}"
        unshare = ["unshare", "--net", "--mount", "--propagation=private", "sh", "-c", script]
        self._processes.append(subprocess.Popen(unshare, env=_environment()))
        wait_until(ready.exists, seconds=10, what=f"the namespaces of the {name}")

    def _daemon(self, name: str, command: Sequence[str], ready: Callable[[], bool]) -> None:
        log = self.workspace.path / f"{name}.log"
        inside = self.command("chroot", str(self._root), *command)
        daemon = Daemon(name, inside, log=log, env=_environment())
        self._daemons.append(daemon)
        daemon.start(ready)

    def _answers(self) -> bool:
        try:
            return self.firewall_cmd("--state") == "running"
        except HarnessError:
            return False


def _environment() -> dict[str, str]:
    return os.environ | {"PATH": path_with()}
