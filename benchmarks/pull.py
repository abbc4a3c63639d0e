"""How long a large image takes from a registry on this machine until it can be run: runner and
dockerd by turns, both with containerd's image store.

    python benchmarks/pull.py --rounds 5 --megabytes 500 --layers 8
"""

from __future__ import annotations

import functools
import gzip
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import quote

from benchmarks import harness
from benchmarks.daemons import Daemons
from benchmarks.harness import Contestant, Target
from tests.support.images import Blobs, Image, file, layer_tar
from tests.support.registry import Registry

if TYPE_CHECKING:
    from tests.support.dockerd import Dockerd
    from tests.support.engine import Engine

TARGETS = (Target("runner", ratio=1.0),)
_FILE = 256 << 10
_WORDS = b"the quick brown fox jumps over the lazy dog and runs away again; "
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


def layer(number: int, size: int) -> tuple[bytes, bytes]:
    """A layer of files, three quarters of which no compression makes smaller: its tar, and gzip."""
    source = random.Random(number)
    entries = []
    for index in range(max(1, size // _FILE)):
        noise = source.randbytes(_FILE * 3 // 4)
        text = _WORDS * (_FILE // 4 // len(_WORDS))
        entries.append(file(f"data/{number}/{index}", noise + text))
    tar = layer_tar(entries)
    return tar, gzip.compress(tar, compresslevel=1, mtime=0)


def push_image(registry: Registry, layers: int, size: int) -> str:
    """Put the image into the registry; its name there. `size` in bytes, unpacked."""
    with ThreadPoolExecutor() as pool:
        made = list(pool.map(functools.partial(layer, size=size // layers), range(layers)))
    blobs = Blobs()
    config = Image([tar for tar, _ in made]).image_config()
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST_TYPE,
        "config": blobs.add_json(config, "application/vnd.oci.image.config.v1+json"),
        "layers": [blobs.add(packed, _LAYER_TYPE) for _, packed in made],
    }
    packed = sum(len(each) for _, each in made)
    print(f"{layers} layers, {size >> 20} MiB unpacked, {packed >> 20} MiB to download\n")
    return registry.push("bench/large", "1", blobs, blobs.add_json(manifest, _MANIFEST_TYPE))


def pull(rival: Dockerd | Engine, name: str) -> dict[str, float]:
    """Pull to the last message."""
    repository, _, tag = name.rpartition(":")
    target = f"/images/create?fromImage={quote(repository)}&tag={tag}"
    answer = rival.api("POST", target, timeout=600)
    if answer.status != 200 or b"Downloaded newer image" not in answer.body:
        raise RuntimeError(f"{answer.status} {answer.body[-400:].decode()}")
    return {}


def remove(rival: Dockerd | Engine, name: str) -> None:
    """Remove it and all its content."""
    answer = rival.api("DELETE", f"/images/{name}", timeout=600)
    if answer.status != 200:
        raise RuntimeError(answer.message)


def main() -> int:
    """Measure and print."""
    parser = harness.options(__doc__.partition("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--megabytes", type=int, default=500, help="size, unpacked (500)")
    chosen = parser.parse_args()

    facts = harness.machine()
    print(harness.describe(facts), end="\n\n")
    with Daemons() as daemons, Registry() as registry:
        name = push_image(registry, chosen.layers, chosen.megabytes << 20)
        rivals: dict[str, Dockerd | Engine] = {"dockerd": daemons.dockerd, "runner": daemons.engine}
        contestants = [
            Contestant(
                who,
                functools.partial(pull, rival, name),
                against="dockerd" if who == "runner" else "",
                tidy=functools.partial(remove, rival, name),
            )
            for who, rival in rivals.items()
        ]
        results = harness.take_turns(contestants, rounds=chosen.rounds, warmup=1, pause=1)
    print(harness.medians(results, contestants), end="\n\n")
    verdicts = harness.judge(results, contestants, TARGETS)
    print(*verdicts, sep="\n")
    harness.write_json(chosen.json, {"machine": facts, "results": results})
    return 0 if all(verdict.met for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
