"""The SSH client that Libcloud's deployments are given: what they expect of one, without what they trip over."""

from __future__ import annotations

import io
import logging
import os
import socket
from typing import IO, Any, BinaryIO, cast

import paramiko
from libcloud.compute.ssh import LIBCLOUD_PARAMIKO_SHA2_BACKWARD_COMPATIBILITY, BaseSSHClient

from stratuslab_libcloud.deployment.execution import OPENING_SECONDS, STALLED_SECONDS, ConnectionLostError, run_command
from stratuslab_libcloud.deployment.files import Files, SFTPFiles, ShellFiles

logger = logging.getLogger("stratuslab_libcloud.deployment")

PARAMIKO_LOG = "stratuslab_libcloud.paramiko"
"""Where paramiko reports on these connections, to those who give this logger another level.

To paramiko each attempt that fails is an error with a traceback, also while a machine that boots is waited for.
"""

KEEPALIVE_SECONDS = 15

PathLike = str | os.PathLike[str]

_CAN_SIGN_WITH_SHA1 = "ssh-rsa" in paramiko.RSAKey.HASHES
_SHA2 = ["rsa-sha2-256", "rsa-sha2-512"]

logging.getLogger(PARAMIKO_LOG).setLevel(logging.CRITICAL)


class DeploymentSSHClient(BaseSSHClient):
    """A connection to one machine, for the ``run`` of Libcloud's deployments.

    Relative paths are relative to the home directory, always. On a guest without SFTP, files go over the SSH
    channel itself. Any host key is accepted and none is remembered, as Libcloud does: a machine that was just
    started has one that nobody knows.

    :param hostname: host name or address
    :param port: TCP port
    :param username: who to log in as
    :param key: the private key
    :param timeout: seconds that making a connection may take
    :param login_timeout: seconds that the server may take to greet, and again to look at the key
    :param label: names the machine in the log
    """

    def __init__(
        self,
        hostname: str,
        port: int,
        username: str,
        key: paramiko.PKey,
        *,
        timeout: float,
        login_timeout: float,
        label: str,
    ) -> None:
        super().__init__(hostname=hostname, port=port, username=username, timeout=timeout)
        self.client = paramiko.SSHClient()
        self._key = key
        self._timeout = timeout
        self._login_timeout = login_timeout
        self._label = label
        self._files: Files | None = None

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands, as far as is known."""
        transport = self.client.get_transport()
        return transport is not None and transport.is_active()

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
        return self._open_files().write(os.fspath(path), io.BytesIO(data), append="a" in mode, mode=chmod)

    def putfo(self, path: PathLike, fo: IO[bytes] | None = None, chmod: int | None = None) -> str:
        """Write a file from an open one, as `put` does."""
        content = cast(BinaryIO, fo or io.BytesIO())
        return self._open_files().write(os.fspath(path), content, append=False, mode=chmod)

    def delete(self, path: PathLike) -> bool:
        """Remove a file.

        :return: whether there was one
        :raises OSError: it cannot be removed
        """
        return self._open_files().remove(os.fspath(path))

    def run(self, cmd: str, timeout: float | None = None) -> tuple[str, str, int]:
        """Run a command in the home directory, with nothing on its standard input.

        :param timeout: seconds that it may take
        :return: its output, its errors and its exit status, which is -1 for a command that a signal ended
        :raises SSHCommandTimeoutError: it took longer; it may still be running
        :raises ConnectionLostError: the connection broke before it came to its end
        """
        return run_command(self._transport(), cmd, timeout=timeout)

    def close(self) -> bool:
        """End the connection; `connect` makes another one.

        :return: True
        """
        if self._files:
            self._files.close()
            self._files = None
        self.client.close()
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
        self.client = paramiko.SSHClient()
        self.client.set_log_channel(PARAMIKO_LOG)
        self.client.set_missing_host_key_policy(paramiko.MissingHostKeyPolicy())
        connection = self._reach()
        try:
            self.client.connect(
                self.hostname,
                self.port,
                self.username,
                pkey=self._key,
                allow_agent=False,
                look_for_keys=False,
                sock=connection,
                banner_timeout=self._login_timeout,
                auth_timeout=self._login_timeout,
                **options,
            )
        except BaseException:
            connection.close()
            raise
        self._transport().set_keepalive(KEEPALIVE_SECONDS)

    def _reach(self) -> socket.socket:
        """A TCP connection; without the delay of small packets, which costs 40 ms a command."""
        connection = socket.create_connection((self.hostname, self.port), self._timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _predates_sha2(self) -> bool:
        """Whether the server that refused the key may know RSA with SHA-1 only, as before OpenSSH 7.2."""
        transport = self.client.get_transport()
        return (
            LIBCLOUD_PARAMIKO_SHA2_BACKWARD_COMPATIBILITY
            and self._key.get_name() == "ssh-rsa"
            and transport is not None
            and "server-sig-algs" not in getattr(transport, "server_extensions", ())
        )

    def _transport(self) -> paramiko.Transport:
        transport = self.client.get_transport()
        if transport is None:
            raise paramiko.SSHException(f"there is no connection to {self.hostname}")
        return transport

    def _open_files(self) -> Files:
        if self._files is None:
            try:
                self._files = SFTPFiles(self._open_sftp())
            except (paramiko.SSHException, paramiko.SFTPError, EOFError):
                if not self.is_connected:
                    raise
                logger.info("%s: there is no SFTP; files go over the SSH channel", self._label)
                self._files = ShellFiles(self._run_for_files)
        return self._files

    def _open_sftp(self) -> paramiko.SFTPClient:
        channel = self._transport().open_session(timeout=OPENING_SECONDS)
        try:
            channel.settimeout(STALLED_SECONDS)
            channel.invoke_subsystem("sftp")
            return paramiko.SFTPClient(channel)
        except BaseException:
            channel.close()
            raise

    def _run_for_files(self, command: str, stdin: BinaryIO | None) -> tuple[str, str, int]:
        try:
            return run_command(self._transport(), command, stdin)
        except ConnectionLostError as error:  # which for a file is no reason not to try again
            raise OSError("the connection broke while a file was written or removed") from error
