"""Requests out of the description: as it says, against what it says, and bent beyond it."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import itertools
import json
import re
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qsl

import hypothesis
import requests
import schemathesis
from schemathesis import GenerationMode

from tests.faults.fuzzing.seasoning import season, tame
from tests.faults.fuzzing.wire import Request, target

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from schemathesis import Case

    from tests.faults.fuzzing.seeds import Seeds

_KINDS: Final = ("containers", "images", "networks", "volumes", "exec", "distribution", "traces")
_VERSIONS: Final = ("v1.24", "v1.29", "v1.30", "v1.40", "v1.41", "v1.43", "v1.44", "v1.47", "v1.51")
_ODD_VERSIONS: Final = ("v1.23", "v1.52", "v99", "v1.99999999999999999999", "v1", "v.", "v1..2")
_ODD_NAMES: Final = (
    *(" ", "%00", "..", "../../etc/passwd", "%2e%2e%2f", "a" * 5000, "\u202e\u0000", "\ud800"),
    *(
        "sha256:" + "0" * 64,
        "x@sha256:zz",
        "%ff%fe",
        "json",
        "a/b/c/d",
        "*",
        "[",
        "-",
        "\U0001f433",
    ),
)
_ODD_QUERIES: Final = (
    *("a;b", "%", "%zz", "&&&=", "t=1&t=2", "filters=", "filters=%00", "filters=[[[[", "x=" * 3000),
    *("filters=" + "%5B" * 5000, "filters=%7B%22label%22%3A%7B%22a%22%3A1%7D%7D", "all=%ff"),
    *("t=99999999999999999999999", "limit=-1&limit=x", "platform=%7B%7D", "since=1e400&until=nan"),
    *("since=-99999999999999999999", "until=9999-12-31T23:59:59Z&since=0001-01-01", "tail=-5"),
    *("filters=%22%5Cud800%22", "filters=%7B%22until%22%3A%5B%2299999999999999h%22%5D%7D"),
)
_ODD_HEADERS: Final = (
    ("Content-Type", "text/plain"),
    ("Content-Type", "application/json; charset=utf-16"),
    ("Content-Type", "application/x-www-form-urlencoded"),
    ("Content-Type", "\x01/"),
    ("Content-Type", "multipart/form-data"),
    ("Content-Encoding", "gzip"),
    ("Accept-Encoding", "gzip;q=2, *;q=x, ,,"),
    ("Accept-Encoding", " " * 50_000),
    ("Accept-Encoding", "a" * 50_000 + ";x"),
    ("X-Registry-Auth", "////"),
    ("X-Registry-Auth", "e30"),
    ("X-Registry-Auth", "WzFd"),
    ("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("Traceparent", "ff-zz-\u00ff-"),
    ("Upgrade", "tcp"),
    ("Expect", "100-continue"),
    ("Expect", "nonsense"),
    ("Range", "bytes=0-0"),
)
_BLANKS: Final = " " * 50_000
_NUMBERS: Final = (
    *(2**31, 2**32, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**40, -1, 0, 0.5, 1e308),
)
_STRINGS: Final = (
    *("", " ", "\0", "\n", "\ud800", "\u202e", "x" * 70_000, "%s%n", "../..", "/", "//", "."),
    *("\U0001f433", "a\0b", "=", "a=b", ":", ",", "{{", "-1", "1e9", "NaN", "sha256:", "@", "0"),
)


_STOPPING: Final = ("/stop", "/restart")
_WAITING: Final = re.compile(r"(?<=[?&])t=(?:-\d+|0*[2-9]|\d{2,19})(?=&|$)")
"""A stop that takes its time: nobody waits here for a container that does not want to end."""


_NO_MORE_CASES: Final = (
    hypothesis.errors.Unsatisfiable,  # nothing can be wrong with a request that has nothing in it
    hypothesis.errors.FlakyStrategyDefinition,  # what was drawn cannot be drawn again
)


@schemathesis.serializer("application/x-tar")
def _tar(_context: schemathesis.SerializationContext, value: Any) -> bytes:
    """What is generated in the place of an archive is none: real ones are tried elsewhere."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@dataclasses.dataclass(frozen=True)
