"""Two ways to write files on a machine: SFTP, and for guests without it a shell command that reads the file.

In both, a path that does not begin with ``/`` is relative to the home directory, whatever was written before, also one
that begins with ``~/``; and folders that do not exist are made.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Callable
from typing import BinaryIO, Protocol

import paramiko

_NO_SUCH_FILE = 44
_LARGEST_ANSWER = 1024 * 1024


class Files(Protocol):
    """The files of a machine."""

    def write(self, path: str, content: BinaryIO, *, append: bool, mode: int | None) -> str:
        """Write a file.

        :param append: after what is there, beginning on a line of its own
        :param mode: its permissions
        :return: its absolute path
        :raises OSError: it cannot be written
        """

    def remove(self, path: str) -> bool:
        """Remove a file.

        :return: whether there was one
        :raises OSError: it cannot be removed
        """

    def close(self) -> None:
        """Give up what is held open for this."""


class SFTPFiles:
    """Files through the SFTP subsystem.

    :param channel: on which that was begun
    """

    def __init__(self, channel: paramiko.Channel) -> None:
        self._sftp = paramiko.SFTPClient(_SFTPChannel(channel))  # type: ignore[arg-type]  # it needs no more
        self._home = self._sftp.normalize(".")

    def write(self, path: str, content: BinaryIO, *, append: bool, mode: int | None) -> str:
        """As `Files.write`."""
        path = posixpath.join(self._home, _without_tilde(path))
        try:
            self._make_folder(posixpath.dirname(path))
            if append:
                self._append(path, content)
            else:
                self._sftp.putfo(content, path)
            if mode is not None:
                self._sftp.chmod(path, mode)
        except OSError as error:
            raise _failure("written", path, error.strerror or str(error)) from error
        return path

    def remove(self, path: str) -> bool:
        """As `Files.remove`."""
        path = posixpath.join(self._home, _without_tilde(path))
        try:
            self._sftp.remove(path)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _failure("removed", path, error.strerror or str(error)) from error
        return True

    def close(self) -> None:
        """End the SFTP session."""
        self._sftp.close()

    def _append(self, path: str, content: BinaryIO) -> None:
        begins_new_line = self._ends_with_line(path)
        with self._sftp.open(path, "ab") as file:
            if not begins_new_line:
                file.write(b"\n")
            file.write(content.read())

    def _ends_with_line(self, path: str) -> bool:
        """Whether what is appended to a file begins a line; also where there is no file."""
        try:
            with self._sftp.open(path, "rb") as file:
                size = file.stat().st_size
                if not size:
                    return True
                file.seek(size - 1)
                return file.read(1) == b"\n"
        except FileNotFoundError:
            return True

    def _make_folder(self, folder: str) -> None:
        try:
            self._sftp.stat(folder)
        except FileNotFoundError:
            self._make_folder(posixpath.dirname(folder))
            self._sftp.mkdir(folder)


class ShellFiles:
    """Files through commands that any guest has: ``mkdir``, ``cat``, ``tail``, ``chmod`` and ``rm``.

    :param run: runs a command with something on its standard input, and returns its output, errors and status
    """

    def __init__(self, run: Callable[[str, BinaryIO | None], tuple[str, str, int]]) -> None:
        self._run = run

    def write(self, path: str, content: BinaryIO, *, append: bool, mode: int | None) -> str:
        """As `Files.write`."""
        path = _without_tilde(path)
        file, folder = _word(path), _word(posixpath.dirname(path))
        steps = ["pwd", f"mkdir -p {folder}"]
        if append:
            steps.append(f'{{ [ ! -s {file} ] || [ -z "$(tail -c 1 {file})" ] || echo >> {file}; }}')
        steps.append(f"cat {'>>' if append else '>'} {file}")
        if mode is not None:
            steps.append(f"chmod {mode:o} {file}")
        output, errors, status = self._run(" && ".join(steps), content)
        if status != 0:
            raise _failure("written", path, errors.strip() or f"status {status}")
        home = output.rstrip("\n").rpartition("\n")[2]  # a login script may have said something before
        return posixpath.join(home, path)

    def remove(self, path: str) -> bool:
        """As `Files.remove`."""
        file = _word(_without_tilde(path))
        command = f"if [ -e {file} ] || [ -h {file} ]; then rm -f {file}; else exit {_NO_SUCH_FILE}; fi"
        _, errors, status = self._run(command, None)
        if status not in (0, _NO_SUCH_FILE):
            raise _failure("removed", path, errors.strip() or f"status {status}")
        return status == 0

    def close(self) -> None:
        """Nothing is held open."""


class _SFTPChannel:
    """A channel on which no answer can fill the memory: all answers that are needed here are short."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self.send = channel.send
        self.close = channel.close
        self.get_name = channel.get_name
        self.recv_ready = channel.recv_ready

    def recv(self, size: int) -> bytes:
        if size > _LARGEST_ANSWER:
            raise paramiko.SFTPError(f"the SFTP server announces an answer of {size} bytes")
        return self._channel.recv(size)


def _without_tilde(path: str) -> str:
    return path.removeprefix("~/").lstrip("/") if path.startswith("~/") else path


def _word(path: str) -> str:
    """A path as one word of a shell command, which no command takes for an option."""
    return shlex.quote(path if path.startswith("/") else f"./{path}")


def _failure(what: str, path: str, reason: str) -> OSError:
    return OSError(f"{path} cannot be {what} on the machine: {reason}")
