"""Pushing into a real registry, and what is between us and registries: TLS, mirrors, crashes."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from runner.containerd.content import Info
from runner.image.archive import saving
from runner.image.progress import PullProgress, PushProgress
from runner.image.pull import pull
from runner.image.push import push
from runner.image.reference import Reference, parse
from runner.image.registry import Credentials
from runner.image.registry.hosts import RegistryHosts
from runner.image.registry.login import login
from runner.types.errors import NotFound, RunnerError
from tests.integration.image.support import NOTHING, everything, load, oci_layout
from tests.integration.image.support import push as put
from tests.support.certificates import make_certificates
from tests.support.fixtures import PASSWORD, USER
from tests.support.images import Blobs, Image, add_index, file, layer_tar
from tests.support.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.image.store import ImageStore
    from runner.types.image import ProgressMessage

OCI = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
LARGE = 24 << 20
"""Bytes of a layer that takes several reads."""


def small(*texts: str, **options: Any) -> Image:
    return Image([layer_tar([file(f"file{n}", text)]) for n, text in enumerate(texts)], **options)


def large() -> Image:
    data = random.Random(1).randbytes(LARGE)
    return Image([layer_tar([file("large", data)])], compression="plain")


async def loaded(store: ImageStore, tmp_path: Path, blobs: Blobs, target: dict[str, Any]) -> str:
    """Put the image into the store, nameless; its ID."""
    await load(store, oci_layout(blobs, target), tmp_path)
    return str(target["digest"])


async def pushed(
    store: ImageStore, image_id: str, name: str, credentials: Credentials | None = None
) -> list[ProgressMessage]:
    told: list[ProgressMessage] = []
    reference = parse(name)
    await store.tag(image_id, reference)
    await push(store, reference, credentials=credentials, progress=told.append)
    return told


def final(told: list[ProgressMessage]) -> list[str]:
    passing = {"Waiting", "Pushing"}
    return [line.status for line in told if line.status not in passing][1:-1]


@pytest.fixture
def own_registry() -> Iterator[Registry]:
    """A registry that may be killed."""
    with Registry() as started:
        yield started


async def test_an_image_for_several_platforms_arrives_whole_and_comes_back(
    store: ImageStore, registry: Registry, tmp_path: Path
) -> None:
    blobs = Blobs()
    images = [small(text, architecture=text) for text in ("amd64", "arm64")]
    target = add_index(blobs, images)
    identity = await loaded(store, tmp_path, blobs, target)
    name = f"{registry.address}/{store.containerd.namespace}/multi:1"
    assert final(await pushed(store, identity, name)) == ["Pushed", "Pushed"]
    repository, _, tag = name.partition("/")[2].partition(":")
    status, _, body = registry.request(
        "GET", f"/v2/{repository}/manifests/{tag}", headers={"Accept": target["mediaType"]}
    )
    assert (status, body) == (200, blobs[target["digest"]])
    for manifest in json.loads(body)["manifests"]:
        await store.content.info(manifest["digest"])
        path = f"/v2/{repository}/manifests/{manifest['digest']}"
        assert registry.request("GET", path, headers=OCI)[0] == 200
    assert final(await pushed(store, identity, name)) == ["Layer already exists"] * 2


async def test_a_layer_is_mounted_from_another_repository_of_the_registry(
    one_store: ImageStore, own_registry: Registry, tmp_path: Path
) -> None:
    blobs = Blobs()
    identity = await loaded(one_store, tmp_path, blobs, small("a", "b").add_to(blobs))
    address = own_registry.address
    assert final(await pushed(one_store, identity, f"{address}/team/app:1")) == ["Pushed"] * 2
    told = final(await pushed(one_store, identity, f"{address}/team/other:1"))
    assert told == ["Mounted from team/app"] * 2
    # A repository without the layer, though the label says so: then the layer is sent.
    for blob in [blob async for blob in one_store.content.list()]:
        label = {"containerd.io/distribution.source.127.0.0.1": "not/there"}
        await one_store.content.update(
            Info(blob.digest, labels=label), *(f"labels.{k}" for k in label)
        )
    assert final(await pushed(one_store, identity, f"{address}/else:1")) == ["Pushed"] * 2


async def test_a_registry_killed_in_the_middle_of_a_push(
    one_store: ImageStore,
    own_registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blobs = Blobs()
    identity = await loaded(one_store, tmp_path, blobs, large().add_to(blobs))
    name = f"{own_registry.address}/large:1"
    with monkeypatch.context() as patched:
        killing = _once(own_registry.kill)
        patched.setattr(PushProgress, "pushing", lambda *_: killing())
        with pytest.raises(RunnerError, match="failed to do request: Put"):
            await pushed(one_store, identity, name)
    own_registry.start()
    path = "/v2/large/manifests/1"
    assert own_registry.request("GET", path, headers=OCI)[0] == 404
    assert final(await pushed(one_store, identity, name)) == ["Pushed"]
    assert own_registry.request("GET", path, headers=OCI)[0] == 200
    assert [lease.id for lease in await one_store.containerd.leases.list()] == []


async def test_a_registry_killed_in_the_middle_of_a_pull(
    one_store: ImageStore, own_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = put(own_registry, "large", "1", large())
    with monkeypatch.context() as patched:
        killing = _once(own_registry.kill)
        patched.setattr(PullProgress, "downloading", lambda *_: killing())
        with pytest.raises(RunnerError):
            await pull(one_store, parse(name))
    assert await one_store.images.list() == []
    own_registry.start()
    await pull(one_store, parse(name))
    found = await one_store.get(name)
    assert await one_store.unpacker.is_unpacked(found.config)


async def test_many_pulls_of_one_image_download_it_once(
    one_store: ImageStore, own_registry: Registry
) -> None:
    name = put(own_registry, "large", "1", large())
    await asyncio.gather(*(pull(one_store, parse(name)) for _ in range(5)))
    layer = (await one_store.get(name)).manifest.layers[0].digest
    lines = [
        json.loads(x)
        for x in own_registry.daemon.log.read_text().splitlines()
        if layer in x and x[0] == "{"
    ]
    completed = [line for line in lines if line.get("msg") == "response completed"]
    assert [line["http.request.method"] for line in completed].count("GET") == 1


def _once(action: Any) -> Any:
    done: list[bool] = []

    def act() -> None:
        if not done:
            done.append(True)
            action()

    return act


# --- hosts.toml and certificates -------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def tls_registry(certificates: Path) -> Iterator[Registry]:
    """A registry with TLS that wants a client's certificate, and basic authentication."""
    with Registry(username=USER, password=PASSWORD, certificates=certificates) as started:
        yield started


