"""How a connection to a machine's SSH server is made: directly, or through jump hosts.

Through a jump host, OpenSSH's own client makes the connection, as the user has set it up: its configuration, known
hosts, agent, certificates and hardware keys count for the jump host as on a terminal. It never asks anything.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from stratuslab_libcloud.deployment.printable import printable

CONFIGURATION_SECONDS = 10.0

_TOKENS = re.compile("%([hpr%])")


@dataclass(frozen=True)
class SshAddress:
    """Where an SSH server is."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host} port {self.port}"


class Reach(Protocol):
    """Makes connections."""

    def connect(self, address: SshAddress, seconds: float) -> socket.socket:
        """A connection on which the server speaks SSH.

        :param seconds: that making it may take
        :raises OSError: there is none
        """

    def complaint(self) -> str:
        """What is known of why the last connection broke; empty if nothing."""

    def close(self) -> None:
        """End what was begun for the connections."""


class Directly:
    """By TCP; without the delay of small packets, which costs 40 ms a command."""

    def connect(self, address: SshAddress, seconds: float) -> socket.socket:
        """As `Reach.connect`; the limit is for all addresses of that name together."""
        end = time.monotonic() + seconds
        problem: OSError = TimeoutError("no answer in time")
        for family, kind, protocol, _, place in socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM):
            left = end - time.monotonic()
            if left <= 0:
                break
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(left)
                connection.connect(place)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                connection.close()
                problem = error
            except BaseException:
                connection.close()
                raise
            else:
                return connection
        raise problem

    def complaint(self) -> str:
        """Nothing: the connection's own error says all."""
        return ""

    def close(self) -> None:
        """Nothing was begun."""


class ThroughProgram:
    """Through a program that speaks with the server on its standard input and output; one connection at a time.

    :param command: its words, for an address
    """

    def __init__(self, command: Callable[[SshAddress], Sequence[str]]) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None

    def connect(self, address: SshAddress, seconds: float) -> socket.socket:
        """As `Reach.connect`; the program's own time is part of the login's."""
        self.close()
        ours, theirs = socket.socketpair()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it is read when the connection breaks
        try:
            with theirs:
                self._process = subprocess.Popen(
                    self._command(address),
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=self._errors,
                    env={**os.environ, "SSH_ASKPASS_REQUIRE": "never"},
                    start_new_session=True,  # without a terminal on which it could ask
                )
        except BaseException:
            ours.close()
            raise
        return ours

    def complaint(self) -> str:
        """The end of what the program has said on its standard error."""
        if self._errors is None:
            return ""
        self._errors.seek(0)
        return printable(self._errors.read().strip().rpartition(b"\n")[2])

    def close(self) -> None:
        """End the program."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._errors:
            self._errors.close()
            self._errors = None


class ThroughJumpHosts(ThroughProgram):
    """Through jump hosts, by OpenSSH's client.

    :param hosts: one or more, separated by commas, as ``ssh -J`` takes them: ``user@host:port``
    :param configuration: a file to use instead of the user's own configuration of OpenSSH
    """

    def __init__(self, hosts: str, configuration: Path | None = None) -> None:
        *others, last = (host.strip() for host in hosts.split(","))
        options = [*_ssh(configuration), "-oBatchMode=yes", *(["-J", ",".join(others)] if others else [])]
        super().__init__(lambda address: [*options, "-W", _bracketed(address), f"ssh://{last.removeprefix('ssh://')}"])


class AsConfigured:
    """As OpenSSH's configuration says for a machine's address: by ProxyJump, by ProxyCommand, or directly.

    :param username: who logs in to the machine
    :param configuration: a file to use instead of the user's own
    """

    def __init__(self, username: str, configuration: Path | None = None) -> None:
        self._username = username
        self._configuration = configuration
        self._reach: Reach = Directly()

    def connect(self, address: SshAddress, seconds: float) -> socket.socket:
        """As `Reach.connect`."""
        self.close()
        self._reach = self._configured(address)
        return self._reach.connect(address, seconds)

    def complaint(self) -> str:
        """As `Reach.complaint`."""
        return self._reach.complaint()

    def close(self) -> None:
        """As `Reach.close`."""
        self._reach.close()

    def _configured(self, address: SshAddress) -> Reach:
        settings = self._settings(address)
        hosts, command = settings.get("proxyjump", "none"), settings.get("proxycommand", "none")
        if hosts != "none":
            return ThroughJumpHosts(hosts, self._configuration)
        if command != "none":
            return ThroughProgram(lambda _: ["/bin/sh", "-c", f"exec {self._expanded(command, address)}"])
        return Directly()

    def _settings(self, address: SshAddress) -> dict[str, str]:
        """What ``ssh -G`` says: OpenSSH itself knows best what its configuration means."""
        words = [*_ssh(self._configuration), "-G", "-p", str(address.port), "-l", self._username, address.host]
        try:
            said = subprocess.run(
                words, stdin=subprocess.DEVNULL, capture_output=True, timeout=CONFIGURATION_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise OSError(f"OpenSSH did not read its configuration within {CONFIGURATION_SECONDS:g} seconds") from error
        if said.returncode != 0:
            raise OSError(f"OpenSSH cannot read its configuration: {printable(said.stderr)}")
        lines = said.stdout.decode("utf-8", "surrogateescape").splitlines()
        return dict(line.partition(" ")[::2] for line in lines)

    def _expanded(self, command: str, address: SshAddress) -> str:
        values = {"h": address.host, "p": str(address.port), "r": self._username, "%": "%"}
        return _TOKENS.sub(lambda token: shlex.quote(values[token[1]]), command)


def _ssh(configuration: Path | None) -> list[str]:
    return ["ssh", *(["-F", str(configuration)] if configuration else [])]


def _bracketed(address: SshAddress) -> str:
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"{host}:{address.port}"
