"""The SSH client that Libcloud's deployments are given: what they expect of one, without what they trip over."""

from __future__ import annotations

import io
import logging
import math
import os
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO, Any, BinaryIO, cast

import paramiko
from libcloud.compute.ssh import LIBCLOUD_PARAMIKO_SHA2_BACKWARD_COMPATIBILITY, BaseSSHClient, SSHCommandTimeoutError

from stratuslab_libcloud.deployment.connection import Connection, KeysOnly
from stratuslab_libcloud.deployment.execution import (
    ANSWER_SECONDS,
    STALLED_SECONDS,
    CommandOptions,
    ConnectionLostError,
    run_command,
)
from stratuslab_libcloud.deployment.files import Files, SFTPFiles, ShellFiles
from stratuslab_libcloud.deployment.limits import Deadline
from stratuslab_libcloud.deployment.printable import printable
from stratuslab_libcloud.deployment.reaching import Directly, Reach, SshAddress

logger = logging.getLogger("stratuslab_libcloud.deployment")

LEAST_BYTES_A_SECOND = 4096
"""A file that takes longer is given up."""

CHECK_SECONDS = 15.0
"""How long a guest may take for its first command; those that turn a user away end by themselves after 10."""

PathLike = str | os.PathLike[str]

_CAN_SIGN_WITH_SHA1 = "ssh-rsa" in paramiko.RSAKey.HASHES
_SHA2 = ["rsa-sha2-256", "rsa-sha2-512"]


class TurnedAwayError(Exception):
    """The machine lets a user in, but runs no commands for that user."""


@dataclass(frozen=True)
class ClientOptions:
    """How a machine is used, whatever its address and user are.

    :param keys: the private keys to try
    :param timeout: seconds that making a connection may take
    :param login_timeout: seconds that the login may take
    :param deadline: of the deployment
    :param reach: makes the connection on which SSH is spoken
    :param commands: how commands are run
    :param sudo: whether commands are run and files written as root, with ``sudo``
    """

    keys: Sequence[paramiko.PKey]
    timeout: float
    login_timeout: float
    deadline: Deadline = field(default_factory=Deadline)
    reach: Reach = field(default_factory=Directly)
    commands: CommandOptions = field(default_factory=CommandOptions)
    sudo: bool = False


