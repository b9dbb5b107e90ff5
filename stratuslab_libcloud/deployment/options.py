"""What a caller of ``deploy_node`` may choose, checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stratuslab_libcloud.errors import InvalidArgumentError

INTERFACES = ("public_ips", "private_ips")
TIMEOUT_SECONDS = 300.0
SSH_TIMEOUT_SECONDS = 10.0

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class DeployOptions:
    """The keywords of ``deploy_node``, as Libcloud names them.

    :param ssh_username: who to log in as
    :param ssh_alternate_usernames: who else, where the machine does not let that one in
    :param ssh_port: the machine's
    :param ssh_timeout: seconds that making one connection may take
    :param ssh_key: a private key file or several
    :param ssh_key_password: the passphrase of those that are locked
    :param timeout: seconds until the machine runs, and again until somebody is logged in, in total
    :param max_tries: how often a step is tried that fails before a command of it has begun
    :param ssh_interface: ``public_ips`` or ``private_ips``: where the machine is gone to
    :param at_exit_func: is called with ``driver`` and ``node`` where the process ends in the middle
    :param wait_period: seconds between questions whether the machine runs yet
    :param destroy_on_failure: whether a machine that was not deployed is destroyed
    :param check_exit_status: whether a script's exit status other than 0 is an error
    :raises InvalidArgumentError: a value can not be meant
    """

    ssh_username: str = "root"
    ssh_alternate_usernames: Sequence[str] | None = None
    ssh_port: int = 22
    ssh_timeout: float | None = None
    ssh_key: PathLike | Sequence[PathLike] | None = None
    ssh_key_password: str | None = None
    timeout: float | None = None
    max_tries: int = 3
    ssh_interface: str = "public_ips"
    at_exit_func: Callable[..., Any] | None = None
    wait_period: float = 5
    destroy_on_failure: bool = False
    check_exit_status: bool = True

    def __post_init__(self) -> None:
        _check(all(self.usernames), "ssh_username and ssh_alternate_usernames", "be names", self.usernames)
        _check(0 < self.ssh_port < 65536, "ssh_port", "be from 1 to 65535", self.ssh_port)
        _check(self.seconds_to_connect > 0, "ssh_timeout", "be more than 0 seconds", self.ssh_timeout)
        _check(self.seconds_to_wait > 0, "timeout", "be more than 0 seconds", self.timeout)
        _check(self.max_tries > 0, "max_tries", "be 1 or more", self.max_tries)
        _check(self.ssh_interface in INTERFACES, "ssh_interface", f"be {' or '.join(INTERFACES)}", self.ssh_interface)
        _check(self.wait_period >= 0, "wait_period", "be 0 seconds or more", self.wait_period)
        _check(self.key_files != (), "ssh_key", "name a file", self.ssh_key)

    @property
    def usernames(self) -> tuple[str, ...]:
        """Who to log in as, in order."""
        others = self.ssh_alternate_usernames or ()
        return self.ssh_username, *((others,) if isinstance(others, str) else others)

    @property
    def seconds_to_wait(self) -> float:
        """The time limit, or Libcloud's where there is none."""
        return self.timeout or TIMEOUT_SECONDS

    @property
    def seconds_to_connect(self) -> float:
        """The time limit for one connection, or Libcloud's where there is none."""
        return self.ssh_timeout or SSH_TIMEOUT_SECONDS

    @property
    def key_files(self) -> tuple[Path, ...] | None:
        """The private key files that were named; None where none were."""
        if self.ssh_key is None:
            return None
        named = [self.ssh_key] if isinstance(self.ssh_key, (str, os.PathLike)) else self.ssh_key
        try:
            return tuple(Path(name).expanduser() for name in named)
        except (TypeError, RuntimeError) as error:
            raise InvalidArgumentError(f"ssh_key has to be a path or a list of paths: {error}") from error


def _check(holds: bool, name: str, rule: str, value: object) -> None:
    if not holds:
        raise InvalidArgumentError(f"{name} has to {rule}, not {value!r}")
