"""What the routes take and answer, as far as neither their table nor the types say it.

A unit test holds that every route is here, and nothing that is none.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from runner.api.description.operation import (
    BYTES,
    JSON,
    TAR,
    TEXT,
    Content,
    Operation,
    Parameter,
    choice,
    filters,
    flag,
    header,
    integer,
    json_of,
    json_text,
    messages_of,
    text,
    texts,
)
from runner.api.hijack import MULTIPLEXED_STREAM, RAW_STREAM
from runner.api.traces import ClientStep
from runner.types import container, events, exec, image, network, stats, system, volume  # noqa: A004

_CONTAINERS: Final = "/containers/{name:.*}"
_IMAGES: Final = "/images/{name:.*}"
_NETWORKS: Final = "/networks/{name:.*}"
_VOLUMES: Final = "/volumes/{name:.*}"
_EXECS: Final = "/exec/{name:.*}"
_TRACES: Final = "/runner/traces/{name:[0-9a-f]+}"

_DONE: Final[dict[int, Content | None]] = {204: None}
_EMPTY: Final[dict[int, Content | None]] = {200: None}
_ARCHIVE: Final[dict[int, Content | None]] = {200: Content((TAR,))}
_OUTPUT: Final = Content(
    (RAW_STREAM, MULTIPLEXED_STREAM),
    meaning="Output as it comes; framed with stream and length unless it is a terminal's.",
)
_RAW: Final = Content((RAW_STREAM, MULTIPLEXED_STREAM), meaning="The connection is a raw stream.")
_PROGRESS: Final[dict[int, Content | None]] = {200: messages_of(image.ProgressMessage)}
_IDENTIFIED: Final = json_of(container.CreateResponse)

_CREDENTIALS: Final = header("X-Registry-Auth", "Credentials, JSON in URL-safe base64.")
_STREAMS: Final = (flag("stdin"), flag("stdout"), flag("stderr"), flag("stream"), flag("logs"))
_DETACH_KEYS: Final = text("detachKeys", "`ctrl-p,ctrl-q` and the like.")
_SIZE: Final = (
    integer("h", "Lines.", minimum=0, maximum=2**32 - 1),
    integer("w", "Columns.", minimum=0, maximum=2**32 - 1),
)
_STOP: Final = (text("signal"), integer("t", "Seconds before it is killed; -1 waits for ever."))
_PATH: Final = text("path", "In the container.", required=True)
_PLATFORM: Final = text("platform", "`os/architecture/variant`.")
_OCI_PLATFORM: Final = msgspec.json.schema(image.Platform)["$defs"]["Platform"]
_PLATFORM_JSON: Final = json_text("platform", _OCI_PLATFORM, "An OCI platform.")
_PLATFORMS_JSON: Final = texts("platforms", "OCI platforms, each as JSON.")
_SINCE_UNTIL: Final = (
    text("since", "Seconds of Unix, a duration, or RFC 3339."),
    text("until", "The same."),
)
_CHANGES: Final = texts("changes", "Instructions of a Dockerfile's.")
_TAG: Final = (text("repo"), text("tag"))
_MAP: Final = dict[str, str]

_SYSTEM: Final = {
    ("GET", "/_ping"): Operation({200: Content((TEXT,))}),
    ("HEAD", "/_ping"): Operation({200: Content((TEXT,))}),
    ("GET", "/version"): Operation({200: json_of(system.Version)}),
    ("GET", "/info"): Operation({200: json_of(system.Info)}),
    ("OPTIONS", "/{anyroute:.*}"): Operation(_EMPTY),
    ("GET", "/events"): Operation(
        {200: messages_of(events.EventMessage)},
        (
            *_SINCE_UNTIL,
            filters(
                *("config", "container", "daemon", "event", "image", "label", "network"),
                *("node", "plugin", "scope", "secret", "service", "type", "volume"),
            ),
        ),
    ),
    ("GET", "/system/df"): Operation(
        {200: json_of(system.DiskUsage)},
        (
            Parameter(
                "type",
                {
                    "type": "array",
                    "items": {"enum": ["container", "image", "volume", "build-cache"]},
                },
                "What to look at; all when none is given.",
            ),
        ),
    ),
    ("GET", "/runner/openapi.json"): Operation({200: json_of(dict[str, Any])}),
    ("GET", _TRACES): Operation(
        {200: Content((JSON, "application/x-ndjson"), dict[str, Any])},
        (flag("follow", "A line for each step, as they come."), choice("wait", "0", "1")),
        failures=(404,),
    ),
    ("POST", _TRACES): Operation(_DONE, body=json_of(list[ClientStep])),
}

_CONTAINER: Final = {
    ("POST", "/containers/create"): Operation(
        {201: _IDENTIFIED},
        (text("name"), _PLATFORM),
        json_of(container.CreateRequest),
        (404, 409, 501),
    ),
    ("GET", "/containers/json"): Operation(
        {200: json_of(list[container.Summary])},
        (
            flag("all"),
            integer("limit"),
            flag("size"),
            filters(
                *("ancestor", "before", "exited", "expose", "health", "id", "is-task", "isolation"),
                *("label", "name", "network", "publish", "since", "status", "volume"),
            ),
        ),
        failures=(404,),
    ),
    ("GET", f"{_CONTAINERS}/json"): Operation(
        {200: json_of(container.InspectResponse)}, (flag("size"),), failures=(404,)
    ),
    ("POST", f"{_CONTAINERS}/start"): Operation(
        _DONE | {304: None}, (text("checkpoint"),), failures=(404, 409)
    ),
    ("POST", f"{_CONTAINERS}/stop"): Operation(_DONE | {304: None}, _STOP, failures=(404, 409)),
    ("POST", f"{_CONTAINERS}/restart"): Operation(_DONE, _STOP, failures=(404, 409)),
    ("POST", f"{_CONTAINERS}/pause"): Operation(_DONE, failures=(404, 409)),
    ("POST", f"{_CONTAINERS}/unpause"): Operation(_DONE, failures=(404, 409)),
    ("POST", f"{_CONTAINERS}/kill"): Operation(_DONE, (text("signal"),), failures=(404, 409)),
    ("POST", f"{_CONTAINERS}/resize"): Operation(_EMPTY, _SIZE, failures=(404, 409)),
    ("POST", f"{_CONTAINERS}/rename"): Operation(
        _DONE, (text("name", required=True),), failures=(404, 409)
    ),
    ("POST", f"{_CONTAINERS}/update"): Operation(
        {200: json_of(container.UpdateResponse)},
        body=json_of(container.HostConfig, "Of this only the limits and the restart policy count."),
        failures=(404, 409, 501),
    ),
    ("DELETE", _CONTAINERS): Operation(
        _DONE, (flag("force"), flag("v"), flag("link")), failures=(404, 409, 501)
    ),
    ("POST", f"{_CONTAINERS}/attach"): Operation(
        {101: None, 200: _RAW}, (*_STREAMS, _DETACH_KEYS), failures=(404, 409)
    ),
    ("POST", f"{_CONTAINERS}/wait"): Operation(
        {200: json_of(container.WaitResponse)},
        (choice("condition", "not-running", "next-exit", "removed"),),
        failures=(404,),
    ),
    ("GET", f"{_CONTAINERS}/logs"): Operation(
        {200: _OUTPUT},
        (
            *(flag("stdout"), flag("stderr"), flag("follow"), flag("timestamps"), flag("details")),
            *_SINCE_UNTIL,
            text("tail", "Lines from the end, or `all`."),
        ),
        failures=(404, 409, 501),
    ),
    ("GET", f"{_CONTAINERS}/bundle"): Operation(_ARCHIVE, failures=(404, 409)),
    ("GET", f"{_CONTAINERS}/top"): Operation(
        {200: json_of(container.TopResponse)}, (text("ps_args"),), failures=(404, 409)
    ),
    ("GET", f"{_CONTAINERS}/stats"): Operation(
        {200: messages_of(stats.StatsResponse)},
        (flag("stream"), flag("one-shot")),
        failures=(404, 409),
    ),
    ("GET", f"{_CONTAINERS}/changes"): Operation(
        {200: json_of(list[container.FilesystemChange] | None)}, failures=(404,)
    ),
    ("GET", f"{_CONTAINERS}/export"): Operation({200: Content((BYTES,))}, failures=(404, 409)),
    ("HEAD", f"{_CONTAINERS}/archive"): Operation(_EMPTY, (_PATH,), failures=(404,)),
    ("GET", f"{_CONTAINERS}/archive"): Operation(_ARCHIVE, (_PATH,), failures=(404,)),
    ("PUT", f"{_CONTAINERS}/archive"): Operation(
        _EMPTY,
        (_PATH, flag("copyUIDGID"), flag("noOverwriteDirNonDir")),
        Content((TAR,), meaning="A tar archive, plain or compressed."),
        (403, 404),
    ),
    ("POST", "/containers/prune"): Operation(
        {200: json_of(container.PruneReport)}, (filters("label", "label!", "until"),), None, (409,)
    ),
    ("POST", "/commit"): Operation(
        {201: json_of(_MAP)},
        (
            *(text("container", required=True), *_TAG, text("author"), text("comment")),
            *(_CHANGES, flag("pause")),
        ),
        Content((JSON,), container.Config, "What to change of its configuration.", required=False),
        (404, 409),
    ),
    ("POST", f"{_CONTAINERS}/exec"): Operation(
        {201: json_of(exec.ExecCreateResponse)}, (), json_of(exec.ExecOptions), (404, 409)
    ),
    ("POST", f"{_EXECS}/start"): Operation(
        {101: None, 200: _RAW}, (), json_of(exec.ExecStartOptions), (404, 409)
    ),
    ("POST", f"{_EXECS}/resize"): Operation(_EMPTY, _SIZE, failures=(404, 409)),
    ("GET", f"{_EXECS}/json"): Operation({200: json_of(exec.ExecInspect)}, failures=(404, 409)),
}

_IMAGE: Final = {
    ("GET", "/images/json"): Operation(
        {200: json_of(list[image.ImageSummary])},
        (
            *(flag("all"), flag("manifests"), flag("shared-size")),
            text("filter", "A reference; for clients of an API before 1.41."),
            filters("before", "dangling", "label", "label!", "reference", "since", "until"),
        ),
        failures=(404,),
    ),
    ("GET", f"{_IMAGES}/json"): Operation(
        {200: json_of(image.ImageInspect)}, (_PLATFORM_JSON, flag("manifests")), failures=(404,)
    ),
    ("GET", f"{_IMAGES}/history"): Operation(
        {200: json_of(list[image.HistoryItem])}, (_PLATFORM_JSON,), failures=(404,)
    ),
    ("POST", f"{_IMAGES}/tag"): Operation({201: None}, _TAG, failures=(404, 409)),
    ("POST", f"{_IMAGES}/push"): Operation(
        _PROGRESS,
        (text("tag"), _PLATFORM_JSON, _CREDENTIALS),
        failures=(401, 403, 404, 409, 501, 503),
    ),
    ("DELETE", _IMAGES): Operation(
        {200: json_of(list[image.ImageDeleteItem])},
        (flag("force"), flag("noprune"), _PLATFORMS_JSON),
        failures=(404, 409),
    ),
    ("POST", "/images/create"): Operation(
        _PROGRESS,
        (
            text("fromImage", "A reference, to pull."),
            text("fromSrc", "`-` or an address, to import."),
            *(*_TAG, text("message"), _CHANGES, _PLATFORM, _CREDENTIALS),
        ),
        Content((TAR,), meaning="The archive to import.", required=False),
        (401, 403, 404, 409, 501, 503),
    ),
    ("POST", "/images/load"): Operation(
        _PROGRESS,
        (_PLATFORM_JSON,),
        Content((TAR,), meaning="An archive as `docker save` makes it, or an OCI layout."),
    ),
    ("GET", "/images/get"): Operation(_ARCHIVE, (texts("names"), _PLATFORM_JSON), failures=(404,)),
    ("GET", f"{_IMAGES}/get"): Operation(_ARCHIVE, (_PLATFORM_JSON,), failures=(404,)),
    ("GET", "/images/search"): Operation(
        {200: json_of(list[image.SearchResult])},
        (
            *(text("term", required=True), integer("limit", minimum=0), _CREDENTIALS),
            filters("is-automated", "is-official", "stars"),
        ),
        failures=(401, 404, 503),
    ),
    ("POST", "/images/prune"): Operation(
        {200: json_of(image.ImagePruneReport)},
        (filters("dangling", "label", "label!", "until"),),
        failures=(409,),
    ),
    ("POST", "/auth"): Operation(
        {200: json_of(_MAP)}, body=json_of(dict[str, Any], "An AuthConfig."), failures=(401, 503)
    ),
    ("GET", "/distribution/{name:.*}/json"): Operation(
        {200: json_of(image.DistributionInspect)}, (_CREDENTIALS,), failures=(401, 403, 404, 503)
    ),
}

_LISTED_NETWORKS: Final = Operation(
    {200: json_of(list[network.NetworkResource])},
    (filters("dangling", "driver", "id", "label", "name", "scope", "type"),),
)
_NETWORK: Final = {
    ("GET", "/networks"): _LISTED_NETWORKS,
    ("GET", "/networks/"): _LISTED_NETWORKS,
    ("GET", "/networks/{name:.+}"): Operation(
        {200: json_of(network.NetworkResource)}, (flag("verbose"), text("scope")), failures=(404,)
    ),
    ("POST", "/networks/create"): Operation(
        {201: json_of(network.CreateNetworkResponse)},
        body=json_of(network.CreateNetworkRequest),
        failures=(403, 404, 409, 501),
    ),
    ("POST", f"{_NETWORKS}/connect"): Operation(
        _EMPTY, body=json_of(network.ConnectRequest), failures=(403, 404, 409, 501)
    ),
    ("POST", f"{_NETWORKS}/disconnect"): Operation(
        _EMPTY, body=json_of(network.DisconnectRequest), failures=(403, 404, 409)
    ),
    ("POST", "/networks/prune"): Operation(
        {200: json_of(network.NetworksPruneReport)},
        (filters("label", "label!", "until"),),
        failures=(409,),
    ),
    ("DELETE", _NETWORKS): Operation(_DONE, failures=(403, 404, 409)),
}

_VOLUME: Final = {
    ("GET", "/volumes"): Operation(
        {200: json_of(volume.ListResponse)}, (filters("dangling", "driver", "label", "name"),)
    ),
    ("GET", _VOLUMES): Operation({200: json_of(volume.Volume)}, failures=(404,)),
    ("POST", "/volumes/create"): Operation(
        {201: json_of(volume.Volume)},
        body=json_of(volume.CreateOptions),
        failures=(404, 409, 501, 503),
    ),
    ("PUT", _VOLUMES): Operation({503: None}),
    ("DELETE", _VOLUMES): Operation(_DONE, (flag("force"),), failures=(404, 409)),
    ("POST", "/volumes/prune"): Operation(
        {200: json_of(volume.PruneReport)}, (filters("all", "label", "label!"),), failures=(409,)
    ),
}

OPERATIONS: Final[dict[tuple[str, str], Operation]] = {
    **_SYSTEM,
    **_CONTAINER,
    **_IMAGE,
    **_NETWORK,
    **_VOLUME,
}
"""Every route's, by method and path as they stand in the table."""