class DeploymentSSHClient(BaseSSHClient):
    """A connection to one machine, for the ``run`` of Libcloud's deployments.

    Relative paths are relative to the home directory, always. On a guest without SFTP, files go over the SSH
    channel itself. One channel is used at a time, since a server may allow no more. Any host key is accepted and none
    is remembered, as Libcloud does: a machine that was just started has one that nobody knows.

    :param address: where its SSH server is
    :param username: who to log in as
    :param options: how
    :param label: names the machine in the log
    """

    def __init__(self, address: SshAddress, username: str, options: ClientOptions, label: str) -> None:
        super().__init__(hostname=address.host, port=address.port, username=username, timeout=options.timeout)
        self._address = address
        self._options = options
        self._label = label
        self._connection: Connection | None = None
        self._files: Files | None = None
        self._has_sftp = not options.sudo

    @property
    def client(self) -> paramiko.SSHClient:
        """paramiko's client, as Libcloud's own SSH client has one."""
        return self._connected().client

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands, as far as is known."""
        return self._connection is not None and self._connection.is_active

    def connect(self) -> bool:
        """Log in.

        :return: True
        :raises paramiko.AuthenticationException: the machine does not take the key for this user
        :raises paramiko.SSHException: there is no SSH server that can be talked to
        :raises OSError: nothing answers there
        """
        self.close()
        try:
            self._log_in_somehow()
        except BaseException:
            self.close()
            raise
        return True

    def check_user(self) -> None:
        """See that commands are run for this user: an image may let root in only to say who else to log in as.

        :raises TurnedAwayError: they are not; it has the server's own words
        """
        word = secrets.token_hex(8)
        try:
            output, errors, status = self.run(f"echo {word}", timeout=CHECK_SECONDS)
        except SSHCommandTimeoutError:  # slow is not unwilling
            return
        said = printable(errors if errors.strip() else output)
        if word not in output and (said or status != 0) and not self._takes_files():
            raise TurnedAwayError(said or f"status {status}")

    def put(
        self, path: PathLike, contents: str | bytes | None = None, chmod: int | None = None, mode: str = "w"
    ) -> str:
        """Write a file.

        :param path: where; relative to the home directory unless it begins with ``/``
        :param contents: what; a text is written as UTF-8
        :param chmod: its permissions
        :param mode: ``w``; or ``a`` to append to the file, on a line of its own
        :return: the absolute path
        :raises OSError: it cannot be written
        """
        data = contents.encode() if isinstance(contents, str) else contents or b""
        return self._write(os.fspath(path), io.BytesIO(data), "a" in mode, chmod)

    def putfo(self, path: PathLike, fo: IO[bytes] | None = None, chmod: int | None = None) -> str:
        """Write a file from an open one, as `put` does."""
        return self._write(os.fspath(path), cast(BinaryIO, fo or io.BytesIO()), False, chmod)

    def delete(self, path: PathLike) -> bool:
        """Remove a file.

        :return: whether there was one
        :raises OSError: it cannot be removed
        """
        with self._connected().limit(STALLED_SECONDS, f"removing {path}"):
            return self._open_files().remove(os.fspath(path))

    def run(self, cmd: str, timeout: float | None = None) -> tuple[str, str, int]:
        """Run a command in the home directory, with nothing on its standard input.

        :param timeout: seconds that it may take
        :return: the end of its output, of its errors, and its exit status, which is -1 for one that a signal ended
        :raises SSHCommandTimeoutError: it took longer; it may still be running
        :raises ConnectionLostError: it is not known whether it was finished
        """
        self._close_files()
        return run_command(self._connected(), self._as_wanted(cmd), timeout=timeout, options=self._options.commands)

    def close(self) -> bool:
        """End the connection; `connect` makes another one.

        :return: True
        """
        self._close_files()
        if self._connection:
            self._connection.close()
            self._connection = None
        return True

    def _log_in_somehow(self) -> None:
        try:
            self._log_in()
        except paramiko.AuthenticationException as error:
            if not self._predates_sha2():
                raise
            if not _CAN_SIGN_WITH_SHA1:
                raise paramiko.AuthenticationException(
                    "the server refused the key, and seems too old for an RSA key from this paramiko: "
                    "use an ECDSA key, or paramiko 3"
                ) from error
            self.close()
            self._log_in(disabled_algorithms={"pubkeys": _SHA2})

    def _log_in(self, **options: Any) -> None:
        mine = self._options
        self._connection = Connection(mine.reach.connect(self._address, mine.timeout), mine.deadline)
        login = KeysOnly(self.username, mine.keys)
        self._connection.log_in(self.hostname, login, mine.login_timeout, **options)

    def _predates_sha2(self) -> bool:
        """Whether the server that refused the key may know RSA with SHA-1 only, as before OpenSSH 7.2."""
        transport = self._connection and self._connection.client.get_transport()
        return (
            LIBCLOUD_PARAMIKO_SHA2_BACKWARD_COMPATIBILITY
            and self._options.keys[-1].get_name() == "ssh-rsa"
            and bool(transport)
            and "server-sig-algs" not in getattr(transport, "server_extensions", ())
        )

    def _connected(self) -> Connection:
        if self._connection is None:
            raise paramiko.SSHException(f"there is no connection to {self.hostname}")
        return self._connection

    def _as_wanted(self, command: str) -> str:
        return f"sudo -n -H sh -c {shlex.quote(command)}" if self._options.sudo else command

    def _write(self, path: str, content: BinaryIO, append: bool, mode: int | None) -> str:
        with self._connected().limit(_seconds_for(content), f"writing {path}"):
            return self._open_files().write(path, content, append=append, mode=mode)

    def _takes_files(self) -> bool:
        """Whether it is an account for SFTP, for which no commands are run."""
        try:
            self._files = None if self._options.sudo else self._open_sftp()
        except (paramiko.SSHException, paramiko.SFTPError, OSError, EOFError):
            return False
        return self._files is not None

    def _open_files(self) -> Files:
        if self._files is None and self._has_sftp:
            try:
                self._files = self._open_sftp()
            except (paramiko.SSHException, paramiko.SFTPError, EOFError):
                if not self.is_connected:
                    raise
                logger.info("%s: there is no SFTP; files go over the SSH channel", self._label)
                self._has_sftp = False
        return self._files or ShellFiles(self._run_for_files)

    def _open_sftp(self) -> SFTPFiles:
        connection = self._connected()
        channel = connection.open_session()
        try:
            channel.settimeout(STALLED_SECONDS)
            with connection.limit(ANSWER_SECONDS, "beginning with SFTP"):
                channel.invoke_subsystem("sftp")
                return SFTPFiles(channel)
        except BaseException:
            channel.close()
            raise

    def _close_files(self) -> None:
        if self._files:
            self._files.close()
            self._files = None

    def _run_for_files(self, command: str, stdin: BinaryIO | None) -> tuple[str, str, int]:
        try:
            return run_command(self._connected(), self._as_wanted(command), stdin)
        except ConnectionLostError as error:  # which for a file is no reason not to try again
            raise OSError("the connection broke while a file was written or removed") from error


def _seconds_for(content: BinaryIO) -> float:
    """How long the writing of a file may take; without a limit where nobody knows how long the file is."""
    if not content.seekable():
        return math.inf
    here = content.tell()
    size = content.seek(0, os.SEEK_END) - here
    content.seek(here)
    return STALLED_SECONDS + size / LEAST_BYTES_A_SECOND
