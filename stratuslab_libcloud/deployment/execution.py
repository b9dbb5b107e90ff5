"""One command on a machine, over an SSH channel of its own."""

from __future__ import annotations

import contextlib
import shlex
import threading
import time
from typing import BinaryIO

import paramiko
from libcloud.compute.ssh import SSHCommandTimeoutError

OPENING_SECONDS = 30.0
STALLED_SECONDS = 60.0
"""How long nothing of what is sent to a command's standard input may be taken."""

_CHUNK = 64 * 1024
_TICK_SECONDS = 0.1
_QUIET_SECONDS = 0.5


class ConnectionLostError(Exception):
    """The connection broke while a command ran; it is not known whether the command finished."""


def run_command(
    transport: paramiko.Transport, command: str, stdin: BinaryIO | None = None, timeout: float | None = None
) -> tuple[str, str, int]:
    """Run a command and wait for its end. A process that it leaves in the background is not waited for.

    :param stdin: what it gets on its standard input
    :param timeout: seconds that it may take; 0 is no limit, as it is for Libcloud
    :return: its output, its errors and its exit status, which is -1 for a command that a signal ended
    :raises SSHCommandTimeoutError: it took longer; it may still be running
    :raises ConnectionLostError: the connection broke before its end
    :raises paramiko.SSHException: it could not be started
    """
    with contextlib.closing(transport.open_session(timeout=OPENING_SECONDS)) as channel:
        execution = _Execution(channel)
        try:
            channel.exec_command(command)
            if stdin:
                execution.send(stdin)
            channel.shutdown_write()
            ended = execution.wait(timeout or None)
        except (OSError, EOFError, paramiko.SSHException) as error:
            if transport.is_active():
                raise
            raise _lost(command) from error
        if timeout and not ended:
            raise SSHCommandTimeoutError(command, timeout, *execution.output())
        if channel.exit_status == -1 and not transport.is_active():
            raise _lost(command)
        return *execution.output(), channel.exit_status


class _Execution:
    """A command that runs: what it said so far, and whether it ended."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self._stdout = bytearray()
        self._stderr = bytearray()
        # Not the channel's fileno(): when that is closed while output arrives, it takes the connection with it.
        self._arrival = threading.Event()
        channel.in_buffer.set_event(self._arrival)
        channel.in_stderr_buffer.set_event(self._arrival)

    def send(self, stdin: BinaryIO) -> None:
        self._channel.settimeout(STALLED_SECONDS)
        while chunk := stdin.read(_CHUNK):
            try:
                self._channel.sendall(chunk)
            except TimeoutError:
                raise
            except OSError:  # the command ended without reading all; its status says more
                return

    def wait(self, seconds: float | None) -> bool:
        """Collect output until the command has ended; False where it took longer than that."""
        started = last_heard = time.monotonic()
        while not self._channel.closed:
            now = time.monotonic()
            heard = self._take()
            if heard:
                last_heard = now
            elif self._has_ended(now - last_heard):
                break
            if seconds is not None and now - started >= seconds:
                return False
            if not heard:
                self._listen()
        while self._take():
            pass
        return True

    def output(self) -> tuple[str, str]:
        return self._stdout.decode("utf-8", "replace"), self._stderr.decode("utf-8", "replace")

    def _has_ended(self, quiet_seconds: float) -> bool:
        """Whether the status is there and no more output to come.

        What runs on in the background may hold the output open; then silence is its end.
        """
        if not self._channel.exit_status_ready():
            return False
        return bool(self._channel.eof_received) or quiet_seconds > _QUIET_SECONDS

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
            self._stdout += self._channel.recv(_CHUNK)
            taken = True
        if self._channel.recv_stderr_ready():
            self._stderr += self._channel.recv_stderr(_CHUNK)
            taken = True
        return taken


def program_of(command: str) -> str:
    """What a command runs, for messages: its arguments may be nobody's business."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    return next((word for word in words if "=" not in word), "the command")


def _lost(command: str) -> ConnectionLostError:
    return ConnectionLostError(
        f"the connection broke while {program_of(command)} ran, so that nobody can tell whether it came to its end"
    )
