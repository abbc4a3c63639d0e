"""`--trace`: the command's road from flags to process, shown after its own output.

Also with a sampled `TRACEPARENT` in the environment the command is part of that trace; then
nothing is shown. `RUNNER_TRACE_FILE` gets the command's own steps, one JSON object a line.
"""

from __future__ import annotations

import os
import sys

from runner.cli import pflag
from runner.cli.errors import CliError, os_error
from runner.cli.outcome import printing_errors
from runner.client import jsontext, output, traces
from runner.client.tracing import Tracing
from runner.types.errors import RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from runner.cli.context import Context
    from runner.client.tracing import Document

FORMATS = ("tree", "json", "html")
_SAMPLED = 1


def _sampled(traceparent: str) -> bool:
    fields = traceparent.split("-")
    sizes = [len(field) for field in fields]
    return sizes == [2, 32, 16, 2] and fields[3].isalnum() and bool(int(fields[3], 16) & _SAMPLED)


def traced(
    context: Context, path: str, argv: list[str], options: Any, run: Callable[[], int]
) -> int:
    """Run the command with its requests traced, then show the road; the command's exit code."""
    shown = _format(options)
    traceparent = os.environ.get("TRACEPARENT", "")
    tracing = Tracing(
        f"{pflag.PROGRAM} {path}",
        argv,
        traceparent=traceparent if _sampled(traceparent) else "",
        told=_writer(os.environ.get("RUNNER_TRACE_FILE")),
    )
    context.tracing = tracing
    code = printing_errors(lambda: _noted(tracing, run))
    context.tracing = None
    tracing.root.attributes["exit_code"] = code
    tracing.root.end()
    client = context.made_client()
    if client is not None:
        client.tracing = None
    output.flush()
    if shown:
        spans = traces.collect(client, tracing) if client else tracing.documents()
        _show(spans, shown, options.trace_file or "")
    elif client is not None:
        try:  # noqa: SIM105 - contextlib is not worth its import here
            traces.send(client, tracing)
        except RunnerError:
            pass  # another engine than ours, or gone
    return code


def _noted(tracing: Tracing, run: Callable[[], int]) -> int:
    try:
        return run()
    except Exception as err:
        tracing.root.end(str(err).partition("\n")[0])
        raise


def _format(options: Any) -> str:
    """What to show, by `--trace` and by the file's name; empty for nothing. Raises CliError."""
    asked: str = getattr(options, "trace", None) or ""
    file: str = getattr(options, "trace_file", None) or ""
    if asked and asked not in FORMATS:
        raise CliError(f'invalid value "{asked}" for --trace: want {", ".join(FORMATS)}', 125)
    if not asked and file:
        ending = file.rpartition(".")[2]
        asked = ending if ending in FORMATS else "tree"
    if asked == "html" and not file:
        raise CliError("--trace=html wants a file to write to: --trace-file FILE", 125)
    return asked


def _writer(path: str | None) -> Callable[[Document], None] | None:
    if not path:
        return None
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    except OSError as err:
        raise CliError(f"cannot write the trace: {os_error(err)}") from err
    return lambda step: _write(fd, step)


def _write(fd: int, step: Document) -> None:
    os.write(fd, (jsontext.dumps(step) + "\n").encode())


def _show(spans: list[Document], shown: str, file: str) -> None:
    text = _rendered(spans, shown, to_file=bool(file))
    if not file:
        sys.stdout.flush()
        sys.stderr.write(text)
        return
    try:
        with open(file, "w", encoding="utf-8") as target:
            target.write(text)
    except OSError as err:
        raise CliError(f"cannot write the trace: {os_error(err)}") from err


def _rendered(spans: list[Document], shown: str, *, to_file: bool) -> str:
    if shown == "json":
        trace_id = spans[0]["trace_id"] if spans else ""
        return jsontext.indent({"trace_id": trace_id, "spans": spans}) + "\n"
    if shown == "html":
        from runner.trace import page

        return page.render(spans)
    from runner.trace import tree

    if to_file:
        return tree.render(spans)
    return tree.render(spans, colours=_has_colours(), width=tree.columns(2))


def _has_colours() -> bool:
    return os.isatty(2) and "NO_COLOR" not in os.environ
