"""The shop of examples/compose, a database, a cache and a web application, lived on both engines.

It is brought up, used over its published port, scaled, restarted, taken down and brought up again
with its data, and then nothing of it is left. What docker compose shows on the way is the same.
"""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.compat.compare import accidents_in, differences, without_accidents, without_addresses
from tests.support import debian
from tests.support.dockerd import docker_env
from tests.support.toolchain import docker_cli

if TYPE_CHECKING:
    from tests.support.subject import Subject

pytestmark = [pytest.mark.oracle, pytest.mark.thorough]

PROJECT = Path(__file__).parents[2] / "examples/compose"
LISTED = "{{.Name}} {{.Image}} {{.Command}} {{.Service}} {{.Status}} {{.Ports}}"
_DEPENDS_ON = "com.docker.compose.depends_on"
CONTAINERS = ("shop-db-1", "shop-cache-1", "shop-web-1", "shop-prepare-1", "shop-schema-1")


class Shop:
    """The project on one engine."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.seen: list[tuple[str, list[str]]] = []
        """Each command with the lines of its output and of its progress, in no order."""

    def compose(self, *arguments: str, code: int = 0) -> str:
        """Run docker compose; what it has printed."""
        done = self.subject.docker("compose", *self._options, *arguments, timeout=150)
        assert done.returncode == code, done.stderr + done.stdout
        told = without_accidents(without_addresses(done.stdout + done.stderr))
        self.seen.append((" ".join(arguments), sorted(told.splitlines())))
        return done.stdout

    _options = ("--project-directory", str(PROJECT))

    def ask(self, path: str, order: str | None = None) -> str:
        """Ask over the published port."""
        ports = self.subject.inspect("shop-web-1")["NetworkSettings"]["Ports"]
        port = ports["8000/tcp"][0]["HostPort"]
        body = order.encode() if order else None
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", body, timeout=20) as answer:
            return str(answer.read().decode())

    def visit(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Be a visitor, on the front network only."""
        arguments = ("run", "--rm", "--quiet-pull", "visitor", *command)
        return self.subject.docker("compose", *self._options, *arguments, timeout=60)

    def follow(self, *arguments: str) -> subprocess.Popen[str]:
        """Follow the logs."""
        daemon = self.subject.daemon
        command = [str(docker_cli()), "compose", *self._options, "logs", "--follow", *arguments]
        environment = docker_env(daemon.host, daemon.workspace)
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    def address(self, container: str, network: str) -> str:
        """Where a container is on a network."""
        networks = self.subject.inspect(container)["NetworkSettings"]["Networks"]
        return str(networks[network]["IPAddress"])

    def documents(self) -> dict[str, Any]:
        """All that the engine tells of containers and networks."""
        found = {name: _container(self.subject.inspect(name)) for name in CONTAINERS}
        for name in ("shop_front", "shop_back"):
            network = found[name] = self.subject.api("GET", f"/networks/{name}").json()
            ends = network.pop("Containers").values()
            network["Names"] = sorted(end["Name"] for end in ends)
        return dict(accidents_in(json.loads(without_addresses(json.dumps(found)))))


def _container(document: dict[str, Any]) -> dict[str, Any]:
    """What is told of a container, without what is another each time and in compose's no order."""
    state, host, config = document["State"], document["HostConfig"], document["Config"]
    state["Pid"] = bool(state["Pid"])
    state.pop("Health", None)  # tells when and how often it was looked
    del document["ExecIDs"]  # is one of the health checks, or none
    host["Binds"] = sorted(host["Binds"] or [])
    host.get("Mounts", []).sort(key=lambda mount: str(mount["Target"]))
    config["Env"].sort()
    config["Labels"][_DEPENDS_ON] = sorted(config["Labels"][_DEPENDS_ON].split(","))
    for mount in document["Mounts"]:
        mount["Source"] = mount["Source"].rpartition("/volumes/")[2]
    document["Mounts"].sort(key=lambda mount: str(mount["Destination"]))
    for published in document["NetworkSettings"]["Ports"].values():
        for binding in published or []:
            assert int(binding.pop("HostPort")) > 1024
    return document


