"""Image verbs by the stock docker CLI: the same output, exit codes and events as with dockerd."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

import pytest

from tests.support.images import (
    Blobs,
    Image,
    add_index,
    file,
    host_architecture,
    layer_tar,
    write_oci_layout,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.registry import Registry
    from tests.support.subject import Subject

T = TypeVar("T")
R = TypeVar("R")

pytestmark = [pytest.mark.root, pytest.mark.oracle]

_OF_IMAGES: Final = '{"type":["image"]}'
OTHER_ARCHITECTURE: Final = "arm64" if host_architecture() == "amd64" else "amd64"


def small(day: int, *texts: str, architecture: str = "", **config: Any) -> Image:
    """An image with a layer for each text. Of two made on one day dockerd lists any first."""
    layers = [layer_tar([file(f"file{n}", text)]) for n, text in enumerate(texts)]
    created = f"2024-01-{day:02}T03:04:05Z"
    return Image(layers, config, architecture=architecture, created=created)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """app:1, other:1, a multi:1 for two platforms, and a partial:1 that lacks the second."""
    blobs = Blobs()
    app = small(3, "base", "app", Labels={"kind": "app"}, Cmd=["/bin/app"]).add_to(blobs)
    other = small(4, "base", "other", Env=["A=b"]).add_to(blobs)
    here = small(5, "here", architecture=host_architecture())
    multi = add_index(blobs, [here, small(6, "there", architecture=OTHER_ARCHITECTURE)])
    lacking = Blobs()
    here = small(7, "here as well", architecture=host_architecture())
    here.add_to(blobs)
    partial = add_index(lacking, [here, small(8, "lacking", architecture=OTHER_ARCHITECTURE)])
    blobs[partial["digest"]] = lacking[partial["digest"]]
    targets = {"app:1": app, "other:1": other, "multi:1": multi, "partial:1": partial}
    path = tmp_path_factory.mktemp("images") / "images.tar"
    return write_oci_layout(path, blobs, targets).read_bytes()


LOCAL: Final[dict[str, list[str]]] = {
    "nothing is changed": [
        "images",
        "images -a --no-trunc",
        "images --digests",
        "images -q",
        "images app",
        "images app:2",
        "images nosuch",
        "images --tree",
        "images -f dangling=true",
        "images -f dangling=nonsense",
        "images -f label=kind=app",
        "images -f label=kind=other",
        "images -f reference=a*:*",
        "images -f reference=a* -f reference=o*",
        "images -f before=app:1",
        "images -f since=nosuch:1",
        "images -f until=2020-01-01",
        "images -f nonsense=1",
        "images -f until=nonsense",
        "history app:1",
        "history --no-trunc -H=false app:1",
        "history -q multi:1",
        "history --platform linux/{foreign} multi:1",
        "history --platform linux/s390x multi:1",
        "history nosuch",
        "image inspect app:1",
        "image inspect multi:1",
        "image inspect --platform linux/{foreign} multi:1",
        "image inspect --platform linux/s390x multi:1",
        "image inspect nosuch app:1",
        "image inspect -f '{{{{json .Config}}}}' app:1",
        "rmi ''",
        "rmi Nosuch",
        "rmi a:b:c",
        "rmi",
        "image prune -f --filter nonsense=1",
        "image prune -f --filter dangling=nonsense",
        "image prune -f --filter until=nonsense",
        "save -o {tmp}/x nosuch:1",
        "save -o {tmp}/x app:2",
        "save -o {tmp}/x app@{other_digest}",
        "save -o {tmp}/x --platform linux/s390x multi:1",
        "search --limit 1000 nosuch",
    ],
    "a name and a digest": [
        "tag app:1 app:2",
        "tag app:1 other:1",
        "tag nosuch:1 x:1",
        "tag app:1 Bad:1",
        "tag app:1 sha256:1",
        "image inspect -f '{{{{json .RepoTags}}}} {{{{json .RepoDigests}}}}' app:1",
        "tag app:1 app:2",
        "rmi app:1",
        "rmi app:2",
        "images -a",
    ],
    "rmi of a digest and of several": [
        "rmi other@{other_digest}",
        "images",
        "rmi app:1 nosuch:1 multi:1",
        "rmi -f nosuch:1",
        "images",
    ],
    "rmi by ID with several names": [
        "rmi {other}",
        "rmi {other}",
        "tag app:1 app:2",
        "rmi {app}",
        "tag app:1 else:1",
        "rmi {app}",
        "rmi -f {app}",
        "images",
    ],
    "rmi of an image in use": [
        "create --name box app:1 true",
        "rmi app:1",
        "rmi {app}",
        "tag app:1 app:2",
        "rmi app:2",
        "rmi -f app:1",
        "images -a",
        "inspect -f '{{{{.Image}}}} {{{{.Config.Image}}}}' box",
        "rmi -f {app}",
        "images -a",
    ],
    "rmi of a running image": [
        "run -d --name box busybox sleep 100",
        "tag busybox again:1",
        "rmi -f {busybox}",
        "rmi again:1",
        "rmi busybox",
    ],
    "rmi of one platform": [
        "rmi --platform linux/{foreign} multi:1",
        "rmi -f --platform linux/{foreign} multi:1",
        "rmi -f --platform linux/s390x multi:1",
        "images --tree",
    ],
    "prune": [
        "tag other:1 app:1",
        "images -aq",
        "image prune -f --filter label=nosuch",
        "image prune -f --filter until=2020-01-01",
        "image prune -f",
        "image prune -f",
        "images -aq",
    ],
    "prune all": [
        "create --name box app:1 true",
        "tag app:1 app:2",
        "image prune -a -f --filter label!=kind",
        "rmi busybox",
    ],
    "save and load": [
        "tag app:1 app:2",
        "save -o {tmp}/a app",
        "save -o {tmp}/b app:1 multi:1 {other}",
        "rmi app:1 app:2 multi:1 other:1",
        "load -i {tmp}/a",
        "load -i {tmp}/b",
        "images -a --no-trunc",
        "save --platform linux/{foreign} -o {tmp}/c multi:1",
        "rmi multi:1",
        "load -i {tmp}/c",
        "images --tree",
    ],
    "save a part": [
        "save -o {tmp}/p partial:1",
        "rmi partial:1",
        "load -i {tmp}/p",
        "images",
    ],
}


@dataclasses.dataclass
class Case:
    """The commands of one case on one engine, and what they came to."""

    subject: Subject
    tmp_path: Path
    images: dict[str, str]
    registry: str
    private: str
    since: int = dataclasses.field(default_factory=time.time_ns)

    def run(self, commands: list[str]) -> list[tuple[str, int, str, str]]:
        """Each command with its exit code and outputs."""
        return [self._run_one(command) for command in commands]

    def _run_one(self, command: str) -> tuple[str, int, str, str]:
        names = {f"{name}_digest": image_id for name, image_id in self.images.items()}
        short = {name: image_id[7:19] for name, image_id in self.images.items()}
        line = command.format(
            foreign=OTHER_ARCHITECTURE,
            tmp=self.tmp_path,
            who=self.tmp_path.name,
            registry=f"{self.registry}/{self.tmp_path.name}",
            private=self.private,
            **names,
            **short,
        )
        words = [a or b for a, b in re.findall(r"'([^']*)'|(\S+)", line)]
        done = self.subject.docker(*words, timeout=60)
        output = self.plain(done.stdout)
        if "prune" in command:  # dockerd prunes images in any order
            output = "".join(sorted(output.splitlines(keepends=True)))
        return command, done.returncode, output, self.plain(done.stderr)

    def plain(self, text: str) -> str:
        """The text without times and containers' IDs; images' stay."""
        text = text.replace(str(self.tmp_path), "TMP")
        text = text.replace(self.registry, "REGISTRY").replace(self.private, "PRIVATE")
        text = re.sub(r"\b(mine|them)/", "WHO/", text)
        text = re.sub(r"(?m)^[0-9a-f]{12}: (Waiting|Pushing|Unavailable) *\n", "", text)
        text = re.sub(r"(?m)(^[0-9a-f]{12}: .*\n)+", _sorted_lines, text)
        text = re.sub(r"/\S*/docker-config/", "FOLDER/", text)
        text = re.sub(r"(?<!sha256:)\b[0-9a-f]{64}\b", "ID", text)
        text = re.sub(r"(?<=container )[0-9a-f]{12}\b", "SHORT", text)
        text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)", "TIME", text)
        return re.sub(r"(Less than a second|About an? \w+|\d+ \w+) ago", "AGO", text)

    def events(self) -> list[str]:
        """What was told of images meanwhile."""
        span = f"since={_seconds(self.since)}&until={_seconds(time.time_ns())}"
        answer = self.subject.api("GET", f"/events?{span}&filters={quote(_OF_IMAGES)}")
        found = [json.loads(line) for line in answer.body.splitlines()]
        actors = [(event["Action"], event["Actor"]) for event in found]
        return [self.plain(f"{act} {who['ID']} {who['Attributes']}") for act, who in actors]


def _sorted_lines(found: re.Match[str]) -> str:
    """The layers' lines, which dockerd tells in any order."""
    return "".join(sorted(found[0].splitlines(keepends=True)))


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}"


