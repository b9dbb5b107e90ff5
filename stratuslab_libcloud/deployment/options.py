"""What a caller of ``deploy_node`` may choose, checked."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypedDict

from stratuslab_libcloud.deployment.reaching import AsConfigured, Directly, Reach, ThroughJumpHosts
from stratuslab_libcloud.errors import InvalidArgumentError, MissingDependencyError

if TYPE_CHECKING:
    from typing_extensions import Unpack

SSH_INTERFACES = ("public_ips", "private_ips")
"""The attributes of a node that can have the address to connect to."""

TIMEOUT_SECONDS = 300.0
SSH_TIMEOUT_SECONDS = 10.0
OUTPUT_BYTES = 1024 * 1024
MOST_OUTPUT_BYTES = 1024 * 1024 * 1024
LONGEST_SECONDS = 31_536_000
"""A year; no clock of the operating system is asked for more."""

_HOST = re.compile(r"(ssh://)?[^-\s@:/][^\s@:/]*(@[^-\s@/][^\s@/]*)?(:\d+)?")

PathLike = str | os.PathLike[str]


class DeployExtensions(TypedDict, total=False):
    """The keywords of ``deploy_node`` that Libcloud's does not have.

    :param ex_destroy_on_failure: whether a machine that was not deployed is destroyed, also after an interruption
    :param ex_check_exit_status: whether a script's exit status other than 0 is an error; True if not given
    :param ex_deploy_timeout: seconds for all of it, the creation included; no limit if not given
    :param ex_output_limit: bytes that are kept of each script's output, and of its errors, the last ones; 1 MiB if
        not given
    :param ex_sudo: whether commands are run and files written as root, with ``sudo``, which must not want a password
    :param ex_terminal: whether commands get a terminal; then errors are part of the output
    :param ex_ssh_proxy_jump: jump hosts to reach the machine through, as ``ssh -J`` takes them, for OpenSSH's client
    :param ex_ssh_config: True to reach the machine as OpenSSH's configuration says, its ProxyJump and ProxyCommand; or
        the path of a file to use for that
    :param ex_ssh_key_text: the text of the private key, in place of ``ssh_key``
    """

    ex_destroy_on_failure: bool
    ex_check_exit_status: bool
    ex_deploy_timeout: float | str | None
    ex_output_limit: int | str
    ex_sudo: bool
    ex_terminal: bool
    ex_ssh_proxy_jump: str | None
    ex_ssh_config: bool | PathLike
    ex_ssh_key_text: str | None


_LIBCLOUDS = (
    "ssh_username",
    "ssh_alternate_usernames",
    "ssh_port",
    "ssh_timeout",
    "ssh_key",
    "ssh_key_password",
    "timeout",
    "max_tries",
    "ssh_interface",
    "at_exit_func",
    "wait_period",
)


DEPLOY_OPTIONS = frozenset({*_LIBCLOUDS, *DeployExtensions.__annotations__})
"""The names of all keywords of ``deploy_node`` that are not ``create_node``'s."""


