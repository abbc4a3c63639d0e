"""The road in words: for each step its lane, the function of moby's that it is, and what it does.

Names of steps are those that dockerd's own spans have, where it has any, and else the names of
moby's functions (`daemon.Cleanup`). Paths are those of moby 28.5, and for the command those of
docker/cli. Demo, `--trace` and docs/moby-map.md are made from this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LANES: Final = ("cli", "api", "engine", "containerd", "shim", "kernel")
"""Who does something, from the user down."""

_CLI: Final = "docker/cli cli/command/"
_ROUTES: Final = "api/server/router/container/container_routes.go#"
_IMAGES: Final = "api/server/router/image/image_routes.go#"
_REMOTE: Final = "libcontainerd/remote/client.go#"


@dataclass(frozen=True, slots=True)
class Stop:
    """One kind of step. `ours` is `module:function`, `moby` is `file#function` or empty."""

    lane: str
    ours: str
    moby: str
    says: str
    differs: str = ""
    """Where and why ours does it otherwise."""
    part: bool = False
    """The step has a name of ours, as it is only a part of moby's function."""


_API: Final = "runner.api."
_ENGINE: Final = "runner.engine."

ROAD: Final[dict[str, Stop]] = {
    # --- the command -------------------------------------------------------------------------
    "runner run": Stop(
        "cli",
        "runner.cli.container.run:run",
        f"{_CLI}container/run.go#runRun",
        "Flags become a request. The command creates, attaches, waits, and only then starts.",
    ),
    "runner create": Stop(
        "cli",
        "runner.cli.container.create:run",
        f"{_CLI}container/create.go#runCreate",
        "Flags become a request.",
    ),
    "runner start": Stop(
        "cli",
        "runner.cli.container.start:run",
        f"{_CLI}container/start.go#RunStart",
        "Starts containers that are there.",
    ),
    "runner stop": Stop(
        "cli",
        "runner.cli.container.stop:run",
        f"{_CLI}container/stop.go#runStop",
        "Asks for an end, and has it enforced when it does not come.",
    ),
    "runner rm": Stop(
        "cli",
        "runner.cli.container.remove:run",
        f"{_CLI}container/rm.go#runRm",
        "Removes containers.",
    ),
    "runner wait": Stop(
        "cli",
        "runner.cli.container.wait:run",
        f"{_CLI}container/wait.go#runWait",
        "Waits for containers to end, and prints their exit codes.",
    ),
    # --- the API -----------------------------------------------------------------------------
    "POST /containers/create": Stop(
        "api",
        f"{_API}containers:create",
        f"{_ROUTES}postContainersCreate",
        "The body is decoded, and adapted to the API version that the client speaks.",
    ),
    "POST /containers/{name}/start": Stop(
        "api",
        f"{_API}containers:start",
        f"{_ROUTES}postContainersStart",
        "The answer comes once the process runs, or says why it does not.",
    ),
    "POST /containers/{name}/attach": Stop(
        "api",
        f"{_API}streams:attach",
        f"{_ROUTES}postContainersAttach",
        "The connection stops being HTTP and becomes the container's standard streams.",
    ),
    "POST /containers/{name}/wait": Stop(
        "api",
        f"{_API}streams:wait",
        f"{_ROUTES}postContainersWait",
        "Its header is sent as soon as the wait is registered: whoever has it can start the"
        " container and misses no exit.",
    ),
    "POST /containers/{name}/stop": Stop(
        "api",
        f"{_API}containers:stop",
        f"{_ROUTES}postContainersStop",
        "Signal, patience, SIGKILL.",
    ),
    "DELETE /containers/{name}": Stop(
        "api",
        f"{_API}containers:remove",
        f"{_ROUTES}deleteContainers",
        "Removes the container.",
    ),
    "GET /containers/{name}/json": Stop(
        "api",
        f"{_API}containers:inspect",
        f"{_ROUTES.replace('container_routes', 'inspect')}getContainersByName",
        "Tells everything about one container.",
    ),
    "POST /images/create": Stop(
        "api",
        f"{_API}images:create",
        f"{_IMAGES}postImagesCreate",
        "A pull: the engine fetches from the registry, its progress is streamed to the client.",
    ),
    # --- create ------------------------------------------------------------------------------
    "daemon.containerCreate": Stop(
        "engine",
        f"{_ENGINE}create:container_create",
        "daemon/create.go#containerCreate",
        "Verifies the settings, finds the image, takes the name, makes the writable layer, and"
        " writes the record. Nothing runs yet, and containerd knows of no container.",
    ),
    "ImageService.GetImage": Stop(
        "engine",
        "runner.image.store:ImageStore.get",
        "daemon/containerd/image.go#GetImage",
        "Looks the image up in containerd. The engine never pulls: a missing image is a 404, and"
        " the client's to mend.",
    ),
    "ImageService.CreateLayer": Stop(
        "engine",
        f"{_ENGINE}create:_create_layer",
        "daemon/containerd/image_snapshot.go#CreateLayer",
        "A writable snapshot on top of the image's layers.",
    ),
    "ImageService.CreateLayerFromImage": Stop(
        "engine",
        f"{_ENGINE}image_mounts:create",
        "daemon/containerd/image_snapshot.go#CreateLayerFromImage",
        "A snapshot on top of the layers of an image that the container mounts.",
    ),
    "daemon.prepareInitLayer": Stop(
        "engine",
        f"{_ENGINE}init_layer:ensure",
        "daemon/containerd/image_snapshot.go#prepareInitLayer",
        "The thin layer with the places that runc mounts upon.",
        "Containers of one image share it; dockerd makes one for each.",
    ),
    "container.CheckpointTo": Stop(
        "engine",
        f"{_ENGINE}containers:Containers.checkpoint",
        "container/container.go#CheckpointTo",
        "The record is written down before anybody is told of the change.",
        "Into SQLite, in one transaction; dockerd writes config.v2.json and hostconfig.json.",
    ),
    # --- start -------------------------------------------------------------------------------
    "daemon.containerStart": Stop(
        "engine",
        f"{_ENGINE}start:container_start",
        "daemon/start.go#containerStart",
        "The heart of it. Under the container's lock: root file system, network namespace, OCI"
        " specification, containerd's container, its task, the process.",
    ),
    "daemon.conditionalMountOnStart": Stop(
        "engine",
        f"{_ENGINE}rootfs:mount",
        "daemon/daemon_unix.go#conditionalMountOnStart",
        "Asks containerd how the snapshot is mounted, and mounts it.",
    ),
    "mount": Stop(
        "kernel",
        "runner.containerd.mounted:mount_all_in_thread",
        "daemon/containerd/image_snapshot.go#Mount",
        "mount(2): the image's layers below, the container's own on top.",
        part=True,
    ),
    "libnetwork.NewSandbox": Stop(
        "kernel",
        "runner.network.controller:NetworkController.new_sandbox",
        "libnetwork/controller.go#NewSandbox",
        "A new network namespace, held by a file that it is mounted on.",
    ),
    "daemon.setupMounts": Stop(
        "engine",
        f"{_ENGINE}mounts:prepare",
        "daemon/volumes_unix.go#setupMounts",
        "Volumes and bind mounts as the specification will name them.",
    ),
    "daemon.createSpec": Stop(
        "engine",
        f"{_ENGINE}spec:create_spec",
        "daemon/oci_linux.go#createSpec",
        "All settings become one document, the OCI runtime specification. containerd passes it"
        " on unread; runc does what it says.",
    ),
    "libcontainerd.ReplaceContainer": Stop(
        "engine",
        f"{_ENGINE}replace:replace_container",
        "libcontainerd/replace.go#ReplaceContainer",
        "Creates containerd's container. When one of this ID is there, an earlier run was not"
        " swept up: it is removed, and Create is tried once more, exactly once.",
    ),
    "libcontainerd.remote.NewContainer": Stop(
        "engine",
        f"{_ENGINE}replace:replace_container",
        f"{_REMOTE}NewContainer",
        "One attempt at Containers.Create.",
    ),
    "libcontainerd.deleteStale": Stop(
        "engine",
        f"{_ENGINE}replace:_delete_stale",
        "libcontainerd/replace.go#ReplaceContainer",
        "Kills and deletes the stale task, then the stale container.",
        part=True,
    ),
    "libcontainerd.remote.NewTask": Stop(
        "engine",
        f"{_ENGINE}task:create_task",
        f"{_REMOTE}NewTask",
        "Tasks.Create: containerd starts a shim, the shim runs `runc create`. A program that is"
        " not there or may not be run is found out here.",
    ),
    "daemon.allocateNetwork": Stop(
        "engine",
        f"{_ENGINE}networking:allocate_network",
        "daemon/container_operations.go#allocateNetwork",
        "Puts the sandbox on the container's networks.",
        "Beside Tasks.Create, where dockerd does it after: both must be there before Start.",
    ),
    "daemon.connectToNetwork": Stop(
        "kernel",
        f"{_ENGINE}networking:allocate_network",
        "daemon/container_operations.go#connectToNetwork",
        "An address, a veth pair between bridge and namespace, a default route, by netlink.",
    ),
    "libcontainerd.remote.task.Start": Stop(
        "engine",
        f"{_ENGINE}start:container_start",
        f"{_REMOTE}Start",
        "Tasks.Start: `runc init` has waited for this, and becomes the user's program.",
    ),
    "containerd-shim-runc-v2": Stop(
        "shim",
        f"{_ENGINE}observe:created",
        "",
        "containerd's shim: the parent of the container's process. It holds the streams and keeps"
        " the exit code; neither containerd nor the engine has to live for that.",
    ),
    "runc create": Stop(
        "shim",
        f"{_ENGINE}observe:created",
        "",
        "runc makes namespaces and cgroup and stops just before the user's program.",
    ),
    "execve": Stop(
        "kernel",
        f"{_ENGINE}observe:started",
        "",
        "The same process, now the user's program.",
    ),
    # --- the end -----------------------------------------------------------------------------
    "daemon.handleContainerExit": Stop(
        "engine",
        f"{_ENGINE}monitor:handle_container_exit",
        "daemon/monitor.go#handleContainerExit",
        "The exit is written down and told; the restart policy has its say.",
        "Told first, swept up later: dockerd tears down network and task before it tells.",
    ),
    "restartmanager.wait": Stop(
        "engine",
        f"{_ENGINE}restart_manager:RestartManager.back_off",
        "restartmanager/restartmanager.go#ShouldRestart",
        "The pause before the next start: 100 ms at first, doubled each time.",
        part=True,
    ),
    "daemon.Cleanup": Stop(
        "engine",
        f"{_ENGINE}cleanup:cleanup",
        "daemon/start.go#Cleanup",
        "Gives back all that the run has taken: task, container, network, mounts, FIFOs.",
    ),
    "libcontainerd.Delete": Stop(
        "engine",
        f"{_ENGINE}cleanup:delete_from_containerd",
        f"{_REMOTE}Delete",
        "Undoes in containerd what the start had made there: the task, then the container.",
    ),
    "daemon.releaseNetwork": Stop(
        "engine",
        f"{_ENGINE}networking:release_network",
        "daemon/container_operations.go#releaseNetwork",
        "Takes the container off its networks; its addresses and ports are free again.",
    ),
    "libnetwork.Sandbox.Delete": Stop(
        "kernel",
        "runner.network.controller:NetworkController.delete_sandbox",
        "libnetwork/sandbox.go#Delete",
        "The network namespace goes, and with it the veth pair.",
    ),
    "umount": Stop(
        "kernel",
        f"{_ENGINE}cleanup:release_files",
        "daemon/daemon_unix.go#conditionalUnmountOnCleanup",
        "umount(2): the container's root is no longer mounted on the host.",
        part=True,
    ),
    "daemon.cleanupContainer": Stop(
        "engine",
        f"{_ENGINE}remove:container_rm",
        "daemon/delete.go#cleanupContainer",
        "The record becomes a leftover in one commit: the name is free, the removal cannot be"
        " forgotten.",
        "dockerd answers when everything is gone; here the rest is swept up afterwards.",
    ),
    "daemon.ReleaseLayer": Stop(
        "engine",
        f"{_ENGINE}leftovers:remove_physically",
        "daemon/containerd/image_snapshot.go#ReleaseLayer",
        "The writable layer goes.",
    ),
    "daemon.killWithSignal": Stop(
        "engine",
        f"{_ENGINE}kill:kill_with_signal",
        "daemon/kill.go#killWithSignal",
        "A signal, by way of containerd and the shim.",
    ),
    # --- after a crash -----------------------------------------------------------------------
    "daemon.restore": Stop(
        "engine",
        f"{_ENGINE}restore:restore",
        "daemon/daemon.go#restore",
        "What the records say is held against what containerd says, container by container.",
    ),
    "daemon.restoreContainer": Stop(
        "engine",
        f"{_ENGINE}restore:restore",
        "daemon/daemon.go#restore",
        "A container that still runs is taken up again: streams, log, exit.",
        part=True,
    ),
    # --- beside the road ---------------------------------------------------------------------
    "daemon.ContainerExecStart": Stop(
        "engine",
        f"{_ENGINE}exec_run:start",
        "daemon/exec.go#ContainerExecStart",
        "One more process in a container that runs.",
    ),
    "daemon.CreateImageFromContainer": Stop(
        "engine",
        f"{_ENGINE}commit:create_image_from_container",
        "daemon/commit.go#CreateImageFromContainer",
        "The container's changes become a layer, and an image with it.",
    ),
    "daemon.ContainerChanges": Stop(
        "engine",
        f"{_ENGINE}changes:container_changes",
        "daemon/changes.go#ContainerChanges",
        "What the container has changed in its files.",
    ),
    "daemon.containerExport": Stop(
        "engine",
        f"{_ENGINE}export:container_export",
        "daemon/export.go#containerExport",
        "All files of the container, as an archive.",
    ),
    "daemon.containerArchivePath": Stop(
        "engine",
        f"{_ENGINE}archive:container_archive_path",
        "daemon/archive_unix.go#containerArchivePath",
        "Files out of the container.",
    ),
    "daemon.containerExtractToDir": Stop(
        "engine",
        f"{_ENGINE}archive:container_extract_to_dir",
        "daemon/archive_unix.go#containerExtractToDir",
        "Files into the container.",
    ),
    "image.resolve": Stop(
        "engine",
        "runner.image.pull:pull",
        "daemon/containerd/image_pull.go#pullTag",
        "Asks the registry which manifest the tag means.",
        part=True,
    ),
    "image.fetch_layer": Stop(
        "engine",
        "runner.image.fetch:Fetcher",
        "daemon/containerd/image_pull.go#pullTag",
        "A blob from the registry into containerd's content store.",
        part=True,
    ),
    "image.unpack_layer": Stop(
        "engine",
        "runner.image.unpack:Unpacker",
        "daemon/containerd/image_pull.go#pullTag",
        "The layer is unpacked into a snapshot, by containerd's differ.",
        part=True,
    ),
}