def prepared(subject: Subject, archive: bytes, tmp_path: Path, registries: tuple[str, str]) -> Case:
    """The engine with the archive's images."""
    answer = subject.api("POST", "/images/load", archive)
    assert answer.status == 200 and b"error" not in answer.body, answer.body
    listed = subject.api("GET", "/images/json").json()
    images = {item["RepoTags"][0].partition(":")[0]: item["Id"] for item in listed}
    folder = tmp_path / ("mine" if subject.is_ours else "them")
    folder.mkdir()
    return Case(subject, folder, images, *registries)


def empty(subject: Subject, busybox_tar: bytes) -> None:
    """Remove all images but busybox, of which exactly the one name is there then."""
    subject.remove_everything()
    for item in subject.api("GET", "/images/json?all=1").json():
        if item["RepoTags"] != ["busybox:latest"]:
            subject.api("DELETE", f"/images/{item['Id']}?force=1")
    if not subject.api("GET", "/images/json").json():
        subject.api("POST", "/images/load", busybox_tar)
    subject.api("POST", "/images/prune")  # a dangling name of busybox is in no list of its own


@pytest.fixture
def both(
    ours: Subject,
    dockerd: Subject,
    archive: bytes,
    busybox_tar: Path,
    tmp_path: Path,
    registry: Registry,
    private_registry: Registry,
) -> Iterator[tuple[Case, Case]]:
    """Ours and dockerd with the same images, which they have no more afterwards."""
    busybox = busybox_tar.read_bytes()
    subjects = (ours, dockerd)
    registries = (registry.address, private_registry.address)

    side_by_side(subjects, lambda subject: empty(subject, busybox))  # of what other tests left
    yield side_by_side(subjects, lambda subject: prepared(subject, archive, tmp_path, registries))
    side_by_side(subjects, lambda subject: empty(subject, busybox))


