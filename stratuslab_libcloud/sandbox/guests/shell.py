"""Commands on a sandbox machine: ``/bin/sh`` in the machine's home, its pipes connected to an SSH channel."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import os
import signal
import struct
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import asyncssh

from stratuslab_libcloud.sandbox.guests.confinement import CannotRunError, Confinement
from stratuslab_libcloud.sandbox.guests.starting import while_nothing_starts

_log = logging.getLogger(__name__)

_CANNOT_RUN = 126
_OUT_OF_TIME = 124
_FLUSH_CHECK_SECONDS = 0.25
_CHUNK = 64 * 1024


class GuestShell:
    """Runs the commands of one machine's users, until the machine ends.

    Must be used in the event loop of the machine's SSH server.

    :param confinement: keeps them from changing the computer
    :param command_seconds: how long a command may take; a session at a terminal has no limit
    """

    def __init__(self, confinement: Confinement, command_seconds: float) -> None:
        self._confinement = confinement
        self._command_seconds = command_seconds
        self._running: set[asyncio.Task[None]] = set()
        self._groups: set[int] = set()
        self._ended = False

    def serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        """Begin to run the command of one SSH channel; asyncssh calls this for each channel."""
        self._begin(self._serve(process))

    async def end(self) -> None:
        """Kill all processes that were started here, also those in the background."""
        self._ended = True
        for group in self._groups:
            _kill(group)
        await self._confinement.end()
        if self._running:
            await asyncio.wait(self._running)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        # The status must be sent after the output: clients stop reading when they have it.
        process.channel.set_write_buffer_limits(high=0)
        try:
            status = await self._run(process)
        except (OSError, CannotRunError) as problem:
            _log.warning("a command in %s could not be run: %s", self._confinement.root.folder, problem)
            reason = problem.strerror if isinstance(problem, OSError) else problem
            _print_error(process, f"the sandbox cannot run this: {reason}")
            status = _CANNOT_RUN
        with contextlib.suppress(OSError):
            if status < 0:
                process.channel.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))
            else:
                process.exit(status)
        await process.wait_closed()

    async def _run(self, process: asyncssh.SSHServerProcess[bytes]) -> int:
        if process.subsystem is not None:
            return _CANNOT_RUN
        if process.term_type is None:
            child = await self._start_with_pipes(process)
            limit: float | None = self._command_seconds
        else:
            child = await self._start_at_terminal(process)
            limit = None
        status = await self._wait(process, child, limit)
        await _flush(process)
        return status

    async def _wait(
        self,
        process: asyncssh.SSHServerProcess[bytes],
        child: asyncio.subprocess.Process,
        limit: float | None,
    ) -> int:
        try:
            return await asyncio.wait_for(child.wait(), limit)
        except (TimeoutError, asyncio.TimeoutError):  # two classes before Python 3.11
            _kill(child.pid)
            await child.wait()
            _print_error(process, f"the sandbox ended this command after {limit:g} seconds")
            return _OUT_OF_TIME
        finally:
            self._groups = {group for group in self._groups if _is_alive(group)}

    async def _start_with_pipes(self, process: asyncssh.SSHServerProcess[bytes]) -> asyncio.subprocess.Process:
        words = await self._confinement.words(_shell_words(process.command), terminal=None)
        stdin, to_stdin = os.pipe()
        from_stdout, stdout = os.pipe()
        from_stderr, stderr = os.pipe()
        child = await self._start(
            words,
            process,
            (stdin, stdout, stderr),
            (to_stdin, from_stdout, from_stderr),
        )
        self._begin(_forward_input(process, child.pid, to_stdin))
        await process.redirect(stdout=from_stdout, stderr=from_stderr, send_eof=False)
        return child

    async def _start_at_terminal(self, process: asyncssh.SSHServerProcess[bytes]) -> asyncio.subprocess.Process:
        import fcntl  # neither is there on Windows, which has no terminals of this kind
        import termios

        controller, terminal = os.openpty()
        width, height, *pixels = process.get_terminal_size()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, *pixels))
        try:
            words = await self._confinement.words(_shell_words(process.command), terminal=os.ttyname(terminal))
        except BaseException:
            _close((controller, terminal))
            raise
        child = await self._start(words, process, (terminal,) * 3, (controller,))
        process.set_redirect_pid(child.pid)
        await process.redirect(os.dup(controller), controller, send_eof=False)
        return child

    async def _start(
        self,
        words: Sequence[str],
        process: asyncssh.SSHServerProcess[bytes],
        child_side: tuple[int, int, int],
        own_side: Sequence[int],
    ) -> asyncio.subprocess.Process:
        """Start a child in a session of its own; closes all descriptors if that fails."""
        try:
            if self._ended or process.is_closing():
                raise BrokenPipeError(0, "the machine or the connection has ended")
            async with while_nothing_starts():
                child = await asyncio.create_subprocess_exec(
                    *words,
                    stdin=child_side[0],
                    stdout=child_side[1],
                    stderr=child_side[2],
                    cwd=self._confinement.root.folder,
                    env=self._environment(process),
                    start_new_session=True,
                )
        except BaseException:
            _close(own_side)
            raise
        finally:
            _close(child_side)
        self._groups.add(child.pid)
        if self._ended:
            _kill(child.pid)
        return child

    def _environment(self, process: asyncssh.SSHServerProcess[bytes]) -> Mapping[str, str]:
        user = process.get_extra_info("username")
        terminal = {"TERM": process.term_type} if process.term_type else {}
        return {
            **self._confinement.environment(user),
            "USER": user,
            "LOGNAME": user,
            "SHELL": "/bin/sh",
            "LANG": "C.UTF-8",
            **terminal,
        }


def _shell_words(command: str | None) -> list[str]:
    return ["/bin/sh"] if command is None else ["/bin/sh", "-c", command]


async def _forward_input(process: asyncssh.SSHServerProcess[bytes], group: int, stdin: int) -> None:
    """Pass the channel's data on to the stdin of a child, and its signals to the child's group, until one ends."""
    os.set_blocking(stdin, False)
    with open(stdin, "wb", buffering=0) as pipe, contextlib.suppress(BrokenPipeError, asyncssh.Error):
        while True:
            try:
                data = await process.stdin.read(_CHUNK)
            except asyncssh.SignalReceived as sent:
                _kill(group, getattr(signal, f"SIG{sent.signal}", signal.SIGTERM))
            except (asyncssh.BreakReceived, asyncssh.TerminalSizeChanged):
                pass  # these are for terminals, and this is none
            else:
                if not data:
                    return
                await _write(pipe, data)


async def _write(pipe: io.RawIOBase, data: bytes) -> None:
    # asyncio's own transport for pipes fails if the reader closes the pipe while the last bytes are written.
    loop = asyncio.get_running_loop()
    while data:
        data = data[pipe.write(data) or 0 :]
        if data:
            writable = loop.create_future()
            loop.add_writer(pipe.fileno(), writable.set_result, None)
            try:
                await writable
            finally:
                loop.remove_writer(pipe.fileno())


async def _flush(process: asyncssh.SSHServerProcess[bytes]) -> None:
    """Wait until all output is sent, but not for a process in the background that keeps the pipes open."""
    drained = [asyncio.ensure_future(output.drain()) for output in (process.stdout, process.stderr)]
    waiting = set(drained)
    while waiting:
        _, waiting = await asyncio.wait(waiting, timeout=_FLUSH_CHECK_SECONDS)
        if not process.channel.get_write_buffer_size():
            break
    for output in drained:
        output.cancel()
    await asyncio.gather(*drained, return_exceptions=True)  # or asyncio prints that nobody has asked for the outcome


def _print_error(process: asyncssh.SSHServerProcess[bytes], text: str) -> None:
    with contextlib.suppress(OSError):
        process.stderr.write(f"{text}\n".encode())


def _kill(group: int, how: signal.Signals = signal.SIGKILL) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, how)


def _is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):  # macOS raises the latter for a group of zombies
        return False
    return True


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in set(descriptors):
        os.close(descriptor)