SECTIONS: Final[dict[str, str]] = {
    "runner run": "The command",
    "POST /containers/create": "The API",
    "daemon.containerCreate": "Create",
    "daemon.containerStart": "Start",
    "daemon.handleContainerExit": "The end",
    "daemon.restore": "After a crash",
    "daemon.ContainerExecStart": "Beside the road",
    "image.resolve": "A pull",
}
"""What a part of the road is called, by the step that it begins with."""

ROLES: Final = {"undo": "↩ undone", "retry": "↻ once more", "restart": "↻ restarted"}
"""How it is said that a step is there because of another one's end (page/model.js has the same)."""

RPCS: Final[dict[str, str]] = {
    "containers.v1.Containers/Create": "containerd keeps the specification, with runtime and"
    " snapshot: a record, nothing runs.",
    "containers.v1.Containers/Get": "Reads the record.",
    "containers.v1.Containers/Delete": "Deletes the record.",
    "tasks.v1.Tasks/Create": "containerd starts a shim for the container, and the shim `runc"
    " create`.",
    "tasks.v1.Tasks/Start": "The shim runs `runc start`, which lets `runc init` go on.",
    "tasks.v1.Tasks/Wait": "Open until the process ends; the answer is its exit code.",
    "tasks.v1.Tasks/Get": "How the process is, as the shim sees it.",
    "tasks.v1.Tasks/Kill": "A signal to the process.",
    "tasks.v1.Tasks/Delete": "The ended task goes, and its shim with it.",
    "snapshots.v1.Snapshots/Prepare": "A writable snapshot on top of another.",
    "snapshots.v1.Snapshots/Mounts": "How the snapshot is to be mounted.",
    "snapshots.v1.Snapshots/Remove": "The snapshot and what was written to it go.",
    "images.v1.Images/Get": "Which manifest the name stands for.",
}
"""What containerd does for a call, by the call's name."""

