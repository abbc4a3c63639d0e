"""`runner serve`: the engine behind its API, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import resource
import signal
import sys
from ipaddress import IPv4Interface
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.api import logsetup
from runner.api.app import make_app
from runner.api.debugtrap import dump_stacks
from runner.api.metrics import listen_for_metrics, serving_metrics
from runner.api.notify import sd_notify
from runner.api.server import DEFAULT_GROUP, DEFAULT_HOST, listen, serving
from runner.api.tcp import Access, TLSFiles, warnings_of
from runner.engine.config import EngineConfig
from runner.engine.engine import Engine
from runner.trace.file import writing_steps
from runner.trace.otlp import exporting
from runner.trace.recordings import Recordings
from runner.types.container import LogConfig
from runner.types.errors import Forbidden, RunnerError, System

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

log = logging.getLogger("runner.api.serve")  # not __main__

_DEFAULTS: Final = EngineConfig()
_COLLECTING: Final = 20.0
"""Seconds from one garbage collection to the next."""
_UMASK: Final = 0o022
"""Whatever the caller's: what is made for containers' users they must be able to use, and nobody
else may write (moby setDefaultUmask)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit code; 1 with a sentence on stderr if it
    cannot serve."""
    options = _parser().parse_args(arguments)
    logsetup.set_up_logging(options.log_level, options.log_format)
    _raise_file_limit()
    os.umask(_UMASK)
    try:
        _require_root()
        asyncio.run(_serve(options))
    except RunnerError as error:
        print(f"runner: {error}", file=sys.stderr)  # noqa: T201 - said to whoever started us
        return 1
    return 0


def _require_root() -> None:
    """Mounts, namespaces and containerd's socket are root's."""
    if os.geteuid() != 0:
        raise Forbidden("the engine needs root: start it with sudo")


def _raise_file_limit() -> None:
    """A container takes three or four descriptors, and shells give a thousand."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _serve(options: argparse.Namespace) -> None:
    """Sockets first, so that nobody is turned away while the engine restores its containers."""
    stopping = _stop_signals()
    with (
        _pidfile(options.pidfile),
        _trace_file(os.environ.get("RUNNER_TRACE_FILE")),
        contextlib.ExitStack() as sockets,
    ):
        hosts, access = options.host or [DEFAULT_HOST], _access(options)
        listeners = listen(hosts, group=options.group, access=access)
        for listener in listeners:
            sockets.callback(listener.close)
        for_metrics = None
        if options.metrics_addr:
            for_metrics = listen_for_metrics(options.metrics_addr, group=options.group)
            sockets.callback(for_metrics.close)
        config = _engine_config(options, tuple(warnings_of(hosts, access)))
        engine = Engine(config, Recordings(sockets.enter_context(exporting())))
        asyncio.get_running_loop().add_signal_handler(
            signal.SIGUSR1, dump_stacks, engine.config.exec_root
        )
        gc.freeze()
        await engine.open()
        collecting = asyncio.create_task(_collect_garbage())
        try:
            async with (
                serving_metrics(engine.metrics, for_metrics),
                serving(make_app(engine), listeners),
            ):
                log.info("API listening on %s", ", ".join(hosts))
                sd_notify("READY=1")
                await stopping.wait()
                fate = "go on running" if options.live_restore else "are stopped too"
                log.info("stopping; containers %s", fate)
                sd_notify("STOPPING=1")
        finally:
            collecting.cancel()
            await engine.close()


async def _collect_garbage() -> None:
    """Have a full collection every now and then, which is short: all modules were there before any
    container was, and are left out (gc.freeze).

    By itself Python waits for thousands of new objects. Errors about a request of 200 kB that was
    none are few, but large, and refer to themselves.
    """
    while True:
        await asyncio.sleep(_COLLECTING)
        gc.collect()


def _stop_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


@contextlib.contextmanager
def _pidfile(path: Path | None) -> Iterator[None]:
    if path is None:
        yield
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(os.getpid()))
    except OSError as err:
        raise System(f"cannot write the PID file {path}: {err.strerror}") from err
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _trace_file(path: str | None) -> Iterator[None]:
    """Append the engine's steps to a file, for those who measure."""
    if not path:
        yield
        return
    try:
        # not buffered: what has ended can be read at once, and survives a killed engine
        file = open(path, "ab", buffering=0)  # noqa: SIM115 - closed below
    except OSError as err:
        raise System(f"cannot write the trace to {path}: {err.strerror}") from err
    with file, writing_steps(file):
        yield