ME = Credentials(USER, PASSWORD)


def configure(store: ImageStore, folder: Path, domain: str, text: str) -> None:
    """Have the store read this hosts.toml for the domain."""
    name, _, port = domain.rpartition(":")
    place = folder / "certs.d" / (f"{name}_{port}_" if name else domain)
    place.mkdir(parents=True, exist_ok=True)
    (place / "hosts.toml").write_text(text)
    store.registries = RegistryHosts((folder / "certs.d",))


async def test_certificates_of_hosts_toml_and_of_dockers_layout(
    one_store: ImageStore, tls_registry: Registry, certificates: Path, tmp_path: Path
) -> None:
    blobs = Blobs()
    identity = await loaded(one_store, tmp_path, blobs, small("x").add_to(blobs))
    address = tls_registry.address
    name, settings = f"{address}/tls/app:1", tmp_path / "settings"
    client = f'client = [["{certificates}/cert.pem", "{certificates}/key.pem"]]'
    server = f'server = "https://{address}"\n'
    configure(one_store, settings, address, f'{server}ca = "{certificates}/ca.pem"\n{client}')
    with pytest.raises(RunnerError, match="no basic auth credentials"):
        await pushed(one_store, identity, name)
    await pushed(one_store, identity, name, ME)
    mine = dataclasses.replace(ME, server_address=address)
    assert await login(one_store.registries, mine) == ""
    with pytest.raises(RunnerError, match="401 Unauthorized"):
        await login(one_store.registries, dataclasses.replace(mine, password="wrong"))
    # Not our authority: nobody is trusted whom it has not signed.
    configure(one_store, settings, address, f"{server}{client}")
    with pytest.raises(RunnerError, match="certificate verify failed"):
        await pull(one_store, parse(name), credentials=ME)
    configure(one_store, settings, address, f"{server}skip_verify = true\n{client}")
    await pull(one_store, parse(name), credentials=ME)
    # No certificate of ours: the registry turns us away.
    configure(one_store, settings, address, f"{server}skip_verify = true")
    with pytest.raises(RunnerError):
        await pull(one_store, parse(name), credentials=ME)
    place = next((settings / "certs.d").iterdir())
    (place / "hosts.toml").unlink()
    for source, target in (
        ("ca.pem", "ca.crt"),
        ("cert.pem", "client.cert"),
        ("key.pem", "client.key"),
    ):
        (place / target).write_bytes((certificates / source).read_bytes())
    await pull(one_store, parse(name), credentials=ME)


async def test_mirrors_are_asked_first_and_never_pushed_to(
    one_store: ImageStore, own_registry: Registry, tmp_path: Path
) -> None:
    put(own_registry, "team/app", "1", small("mirrored"))
    domain = "registry.invalid:5000"
    configure(
        one_store,
        tmp_path,
        domain,
        f"""
        [host."http://127.0.0.1:1"]
        capabilities = ["pull", "resolve"]
        [host."http://{own_registry.address}"]
        capabilities = ["pull", "resolve"]
        [host."http://{own_registry.address}".header]
        x-team = ["a", "b"]
        """,
    )
    await pull(one_store, Reference(domain, "team/app", "1"))
    assert await one_store.names((await one_store.get(f"{domain}/team/app:1")).id)
    assert "ns=registry.invalid%3A5000" in own_registry.daemon.log.read_text()
    with pytest.raises(NotFound):
        await pull(one_store, Reference(domain, "team/nosuch", "1"))
    with pytest.raises(RunnerError, match=r"registry\.invalid"):
        await push(one_store, Reference(domain, "team/app", "1"))


# --- saving ----------------------------------------------------------------------------------


async def test_what_is_saved_is_loaded_again_and_is_always_the_same_bytes(
    store: ImageStore, tmp_path: Path
) -> None:
    blobs = Blobs()
    images = [small(text, architecture=text) for text in ("amd64", "arm64")]
    identity = await loaded(store, tmp_path, blobs, add_index(blobs, images))
    for name in ("app:1", "app:2", "other:1"):
        await store.tag(identity, parse(name))
    archive = await saved(store, "app", "other:1")
    assert archive == await saved(store, "app", "other:1")
    for record in await store.images.list():
        await store.images.delete(record.name, sync=True)
    assert await everything(store.containerd) == NOTHING
    assert len(await load(store, archive, tmp_path)) == 3
    assert sorted(await store.names(identity)) == ["app:1", "app:2", "other:1"]
    assert archive == await saved(store, "app", "other:1")


async def saved(store: ImageStore, *names: str) -> bytes:
    async with saving(store, names) as pieces:
        return b"".join([piece async for piece in pieces])