class Made:
    """What schemathesis has made, taken apart once."""

    method: str
    template: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: bytes | None
    headers: tuple[tuple[str, str], ...]
    is_json: bool

    @classmethod
    def of(cls, case: Case) -> Self:
        """Take it apart."""
        whole = case.as_transport_kwargs(base_url="http://localhost")
        prepared = requests.Request(**whole).prepare()
        path, _, query = (prepared.path_url or "/").partition("?")
        declared = prepared.headers.get("Content-Type", "")
        headers = [("Content-Type", declared)] if declared else []
        given = (case.headers or {}).items()
        headers += [(name, value) for name, value in given if name == "X-Registry-Auth"]
        body = prepared.body
        return cls(
            method=case.method.upper(),
            template=case.path,
            path=path,
            query=tuple(parse_qsl(query, keep_blank_values=True, errors="surrogateescape")),
            body=body.encode() if isinstance(body, str) else body,
            headers=_printable(headers),
            is_json="json" in declared,
        )


class Cases:
    """An endless supply of requests for one operation after the other."""

    def __init__(
        self,
        description: dict[str, Any],
        seeds: Seeds,
        scratch: str,
        *,
        size: int,
        dice: random.Random,
    ) -> None:
        """`size` is how many cases of each sort are generated for an operation, at most."""
        self._size = size
        self._dice = dice
        self._pools: dict[tuple[str, str], Iterator[tuple[Made, bool]]] = {}
        self._seeds = seeds
        self._scratch = scratch
        self._loose = schemathesis.openapi.from_dict(description)
        self._strict = schemathesis.openapi.from_dict(_without_unknown_members(description))
        self.operations = [
            (method.upper(), path) for path, row in description["paths"].items() for method in row
        ]

    def of(self, method: str, path: str, count: int) -> Iterator[Request]:
        """The next so many requests to an operation: as generated, aimed at what is there, bent."""
        pool = self._pools.setdefault((method, path), self._pool(method, path))
        for _ in range(count):
            case, fresh = next(pool)
            how = self._dice.random()
            if fresh and how < 0.3:
                yield self._request(case)
            elif how < 0.65:
                yield self._request(case, aimed=True)
            else:
                yield self._bend(self._request(case, aimed=self._dice.random() < 0.7))

    def _pool(self, method: str, path: str) -> Iterator[tuple[Made, bool]]:
        """Cases, and whether they come for the first time. Making them is most of the work."""
        seed, size = self._dice.randrange(1 << 30), self._size
        cases = self._generate(self._strict, method, path, GenerationMode.POSITIVE, size, seed)
        cases += self._generate(self._loose, method, path, GenerationMode.NEGATIVE, size, seed)
        for fresh in itertools.chain([True], itertools.repeat(False)):
            self._dice.shuffle(cases)
            for case in cases:
                yield case, fresh

    def _generate(
        self, schema: Any, method: str, path: str, mode: GenerationMode, count: int, seed: int
    ) -> list[Made]:
        made: list[Made] = []

        @hypothesis.seed(seed)
        @hypothesis.settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(case=schema[path][method].as_strategy(generation_mode=mode))
        def collect(case: Case) -> None:
            made.append(Made.of(case))

        with contextlib.suppress(*_NO_MORE_CASES):
            collect()
        return made

    # --- one request ----------------------------------------------------------------------------

    def _request(self, made: Made, *, aimed: bool = False) -> Request:
        dice, path, pairs, body = self._dice, made.path, list(made.query), made.body
        if aimed:
            path = self._aimed(made.template, dice) or path
            pairs = [(name, self._value(name, value, dice)) for name, value in pairs]
        if body is not None and made.is_json:
            body = self._body(body, dice, aimed=aimed)
        if made.template.endswith(_STOPPING) and dice.random() < 0.9:
            pairs.append(("t", "1"))
        if not path.startswith("/runner") and dice.random() < 0.5:
            path = f"/{dice.choice(_VERSIONS)}{path}"
        whole = _WAITING.sub("t=1", target(path, pairs))
        return Request(made.method, whole, body, made.headers)

    def _aimed(self, template: str, dice: random.Random) -> str | None:
        if "{name}" not in template:
            return None
        kind = next(part for part in reversed(template.split("/")) if part in _KINDS)
        return template.replace("{name}", self._seeds.pick(kind, dice))

    def _value(self, name: str, value: str, dice: random.Random) -> str:
        """A better value for some parameters, where a random one leads nowhere."""
        pick: Callable[[str], str] = lambda kind: self._seeds.pick(kind, dice)  # noqa: E731
        choices: dict[str, Callable[[], str]] = {
            "container": lambda: pick("containers"),
            "names": lambda: pick("images"),
            "fromImage": lambda: dice.choice(["127.0.0.1:1/x", "busybox", "scratch"]),
            "fromSrc": lambda: "-",
            "repo": lambda: dice.choice(["fuzz/made", "a:b@c", "UPPER"]),
            "tag": lambda: dice.choice(["1", "latest", "a b", "x" * 129]),
            "path": lambda: dice.choice(["/", "/etc", "/data/x", "/etc/passwd", "/proc/self"]),
            "signal": lambda: dice.choice(["TERM", "SIGUSR1", "9", "0", "-1", "RTMIN+3", "nope"]),
            "ps_args": lambda: dice.choice(["-ef", "aux", "-o pid,cmd", "-o pid=x", _BLANKS]),
            "condition": lambda: dice.choice(["", "not-running", "next-exit", "removed"]),
            "since": lambda: dice.choice(["0", "1h", "2020-01-01", "1700000000.5"]),
            "until": lambda: dice.choice(["0", "1h", "2020-01-01", "1700000000.5"]),
            "tail": lambda: dice.choice(["all", "0", "1", "1000000"]),
            "changes": lambda: dice.choice(["ENV a=b", "CMD echo", 'CMD ["x"', "FROM x", "USER"]),
            "platform": lambda: dice.choice(["", "", "linux/amd64", "windows", value]),
            "name": lambda: dice.choice(["", f"made-{dice.randrange(9)}", value]),
        }
        return choices[name]() if name in choices and dice.random() < 0.7 else value

    def _body(self, body: bytes, dice: random.Random, *, aimed: bool) -> bytes:
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            return body
        if aimed:
            value = season(value, self._seeds, dice)
        return json.dumps(tame(value, self._scratch)).encode()

    def _bend(self, request: Request) -> Request:
        dice = self._dice
        path, _, query = request.target.partition("?")
        headers, body = list(request.headers), request.body
        for _ in range(dice.choice([1, 1, 2])):
            match dice.randrange(5 if body is None else 9):
                case 0:
                    query = dice.choice([query + "&", ""]) + dice.choice(_ODD_QUERIES)
                case 1:
                    parts = path.split("/")
                    odd = dice.choice(_ODD_NAMES)
                    parts[dice.randrange(1, len(parts))] = target(odd, [])
                    path = "/".join(parts)
                case 2:
                    odd_header = dice.choice(_ODD_HEADERS)
                    headers = [pair for pair in headers if pair[0] != odd_header[0]]
                    headers.append(odd_header)
                case 3:
                    path = f"/{dice.choice(_ODD_VERSIONS)}{path}"
                case 4:
                    query = query.replace("=", "=" + target(dice.choice(_STRINGS[:40]), []), 1)
                case 5:
                    headers = [pair for pair in headers if pair[0] != "Content-Type"]
                    headers.append(dice.choice(_ODD_HEADERS[:5]))
                case _:
                    body = self._bend_body(body or b"", dice)
        if any(name == "Expect" and value == "100-continue" for name, value in headers):
            body = body or b"{}"
        query = _WAITING.sub("t=0", f"?{query}" if query else "")
        return Request(request.method, path + query, body, tuple(headers))

    def _bend_body(self, body: bytes, dice: random.Random) -> bytes:
        match dice.randrange(7):
            case 0:
                return body[: dice.randrange(len(body) + 1)]
            case 1 if body:
                at = dice.randrange(len(body))
                return body[:at] + bytes([body[at] ^ (1 << dice.randrange(8))]) + body[at + 1 :]
            case 2:
                return dice.choice([b"[" * 100_000, b'{"HostConfig":' * 3000, b'{"a":1}{"b":2}'])
            case 3:
                return dice.choice(
                    [b"null", b"[]", b'""', b"0", b"\xff\xfe{}", b"\xef\xbb\xbf{}", b""]
                )
            case 4:
                return body + dice.choice([b"x", b"\0", b" ", b"{}", b"\n\n"])
            case _:
                return self._replace_a_leaf(body, dice)

    def _replace_a_leaf(self, body: bytes, dice: random.Random) -> bytes:
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            return body
        leaves = list(_leaves(value))
        if not leaves:
            return body
        holder, key = dice.choice(leaves)
        holder[key] = dice.choice(
            [dice.choice(_NUMBERS), dice.choice(_STRINGS), [], {}, None, True, [[]], {"": {}}]
        )
        return json.dumps(tame(value, self._scratch)).encode()


def _leaves(value: Any) -> Iterator[tuple[Any, Any]]:
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, item in items:
        yield value, key
        yield from _leaves(item)


def _without_unknown_members(description: dict[str, Any]) -> dict[str, Any]:
    """The same, but generating nothing that would only be ignored."""
    strict = copy.deepcopy(description)
    for schema in strict["components"]["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return strict


def _printable(headers: list[tuple[str, Any]]) -> tuple[tuple[str, str], ...]:
    """Without what would end a header: those are tried elsewhere."""
    return tuple(
        (name, "".join(char for char in str(value) if char not in "\r\n\0"))
        for name, value in headers
    )