_RPC_PREFIX: Final = "containerd.services."


def stop_of(span: Mapping[str, Any]) -> Stop:
    """What is known of a step by its name; at least its lane."""
    name, kind = span["name"], span["attributes"].get("kind", "")
    if lane := span["attributes"].get("lane"):  # done for a demo, past command and engine
        return Stop(lane, "", "", span["attributes"].get("says", ""))
    if name.startswith(_RPC_PREFIX):
        says = RPCS.get(name.removeprefix(_RPC_PREFIX), "A call of containerd's.")
        return Stop("containerd", "", "", says)
    if (known := ROAD.get(name)) and (known.lane != "api" or kind == "server"):
        return known
    if kind == "client" or name.startswith(("runner ", "demo ")):
        return Stop("cli", "", "", "A request to the engine." if kind else "The command.")
    return Stop("api" if kind == "server" else "engine", "", "", "")


def short_name(name: str) -> str:
    """`Tasks/Create` of `containerd.services.tasks.v1.Tasks/Create`; other names as they are."""
    return name.rpartition(".")[2] if name.startswith(_RPC_PREFIX) else name


def described(step: Mapping[str, Any]) -> dict[str, Any]:
    """The step with what is known of its kind: lane, moby's function, words."""
    stop = stop_of(step)
    return {
        **step,
        "stop": {"lane": stop.lane, "moby": stop.moby, "says": stop.says, "differs": stop.differs},
    }