class DeployOptions:
    """The keywords of ``deploy_node``, checked; numbers may be texts.

    :param ssh_username: the user to log in as
    :param ssh_alternate_usernames: other users, for a machine that does not let that one in
    :param ssh_port: the port of the machine's SSH server
    :param ssh_timeout: seconds that making one connection may take; 10 if not given
    :param ssh_key: a private key file or several
    :param ssh_key_password: the passphrase of the keys that are locked
    :param timeout: seconds until the machine runs, and again until a login has succeeded, in total; 300 if not given
    :param max_tries: how often a step is tried, if it fails before its command has begun
    :param ssh_interface: ``public_ips`` or ``private_ips``: which address to connect to
    :param at_exit_func: is called with ``driver`` and ``node`` when the process ends during the deployment
    :param wait_period: seconds between questions whether the machine runs yet
    :param extensions: see `DeployExtensions`
    :raises InvalidArgumentError: a value is not valid

    :ivar usernames: the users to log in as, in order
    :ivar seconds_to_connect: the time limit for one connection
    :ivar seconds_to_wait: the time limit for the machine to run, and again for the login
    :ivar key_files: the private key files that were named; None where none were
    """

    def __init__(
        self,
        *,
        ssh_username: str = "root",
        ssh_alternate_usernames: str | Iterable[str] | None = None,
        ssh_port: int | str = 22,
        ssh_timeout: float | str | None = None,
        ssh_key: PathLike | Sequence[PathLike] | None = None,
        ssh_key_password: str | None = None,
        timeout: float | str | None = None,
        max_tries: int | str = 3,
        ssh_interface: str = "public_ips",
        at_exit_func: Callable[..., Any] | None = None,
        wait_period: float | str = 5,
        **extensions: Unpack[DeployExtensions],
    ) -> None:
        self.usernames = (
            _username("ssh_username", ssh_username),
            *_usernames("ssh_alternate_usernames", ssh_alternate_usernames),
        )
        self.ssh_port = _whole("ssh_port", ssh_port, 1, 65535)
        self.seconds_to_connect = _limit("ssh_timeout", ssh_timeout, SSH_TIMEOUT_SECONDS)
        self.key_files = _files("ssh_key", ssh_key)
        self.ssh_key_password = _secret_text("ssh_key_password", ssh_key_password)
        self.seconds_to_wait = _limit("timeout", timeout, TIMEOUT_SECONDS)
        self.max_tries = _whole("max_tries", max_tries, 1, 1_000_000)
        self.ssh_interface = _one_of("ssh_interface", ssh_interface, SSH_INTERFACES)
        self.at_exit_func = _function("at_exit_func", at_exit_func)
        self.wait_period = _pause("wait_period", wait_period)
        self._extend(**extensions)

    def _extend(
        self,
        *,
        ex_destroy_on_failure: bool = False,
        ex_check_exit_status: bool = True,
        ex_deploy_timeout: float | str | None = None,
        ex_output_limit: int | str = OUTPUT_BYTES,
        ex_sudo: bool = False,
        ex_terminal: bool = False,
        ex_ssh_proxy_jump: str | None = None,
        ex_ssh_config: bool | PathLike = False,
        ex_ssh_key_text: str | None = None,
    ) -> None:
        self.destroy_on_failure = _flag("ex_destroy_on_failure", ex_destroy_on_failure)
        self.check_exit_status = _flag("ex_check_exit_status", ex_check_exit_status)
        self.deploy_timeout = None if ex_deploy_timeout is None else _limit("ex_deploy_timeout", ex_deploy_timeout)
        self.output_limit = _whole("ex_output_limit", ex_output_limit, 1, MOST_OUTPUT_BYTES)
        self.sudo = _flag("ex_sudo", ex_sudo)
        self.terminal = _flag("ex_terminal", ex_terminal)
        self.ssh_proxy_jump = _hosts("ex_ssh_proxy_jump", ex_ssh_proxy_jump)
        self.ssh_config = ex_ssh_config if isinstance(ex_ssh_config, bool) else _file("ex_ssh_config", ex_ssh_config)
        self.ssh_key_text = _secret_text("ex_ssh_key_text", ex_ssh_key_text)
        if (self.ssh_proxy_jump or self.ssh_config) and not shutil.which("ssh"):
            raise MissingDependencyError("jump hosts are reached with OpenSSH's client, ssh, which is not on the PATH")
        if self.ssh_key_text is not None and self.key_files is not None:
            raise InvalidArgumentError("ssh_key and ex_ssh_key_text cannot both be given")

    def new_reach(self) -> Reach:
        """What makes the connections of one deployment."""
        configuration = self.ssh_config if isinstance(self.ssh_config, Path) else None
        if self.ssh_proxy_jump:
            return ThroughJumpHosts(self.ssh_proxy_jump, configuration)
        return AsConfigured(self.usernames[0], configuration) if self.ssh_config else Directly()


