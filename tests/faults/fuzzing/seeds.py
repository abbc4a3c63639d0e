"""What is there to be hit: containers, images, networks and volumes, made again when gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.dockerd import Dockerd
    from tests.support.engine import Engine
    from tests.support.http import Answer

TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
_MOST: Final = 12
"""Objects of a kind beyond the seeds; those that requests have made are removed from there on."""
_LOOP: Final = "trap 'exit 0' TERM; while :; do echo tick; sleep 0.3; done"
_RUNNING: Final[dict[str, dict[str, Any]]] = {
    "seed-sh": {"Cmd": ["sh", "-c", _LOOP], "HostConfig": {"Binds": ["seed-volume:/data"]}},
    "seed-tty": {"Cmd": ["sh"], "Tty": True, "OpenStdin": True},
    "seed-cat": {
        "Cmd": ["cat"],
        "OpenStdin": True,
        "AttachStdin": True,
        "HostConfig": {"NetworkMode": "seed-net"},
    },
}
_IDLE: Final[dict[str, dict[str, Any]]] = {
    "seed-created": {"Cmd": ["true"], "Labels": {"fuzz": "1"}},
    "seed-done": {"Cmd": ["sh", "-c", "echo out; echo err >&2; exit 3"]},
}


class Seeds:
    """The objects of one engine."""

    def __init__(self, engine: Engine | Dockerd, archive: Path) -> None:
        self._engine = engine
        self._archive = archive
        self._images = ["busybox", "busybox:latest", "seed/image:1"]
        self._ids: dict[str, list[str]] = {}
        self._execs: list[str] = []

    def plant(self) -> None:
        """Make what is not there; remove what is too much."""
        self._plant_images()
        self._ask("POST", "/volumes/create", {"Name": "seed-volume", "Labels": {"fuzz": "1"}})
        if self._ask("GET", "/networks/seed-net").status != 200:
            self._ask("POST", "/networks/create", {"Name": "seed-net"})
        self._prune()
        for name, settings in {**_RUNNING, **_IDLE}.items():
            self._plant_container(name, settings)
        self._note()

    def pick(self, kind: str, dice: random.Random) -> str:
        """A name of one of them, in one of the forms that names have."""
        if kind == "traces":
            return TRACE
        if kind == "exec":
            return dice.choice(self._execs or ["none"])
        names = self._ids.get(kind) or ["none"]
        name = dice.choice(names)
        form = dice.randrange(10)
        if form == 0 and len(name) == 64:
            return name[: dice.choice([1, 4, 12, 63])]
        if form == 1 and kind == "containers":
            return f"/{name}"
        return name

    def _plant_images(self) -> None:
        if self._ask("GET", "/images/busybox/json").status != 200:
            self._engine.load(self._archive)
        if self._ask("GET", "/images/seed/image:1/json").status != 200:
            self._ask("POST", "/images/busybox/tag?repo=seed/image&tag=1")

    def _plant_container(self, name: str, settings: dict[str, Any]) -> None:
        state = self._ask("GET", f"/containers/{name}/json")
        if state.status != 200:
            body = {"Image": "busybox", **settings}
            self._ask("POST", f"/containers/create?name={name}", body)
            if name == "seed-done":
                self._ask("POST", f"/containers/{name}/start")
        elif state.json()["State"]["Paused"]:
            self._ask("POST", f"/containers/{name}/unpause")
        if name in _RUNNING:
            self._ask("POST", f"/containers/{name}/start")
            made = self._ask(
                "POST",
                f"/containers/{name}/exec",
                {"Cmd": ["cat"], "AttachStdin": True, "AttachStdout": True, "Tty": "tty" in name},
            )
            if made.status == 201:
                self._execs = [*self._execs[-5:], made.json()["Id"]]

    def _prune(self) -> None:
        """Keep the machine small: what requests have made goes, the oldest first."""
        for identity, names in self._containers()[_MOST:]:
            if not any(name.startswith("/seed-") for name in names):
                self._ask("DELETE", f"/containers/{identity}?force=1&v=1")
        networks = self._ask("GET", "/networks").json()
        own = [each for each in networks if each["Name"] not in ("bridge", "host", "none")]
        for network in own[_MOST:]:
            if network["Name"] != "seed-net":
                self._ask("DELETE", f"/networks/{network['Id']}")
        volumes = self._ask("GET", "/volumes").json()["Volumes"]
        for volume in volumes[_MOST:]:
            if volume["Name"] != "seed-volume":
                self._ask("DELETE", f"/volumes/{volume['Name']}?force=1")

    def _containers(self) -> list[tuple[str, list[str]]]:
        listed = self._ask("GET", "/containers/json?all=1").json() or []
        return [(each["Id"], each["Names"]) for each in listed]

    def _note(self) -> None:
        containers = self._containers()
        networks = self._ask("GET", "/networks").json()
        images = self._ask("GET", "/images/json").json()
        self._ids = {
            "containers": [*_RUNNING, *_IDLE, *(identity for identity, _ in containers)],
            "networks": ["seed-net", "bridge", *(each["Id"] for each in networks)],
            "images": [*self._images, *(each["Id"] for each in images)],
            "distribution": self._images,
            "volumes": [
                "seed-volume",
                *(each["Name"] for each in self._ask("GET", "/volumes").json()["Volumes"]),
            ],
        }

    @property
    def _ask(self) -> Callable[..., Answer]:
        return self._engine.api
