"""A container in the foreground: attached, waited for, started, signalled, resized.

The order is what keeps anything from being lost: the streams are attached and the wait is
registered before the start; from then on one loop serves the start's answer, the streams, the
exit, the signals and the terminal's size, whichever comes first.
"""

from __future__ import annotations

from runner.cli.container.resizing import SIGWINCH, TerminalSize
from runner.cli.context import warn
from runner.cli.errors import CliError
from runner.client import containers, signals, terminal
from runner.client.attach import AttachedStreams
from runner.client.reactor import Reactor
from runner.types.errors import NotFound, RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.client.client import EngineClient, Query
    from runner.client.http import Response
    from runner.client.transport import Connection

_PATIENCE = 3
"""Terminations by the user after which the command ends, whatever the container does."""


class Streams:
    """Which of the container's streams to attach, and how."""

    def __init__(
        self,
        *,
        stdin: bool = False,
        stdout: bool = True,
        stderr: bool = True,
        tty: bool = False,
        detach_keys: str = "",
    ) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.tty = tty
        self.detach_keys = detach_keys

    def query(self) -> Query:
        """The attach request's parameters."""
        asked = {"stdin": self.stdin, "stdout": self.stdout, "stderr": self.stderr}
        query: Query = {name: "1" for name, wanted in asked.items() if wanted}
        if self.detach_keys:
            query["detachKeys"] = self.detach_keys
        return query | {"stream": "1"}


class StartRefused(Exception):
    """The engine would not start the container; `error` is what it said."""

    def __init__(self, error: RunnerError) -> None:
        super().__init__(str(error))
        self.error = error


class Foreground:
    """Drives one container to its exit, or to the user's detaching."""

    def __init__(
        self,
        client: EngineClient,
        container: str,
        streams: Streams,
        *,
        proxy_signals: bool,
        may_leave: bool = False,
    ) -> None:
        """With `may_leave` the first termination ends the command, whatever the container does."""
        self._client = client
        self._container = container
        self._streams = streams
        self._proxy = proxy_signals
        self._may_leave = may_leave
        self._reactor = Reactor()
        self._signals = signals.SignalCatcher(self._reactor, self._on_signal)
        self._terminations = 0
        self._follows_size = streams.tty and terminal.is_terminal(1)
        self._size = TerminalSize(
            self._reactor, lambda rows, columns: containers.resize(client, container, rows, columns)
        )
        self._started = False
        self._status: int | None = None
        self._failure: RunnerError | None = None

    def start(self, condition: str) -> int | None:
        """Attach, wait for `condition`, start; the exit code, None when the user detached.

        Raises StartRefused, or the engine's error when it would not attach.
        """
        self._catch_signals()
        try:
            attaching = containers.send_attach(self._client, self._container, self._streams.query())
            waiting = containers.send_wait(self._client, self._container, condition)
            connection = containers.receive_upgraded(self._client, attaching)
            exit_answer = containers.receive_wait(self._client, waiting)
            starting = containers.send_start(self._client, self._container)
            self._reactor.watch(starting.fileno(), read=lambda: self._on_start(starting))
            return self._serve(connection, exit_answer)
        finally:
            self._signals.stop()

    def join(self, connection: Connection, exit_answer: Response) -> int | None:
        """The same for a container that runs already, its streams and its wait at hand."""
        self._catch_signals()
        try:
            self._started = True
            if self._follows_size:
                # A size that differs makes the program redraw for whoever attaches again.
                rows, columns = terminal.size()
                self._size.tell(rows + 1, columns + 1)
                self._size.follow()
            return self._serve(connection, exit_answer)
        finally:
            self._signals.stop()

    def _catch_signals(self) -> None:
        if self._proxy:
            self._signals.start()
        elif self._follows_size or self._may_leave:
            self._signals.start({SIGWINCH, *(signals.TERMINATION if self._may_leave else ())})

    def _serve(self, connection: Connection, exit_answer: Response) -> int | None:
        attached = AttachedStreams(
            self._reactor,
            connection,
            tty=self._streams.tty,
            stdin=self._streams.stdin,
            detach_keys=self._streams.detach_keys,
        )
        waiting = exit_answer.connection
        try:
            attached.start()
            if waiting.buffer:
                self._on_exit(exit_answer)
            else:
                self._reactor.watch(waiting.fileno(), read=lambda: self._on_exit(exit_answer))
            self._reactor.run(lambda: self._is_over(attached))
        finally:
            attached.stop()
        if self._failure is not None:
            raise StartRefused(self._failure)
        return None if attached.detached else self._status

    def _is_over(self, attached: AttachedStreams) -> bool:
        if self._failure is not None:
            return True
        if not self._started:
            return False
        if self._may_leave and self._terminations:
            return True
        has_output = self._streams.stdout or self._streams.stderr
        return attached.detached or (
            self._status is not None and (attached.finished or not has_output)
        )

    def _on_start(self, connection: Connection) -> None:
        self._reactor.forget(connection.fileno())
        try:
            response = self._client.checked(connection)
            response.read()
            self._client.release(response)
        except RunnerError as err:
            self._failure = err
            return
        self._started = True
        if self._follows_size:
            self._size.follow()

    def _on_exit(self, answer: Response) -> None:
        self._reactor.forget(answer.connection.fileno())
        self._status = read_status(answer)

    def _on_signal(self, number: int) -> None:
        if number == SIGWINCH and self._follows_size:
            self._size.tell(*terminal.size())
        if number in signals.TERMINATION:
            self._terminations += 1
            if self._terminations == _PATIENCE:  # docker's cmd/docker does so for every command
                warn("\ngot 3 SIGTERM/SIGINTs, forcefully exiting")
                raise SystemExit(1)
        if self._proxy:
            try:  # noqa: SIM105 - contextlib is not worth its import here
                containers.kill(self._client, self._container, signals.signal_name(number))
            except RunnerError:
                pass  # it has not started yet, or has ended already


def read_status(answer: Response) -> int:
    """The exit code that a wait ends with; 125, told on stderr, when it ends otherwise."""
    try:
        result = answer.json()
    except (RunnerError, OSError) as err:
        warn(f"error waiting for container: {err}")
        return 125
    if result.get("Error"):
        warn(f"Error waiting for container: {result['Error'].get('Message', '')}")
        return 125
    return int(result["StatusCode"])


def await_removal(client: EngineClient, container: str) -> None:
    """Return once a container that removes itself is gone."""
    try:
        containers.receive_wait(client, containers.send_wait(client, container, "removed")).read()
    except NotFound:
        return  # gone already


def check_terminal(*, stdin: bool, tty: bool) -> None:
    """Refuse to attach a stdin that is no terminal to a container that has one."""
    if stdin and tty and not terminal.is_terminal(0):
        raise CliError("the input device is not a TTY")