def split_options(given: Mapping[str, Any]) -> tuple[DeployOptions, dict[str, Any]]:
    """Keywords of ``deploy_node`` checked, and the others, which are for ``create_node``.

    :raises InvalidArgumentError: a value is not valid
    """
    options = DeployOptions(**{name: value for name, value in given.items() if name in DEPLOY_OPTIONS})
    return options, {name: value for name, value in given.items() if name not in DEPLOY_OPTIONS}


def _username(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value or not value.isprintable():
        _refuse(name, "the name of a user", value)
    return value


def _usernames(name: str, value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (_username(name, value),)
    if not isinstance(value, Iterable):
        _refuse(name, "a list of names, or None", value)
    return tuple(_username(name, each) for each in value)


def _whole(name: str, value: Any, least: int, most: int) -> int:
    try:
        number = int(str(value))  # which takes neither True nor 22.5
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        _refuse(name, f"a whole number from {least} to {most}", value)
    return number


def _limit(name: str, value: Any, default: float | None = None) -> float:
    if value is None and default is not None:
        return default
    seconds = _seconds(value)
    if not 0 < seconds <= LONGEST_SECONDS:
        otherwise = "no limit" if default is None else f"{default:g}"
        _refuse(name, f"a number of seconds above 0, {LONGEST_SECONDS} at most, or None for {otherwise}", value)
    return seconds


def _pause(name: str, value: Any) -> float:
    seconds = _seconds(value)
    if not 0 <= seconds <= LONGEST_SECONDS:
        _refuse(name, f"a number of seconds from 0 to {LONGEST_SECONDS}", value)
    return seconds


def _seconds(value: Any) -> float:
    """A number, or -1 where it is none."""
    try:
        return float(str(value))  # which does not take True
    except ValueError:
        return -1


def _one_of(name: str, value: Any, possible: Sequence[str]) -> str:
    if value not in possible:
        _refuse(name, " or ".join(possible), value)
    return str(value)


def _function(name: str, value: Any) -> Callable[..., Any] | None:
    if value is not None and not callable(value):
        _refuse(name, "a function that takes driver and node, or None", value)
    return value  # type: ignore[no-any-return]  # any function will do


def _flag(name: str, value: Any) -> bool:
    if value not in (True, False):
        _refuse(name, "True or False", value)
    return bool(value)


def _secret_text(name: str, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise InvalidArgumentError(f"{name} must be a text, or None, not an object of type {type(value).__name__}")
    return value


def _hosts(name: str, value: Any) -> str | None:
    if value is None:
        return None
    hosts = value.split(",") if isinstance(value, str) else []
    if not hosts or not all(_HOST.fullmatch(host.strip()) for host in hosts):
        _refuse(name, "a jump host such as user@host:port, or several with commas between them", value)
    return str(value)


def _files(name: str, value: Any) -> tuple[Path, ...] | None:
    if value is None:
        return None
    if isinstance(value, (str, os.PathLike)):
        return (_file(name, value),)
    if isinstance(value, bytes) or not isinstance(value, Iterable):
        _refuse(name, "the path of a file, or a list of paths", value)
    files = tuple(_file(name, each) for each in value)
    if not files:
        _refuse(name, "the path of a file, or a list of paths", value)
    return files


def _file(name: str, value: Any) -> Path:
    if "PRIVATE KEY-----" in str(value):
        raise InvalidArgumentError(
            f"{name} is the text of a private key: give it with ex_ssh_key_text, or its file's path"
        )
    try:
        file = Path(value).expanduser()
        possible = file.name and b"\0" not in os.fsencode(file)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidArgumentError(f"{name} must be the path of a file, not {value!r}: {error}") from error
    if not possible:
        _refuse(name, "the path of a file", value)
    return file


def _refuse(name: str, rule: str, value: object) -> NoReturn:
    raise InvalidArgumentError(f"{name} must be {rule}, not {value!r}")
