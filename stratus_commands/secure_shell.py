"""The system's ``ssh``, for a session on a machine."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from stratus_commands.failures import CommandError

_CONNECTION_FAILED = 255
_CONNECT_SECONDS = 5
_PAUSES = (2.0, 5.0)
_OF_A_SIGNAL = 128


class Target(NamedTuple):
    """Where a session is to be.

    :param host: name or address
    :param key: the file of the private key
    """

    host: str
    port: int
    key: str
    user: str = "root"

    def command(self) -> list[str]:
        """The command line. Addresses of a cloud are used again, so the key of a host may change."""
        options = {
            "ConnectTimeout": str(_CONNECT_SECONDS),
            "StrictHostKeyChecking": "no",
            "NumberOfPasswordPrompts": "3",
        }
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        return ["ssh", "-p", str(self.port), *words, "-i", self.key, f"{self.user}@{self.host}"]


def run_session(target: Target, pauses: Sequence[float] = _PAUSES) -> int:
    """Run a session of the system's ``ssh`` on this terminal, or on standard input and output.

    A machine whose port does not answer is tried again after each pause: it may be about to boot.

    :param pauses: seconds
    :return: the exit status of the remote shell; 255 when there was no session
    :raises CommandError: there is no ``ssh``
    """
    for pause in (*pauses, None):
        status = _run(target.command())
        if status != _CONNECTION_FAILED or pause is None or _answers(target):
            break
        if sys.stderr.isatty():
            print(f"{target.host} does not answer yet; trying again in {pause:g} seconds.", file=sys.stderr)
        time.sleep(pause)
    return status


def _run(command: Sequence[str]) -> int:
    try:
        status = subprocess.run(command, check=False).returncode
    except FileNotFoundError:
        raise CommandError("there is no ssh on this computer: install OpenSSH's client") from None
    return status if status >= 0 else _OF_A_SIGNAL - status


def _answers(target: Target) -> bool:
    """Whether something listens at the port, so that it is not the connection that failed."""
    try:
        socket.create_connection((target.host, target.port), timeout=_CONNECT_SECONDS).close()
    except OSError:
        return False
    return True