def _access(options: argparse.Namespace) -> Access:
    """--tlsverify implies --tls, which verifies unless told not to; so do the files, given alone
    (moby setDefaultOptions, checkTLSAuthOK)."""
    files = (options.tlscert, options.tlskey, options.tlscacert)
    verify, wanted = options.tlsverify, options.tls
    if verify is None and wanted is None:
        verify = bool(os.environ.get("RUNNER_TLS_VERIFY")) or any(files) or None
    if verify is None and not wanted:
        return Access(meant=wanted is False)
    folder = Path(os.environ.get("RUNNER_CERT_PATH") or Path("~/.runner").expanduser())
    certificate, key, authority = (
        given or folder / name
        for given, name in zip(files, ("cert.pem", "key.pem", "ca.pem"), strict=True)
    )
    tls = TLSFiles(certificate, key, authority if verify in (None, True) else None)
    return Access(tls, meant=verify is False)


def _engine_config(options: argparse.Namespace, warnings: tuple[str, ...]) -> EngineConfig:
    return EngineConfig(
        data_root=options.data_root.resolve(),  # as the kernel shows what is mounted there
        exec_root=options.exec_root.resolve(),
        containerd=options.containerd,
        containerd_namespace=options.containerd_namespace,
        snapshotter=options.snapshotter,
        bridge=options.bridge,
        bip=options.bip,
        ip_forward_no_drop=options.ip_forward_no_drop,
        default_runtime=options.default_runtime,
        cgroup_parent=options.cgroup_parent,
        live_restore=options.live_restore,
        traceparent=os.environ.get("TRACEPARENT", ""),
        shutdown_timeout=options.shutdown_timeout,
        certs_dirs=tuple(options.certs_dir) or _DEFAULTS.certs_dirs,
        api_warnings=warnings,
        log_config=LogConfig(
            type=options.log_driver,
            config=dict(_key_and_value(option) for option in options.log_opt),
        ),
    )


def _key_and_value(option: str) -> tuple[str, str]:
    key, _, value = option.partition("=")
    return key, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="runner serve", description="Serve the Engine API.")
    add = parser.add_argument
    add("--host", "-H", action="append", help=f"where to listen (default {DEFAULT_HOST})")
    add("--group", default=DEFAULT_GROUP, help="group of the Unix socket")
    add("--data-root", type=Path, default=_DEFAULTS.data_root, help="what survives a reboot")
    add("--exec-root", type=Path, default=_DEFAULTS.exec_root, help="what need not")
    add("--containerd", metavar="ADDRESS", help="containerd's socket (default: the host's)")
    add("--containerd-namespace", default=_DEFAULTS.containerd_namespace)
    add("--snapshotter", default="", help="containerd's (default: overlayfs, else native)")
    add("--bridge", default=_DEFAULTS.bridge, help="name of the default bridge")
    add("--bip", type=IPv4Interface, metavar="CIDR", help="address of the default bridge")
    add(
        "--ip-forward-no-drop",
        action="store_true",
        help="leave FORWARD's policy alone when enabling IPv4 forwarding",
    )
    add("--default-runtime", default=_DEFAULTS.default_runtime)
    add("--cgroup-parent", default="", help="of containers that name none (default /runner)")
    add("--no-live-restore", dest="live_restore", action="store_false", help="stop containers too")
    add("--shutdown-timeout", type=float, default=_DEFAULTS.shutdown_timeout, metavar="SECONDS")
    add(
        "--certs-dir",
        type=Path,
        action="append",
        default=[],
        help="registries' hosts.toml and certificates (default: Docker's and containerd's)",
    )
    add("--log-driver", default="json-file", help="log driver of containers that name none")
    add("--log-opt", action="append", default=[], metavar="KEY=VALUE", help="option of that driver")
    add("--pidfile", type=Path)
    add("--metrics-addr", metavar="ADDRESS", help="where to serve metrics (HOST:PORT, unix://PATH)")
    add("--tls", action=argparse.BooleanOptionalAction, help="TLS on TCP addresses")
    add("--tlsverify", action=argparse.BooleanOptionalAction, help="and verify the clients")
    add("--tlscacert", type=Path, help="authority that clients' certificates must come from")
    add("--tlscert", type=Path)
    add("--tlskey", type=Path)
    add("--log-level", choices=sorted(logsetup.LEVELS), default="info")
    add("--log-format", choices=("text", "json"), default="text")
    return parser


if __name__ == "__main__":
    sys.exit(main())