def side_by_side(pair: tuple[T, T], work: Callable[[T], R]) -> tuple[R, R]:
    """The work for ours and for dockerd at the same time."""
    with ThreadPoolExecutor(2) as threads:
        mine, theirs = threads.map(work, pair)
    return mine, theirs


@pytest.mark.parametrize("commands", LOCAL.values(), ids=LOCAL)
def test_images_that_are_here(both: tuple[Case, Case], commands: list[str]) -> None:
    mine, theirs = side_by_side(both, lambda case: case.run(commands))
    for ours, dockerds in zip(mine, theirs, strict=True):
        assert ours == dockerds
    pruning = any("prune" in command for command in commands)
    told = [sorted(case.events()) if pruning else case.events() for case in both]
    assert told[0] == told[1]


REMOTE: Final[dict[str, list[str]]] = {
    "push": [
        "tag app:1 {registry}/app:1",
        "push {registry}/app:1",
        "push {registry}/app:1",
        "tag app:1 {registry}/app:2",
        "push -q {registry}/app:2",
        "push {registry}/app",
        "push --all-tags {registry}/app",
        "push -a {registry}/app:1",
        "rmi {registry}/app:1 {registry}/app:2 app:1",
        "pull {registry}/app:2",
        "pull {registry}/app:2",
        "pull -a {registry}/app",
        "pull -q {registry}/app@{app_digest}",
        "images -a --digests --no-trunc",
        "image inspect -f '{{{{json .RepoTags}}}} {{{{json .RepoDigests}}}}' {registry}/app:2",
    ],
    "push to another repository": [
        "tag app:1 {registry}/one/app:1",
        "push {registry}/one/app:1",
        "tag app:1 {registry}/one/else:1",
        "push {registry}/one/else:1",
    ],
    "push of several platforms": [
        "tag multi:1 {registry}/multi:1",
        "push {registry}/multi:1",
        "push --platform linux/{foreign} {registry}/multi:1",
        "push --platform linux/s390x {registry}/multi:1",
        "tag partial:1 {registry}/partial:1",
        "push {registry}/partial:1",
        "push --platform linux/{foreign} {registry}/partial:1",
        "rmi multi:1 {registry}/multi:1",
        "pull --platform linux/{foreign} {registry}/multi:1",
        "images --tree",
    ],
    "push of what is not here": [
        "push {registry}/nosuch:1",
        "push {registry}/nosuch",
        "push -a {registry}/nosuch",
        "push {registry}/app@{app_digest}",
        "push 127.0.0.1:1/x:1",
        "tag app:1 127.0.0.1:1/x:1",
    ],
    "push without a login": [
        "tag app:1 {private}/app:1",
        "push {private}/app:1",
        "pull {private}/app:1",
        "manifest inspect {private}/app:1",
    ],
    "login": [
        "login -u tester -p wrong {private}",
        "login -u tester -p secret {private}",
        "tag app:1 {private}/{who}/app:1",
        "push {private}/{who}/app:1",
        "rmi {private}/{who}/app:1",
        "pull {private}/{who}/app:1",
        "logout {private}",
        "pull {private}/{who}/app:1",
        "push {private}/{who}/app:1",
        "login -u tester -p secret 127.0.0.1:1",
    ],
    "pull of what is not there": [
        "pull {registry}/nosuch:1",
        "pull -a {registry}/nosuch",
        "pull {registry}/nosuch@{app_digest}",
        "pull -a {registry}/nosuch:1",
    ],
}