@pytest.fixture(scope="module")
def archives() -> list[Path]:
    return [debian.archive(name) for name in debian.RECIPES]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_shop(ours: Subject, dockerd: Subject, archives: list[Path]) -> None:
    with ThreadPoolExecutor() as both:
        our, their = both.map(lambda subject: lived(subject, archives), (ours, dockerd))
    assert our[0] == their[0]
    for name, document in our[1].items():
        assert differences(document, their[1][name], {}) == [], name


def lived(subject: Subject, archives: list[Path]) -> tuple[list[Any], dict[str, Any]]:
    """Live the whole life of the shop; what compose has told, and what there was."""
    with subject.images_restored():
        for archive in archives:
            subject.daemon.load(archive)
        shop = Shop(subject)
        opened(shop)
        documents = shop.documents()
        used(shop)
        isolated(shop)
        grown(shop)
        restarted(shop)
        closed(shop)
    return shop.seen, documents


def opened(shop: Shop) -> None:
    shop.compose("up", "--detach", "--wait", "--pull=never")
    shop.compose("ps", "--all", "--format", LISTED)
    shop.compose("port", "web", "8000")


def used(shop: Shop) -> None:
    with shop.follow("--no-log-prefix", "web") as logs:
        assert shop.ask("/orders", order="a book") == "thank you\n"
        assert logs.stdout is not None
        assert "ordered: a book\n" in iter(logs.stdout.readline, "")
        logs.terminate()
    assert shop.ask("/orders") == "1 a book\n"
    number, host = shop.ask("/visits").split()
    assert (number, host) == ("1", shop.subject.identity("shop-web-1")[:12])
    assert shop.compose("exec", "-T", "cache", "valkey-cli", "get", "visits") == "1\n"
    shop.compose("exec", "-T", "db", "sh", "-c", "id -un; exit 3", code=3)
    assert shop.visit().stdout == f"2 {host}\n"


def isolated(shop: Shop) -> None:
    """Who is on the front network only does not reach the database, by name or by address."""
    address = shop.address("shop-db-1", "shop_back")
    done = shop.visit("sh", "-c", f"nslookup database; wget -T 1 http://{address}:5432/")
    assert "server can't find database: NXDOMAIN" in done.stdout
    if shop.subject.is_ours:  # an oracle that starts beside it takes dockerd's rules away
        assert "download timed out" in done.stderr


def grown(shop: Shop) -> None:
    shop.compose("up", "--detach", "--no-deps", "--no-recreate", "--scale=web=2", "web")
    shop.compose("ps", "--format", "{{.Name}} {{.Image}} {{.State}}")
    found = set(re.findall(r"Address: (\S+)\n", shop.visit("nslookup", "web").stdout))
    places = {shop.address(f"shop-web-{number}", "shop_front") for number in (1, 2)}
    assert found == places


def restarted(shop: Shop) -> None:
    """A cache that starts anew has forgotten, a database has not."""
    shop.compose("restart", "--no-deps", "cache", "db")
    shop.compose("up", "--detach", "--wait", "--no-deps", "cache", "db")
    assert shop.ask("/visits").split()[0] == "1"
    assert shop.ask("/orders") == "1 a book\n"


def closed(shop: Shop) -> None:
    """Taken down, brought up again with its data, and taken down for good."""
    shop.compose("down")
    assert shop.subject.api("GET", "/containers/json?all=1").json() == []
    shop.compose("up", "--detach", "--wait", "--pull=never")
    assert shop.ask("/orders") == "1 a book\n"
    shop.compose("down", "--volumes")
    assert shop.compose("ps", "--all", "--quiet") == ""
    networks = shop.subject.api("GET", "/networks").json()
    assert sorted(network["Name"] for network in networks) == ["bridge", "host", "none"]
    assert shop.subject.api("GET", "/volumes").json()["Volumes"] == []
