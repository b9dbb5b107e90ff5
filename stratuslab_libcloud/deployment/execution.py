"""One command on a machine, over an SSH channel of its own."""

from __future__ import annotations

import contextlib
import shlex
import threading
import time
from dataclasses import dataclass
from typing import BinaryIO

import paramiko
from libcloud.compute.ssh import SSHCommandTimeoutError

from stratuslab_libcloud.deployment.connection import Connection

ANSWER_SECONDS = 30.0
STALLED_SECONDS = 60.0
"""How long nothing of what is sent to a command's standard input may be taken."""

KEPT_BYTES = 1024 * 1024

_CHUNK = 64 * 1024
_TICK_SECONDS = 0.1
_QUIET_SECONDS = 0.5
_AFTER_THE_END_SECONDS = 1.0
_LONGEST_AFTER_THE_END_SECONDS = 10.0
_SLOW_BYTES_A_SECOND = 32 * 1024
_MOST_ON_THE_WAY = 4 * 1024 * 1024
_END_OF_INPUT = b"\x04"


class ConnectionLostError(Exception):
    """The connection broke after a command was asked for; it is not known whether the command began or finished."""


@dataclass(frozen=True)
class CommandOptions:
    """How commands are run.

    :param kept_bytes: how much of the output is kept, and of the errors: the last bytes
    :param terminal: whether a command gets a terminal
    """

    kept_bytes: int = KEPT_BYTES
    terminal: bool = False


def run_command(
    connection: Connection,
    command: str,
    stdin: BinaryIO | None = None,
    timeout: float | None = None,
    options: CommandOptions = CommandOptions(),
) -> tuple[str, str, int]:
    """Run a command and wait for its end. A process that it leaves in the background is not waited for.

    :param stdin: what it gets on its standard input
    :param timeout: seconds that it may take; 0 is no limit, as it is for Libcloud
    :return: its output, its errors and its exit status, which is -1 for a command that a signal ended
    :raises SSHCommandTimeoutError: it took longer; it may still be running
    :raises ConnectionLostError: it is not known whether it was finished, or even begun
    :raises paramiko.SSHException: it has certainly not begun
    :raises OSError: the same
    """
    with contextlib.closing(connection.open_session()) as channel:
        if options.terminal:
            with connection.limit(ANSWER_SECONDS, "asking for a terminal"):
                channel.get_pty()
        execution = _Execution(channel, options.kept_bytes)
        try:
            with connection.limit(ANSWER_SECONDS, "the answer to the request to run a command"):
                channel.exec_command(command)
            execution.feed(stdin, options.terminal)
            ended = execution.wait(timeout or None)
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise _lost(connection, command) from error
        if timeout and not ended:
            raise SSHCommandTimeoutError(command, timeout, *execution.output())
        if channel.exit_status == -1 and not connection.is_active:
            raise _lost(connection, command)
        return *execution.output(), channel.exit_status


class _Tail:
    """The end of what a command says."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        self._length = 0

    @property
    def length(self) -> int:
        return self._length

    def add(self, data: bytes) -> None:
        self._kept += data
        self._length += len(data)
        if len(self._kept) > 2 * self._limit + _CHUNK:
            self._shorten()

    def text(self) -> str:
        self._shorten()
        cut = self._length - len(self._kept)
        return (f"[{cut} bytes are cut off here]\n" if cut else "") + self._kept.decode("utf-8", "replace")

    def _shorten(self) -> None:
        del self._kept[: max(0, len(self._kept) - self._limit)]


class _Execution:
    """A command that runs: what it said so far, and whether it ended."""

    def __init__(self, channel: paramiko.Channel, kept_bytes: int) -> None:
        self._channel = channel
        self._stdout = _Tail(kept_bytes)
        self._stderr = _Tail(kept_bytes)
        # Not the channel's fileno(): when that is closed while output arrives, it takes the connection with it.
        self._arrival = threading.Event()
        channel.in_buffer.set_event(self._arrival)
        channel.in_stderr_buffer.set_event(self._arrival)

    def feed(self, stdin: BinaryIO | None, terminal: bool) -> None:
        """Send what there is for the command's standard input, and the end of it."""
        self._channel.settimeout(STALLED_SECONDS)
        try:
            while stdin and (chunk := stdin.read(_CHUNK)):
                self._channel.sendall(chunk)
            if terminal:  # to which the end of the channel says nothing
                self._channel.sendall(_END_OF_INPUT)
        except TimeoutError:
            raise
        except OSError:  # the command ended without reading all; its status says more
            return
        self._channel.shutdown_write()

    def wait(self, seconds: float | None) -> bool:
        """Collect output until the command has ended; False where it took longer than that."""
        started = time.monotonic()
        while not self._channel.closed:
            if self._channel.exit_status_ready():
                self._take_the_rest()
                return True
            if seconds is not None and time.monotonic() - started >= seconds:
                return False
            if not self._take():
                self._listen()
        while self._take():
            pass
        return True

    def output(self) -> tuple[str, str]:
        return self._stdout.text(), self._stderr.text()

    def _take_the_rest(self) -> None:
        """Take what a command that has ended said before its end.

        What runs on in the background may hold the output open, and may say things of its own without end. So silence
        is the end of the output, or after a moment: too little for what was on its way, or too much.
        """
        ended = last_heard = time.monotonic()
        before = self._said()
        while not self._channel.closed:
            heard = self._take()
            now = time.monotonic()
            last_heard = now if heard else last_heard
            if not heard and (self._channel.eof_received or now - last_heard > _QUIET_SECONDS):
                return
            if now - ended > _AFTER_THE_END_SECONDS and self._is_of_others(self._said() - before, now - ended):
                return
            if not heard:
                self._listen()
        while self._take():
            pass

    def _is_of_others(self, size: int, seconds: float) -> bool:
        is_slow = size < _SLOW_BYTES_A_SECOND * seconds
        return is_slow or size > _MOST_ON_THE_WAY or seconds > _LONGEST_AFTER_THE_END_SECONDS

    def _said(self) -> int:
        return self._stdout.length + self._stderr.length

    def _listen(self) -> None:
        """Wait a moment for something to happen."""
        if self._channel.eof_received:  # there is only the status to wait for
            self._channel.status_event.wait(_TICK_SECONDS)
        else:
            self._arrival.wait(_TICK_SECONDS)

    def _take(self) -> bool:
        """Take what has arrived; whether there was anything."""
        taken = False
        if self._channel.recv_ready():
            self._stdout.add(self._channel.recv(_CHUNK))
            taken = True
        if self._channel.recv_stderr_ready():
            self._stderr.add(self._channel.recv_stderr(_CHUNK))
            taken = True
        return taken


def program_of(command: str) -> str:
    """What a command runs, for messages: its arguments may be nobody's business."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    return next((word for word in words if "=" not in word), "the command")


def _lost(connection: Connection, command: str) -> ConnectionLostError:
    if connection.ended_because:
        what = f"the connection was ended, since {connection.ended_because},"
    else:
        what = "the server ended the channel" if connection.is_active else "the connection broke"
    return ConnectionLostError(f"{what} while {program_of(command)} ran, so it is not known whether it was finished")