@pytest.mark.parametrize("commands", REMOTE.values(), ids=REMOTE)
def test_images_in_a_registry(both: tuple[Case, Case], commands: list[str]) -> None:
    mine, theirs = side_by_side(both, lambda case: case.run(commands))
    for ours, dockerds in zip(mine, theirs, strict=True):
        assert ours == dockerds
    assert both[0].events() == both[1].events()


def test_answers_of_the_api(both: tuple[Case, Case]) -> None:
    def ask(case: Case) -> list[tuple[int, str]]:
        name = f"{case.registry}/{case.tmp_path.name}/api"
        docker, api = case.subject.docker, case.subject.api
        for image in ("app", "multi"):
            docker("tag", f"{image}:1", f"{name}:{image}")
            docker("push", f"{name}:{image}")
        import_ = "/images/create?fromSrc="
        targets = [
            ("GET", f"/distribution/{name}:app/json"),
            ("GET", f"/distribution/{name}:multi/json"),
            ("GET", f"/distribution/{case.images['app']}/json"),
            ("GET", "/distribution/Bad/json"),
            ("GET", "/images/json?manifests=1&shared-size=1"),
            ("GET", "/images/multi:1/json?manifests=1"),
            ("GET", '/images/multi:1/json?manifests=1&platform={"os":"linux","architecture":"x"}'),
            ("GET", "/images/multi:1/json?platform={}"),
            ("GET", "/images/get?platform=1&platform=2&names=app:1"),
            ("GET", "/images/search?term=http://x&limit=3"),
            ("GET", '/images/search?term=x&filters={"stars":["x"]}'),
            ("GET", '/images/search?term=x&filters={"is-automated":["true"]}'),
            ("POST", f"{import_}http://{case.registry}/v2/x"),
            ("POST", f"{import_}127.0.0.1:1/x"),
            ("POST", f"{import_}ftp://x"),
            ("DELETE", "/images/%20"),
            ("POST", "/images/app:1/push?tag=Bad:x"),
        ]
        answers = [api(method, quote(target, "/?&=:%")) for method, target in targets]
        return [(answer.status, case.plain(answer.body.decode())) for answer in answers]

    mine, theirs = side_by_side(both, ask)
    for ours, dockerds in zip(mine, theirs, strict=True):
        assert ours == dockerds
