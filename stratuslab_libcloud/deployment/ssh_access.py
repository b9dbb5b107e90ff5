"""Where a machine's SSH server is, and the patience until it lets somebody in."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import paramiko

from stratuslab_libcloud.client.stratuslab.port_translation import PortTranslationService
from stratuslab_libcloud.deployment.ssh_client import GuestClient
from stratuslab_libcloud.errors import ServiceError

logger = logging.getLogger("stratuslab_libcloud.deployment")

LONGEST_PAUSE_SECONDS = 1.5
SLOWEST_LOGIN_SECONDS = 30.0
CHECK_SECONDS = 10.0


class UnreachableError(Exception):
    """Nobody got in within the time limit; the text says where and why."""


@dataclass(frozen=True)
class SshAddress:
    """Where an SSH server is."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host} port {self.port}"


@dataclass(frozen=True)
class Gateway:
    """A host through which a cloud's machines are reached, and the service that knows its ports."""

    host: str
    service: PortTranslationService


class Way:
    """The way to one port of a machine: over the cloud's gateway where that leads there, else straight.

    :param machine_id: the machine's number
    :param port: its own port
    :param addresses: those of its addresses that may be gone to straight
    :param gateway: the cloud's, if it has one
    """

    def __init__(self, machine_id: int, port: int, addresses: Sequence[str], gateway: Gateway | None) -> None:
        self._machine_id = machine_id
        self._port = port
        self._addresses = addresses
        self._gateway = gateway

    def find(self) -> SshAddress:
        """Where to go now: the gateway learns of a machine some time after it runs.

        :raises UnreachableError: there is no way yet
        :raises ServiceError: the port translation service can not be asked, and there is no other way
        """
        address = self._over_gateway()
        if address is None and not self._addresses:
            raise UnreachableError(f"no port of the gateway leads to its port {self._port}")
        return address or SshAddress(self._addresses[0], self._port)

    def close(self) -> None:
        """End the connection to the port translation service."""
        if self._gateway:
            self._gateway.service.close()

    def _over_gateway(self) -> SshAddress | None:
        if self._gateway is None:
            return None
        try:
            port = self._gateway.service.ports(self._machine_id).get(self._port)
        except ServiceError as problem:
            if not self._addresses:
                raise
            logger.debug("going straight to machine %s, since %s", self._machine_id, problem)
            return None
        return None if port is None else SshAddress(self._gateway.host, port)


class Door:
    """A machine's SSH server, at which one waits until it lets somebody in.

    :param find: tells where it is
    :param check: raises an exception where the machine has ended, for which one would wait in vain
    :param usernames: who to log in as; the first that the key is taken for
    :param key: the private key
    :param timeout: seconds that may be waited, however often it is entered
    :param connect_timeout: seconds that making one connection may take
    :param pause: seconds between attempts
    :param label: names the machine in the log
    """

    def __init__(
        self,
        find: Callable[[], SshAddress],
        check: Callable[[], None],
        usernames: Sequence[str],
        key: paramiko.PKey,
        *,
        timeout: float,
        connect_timeout: float,
        pause: float,
        label: str,
    ) -> None:
        self._find = find
        self._check = check
        self._usernames = usernames
        self._key = key
        self._timeout = timeout
        self._patience = timeout
        self._connect_timeout = connect_timeout
        self._pause = min(pause, LONGEST_PAUSE_SECONDS)
        self._label = label
        self._announced: SshAddress | None = None

    def enter(self) -> GuestClient:
        """Wait for the server, and log in.

        :raises UnreachableError: the time limit is over
        :raises Exception: what `check` raised
        """
        started = time.monotonic()
        deadline = started + self._patience
        try:
            return self._wait(deadline)
        finally:
            self._patience -= time.monotonic() - started

    def _wait(self, deadline: float) -> GuestClient:
        said = None
        next_check = time.monotonic() + CHECK_SECONDS
        while True:
            try:
                return self._knock(deadline)
            except (UnreachableError, ServiceError) as error:
                problem = str(error)
            if time.monotonic() + self._pause >= deadline:
                raise UnreachableError(f"nobody could log in within {self._timeout:g} seconds: {problem}")
            if problem != said:
                logger.info("%s: still waiting: %s", self._label, problem)
                said = problem
            if time.monotonic() >= next_check:
                self._check()
                next_check = time.monotonic() + CHECK_SECONDS
            time.sleep(self._pause)

    def _knock(self, deadline: float) -> GuestClient:
        """Try to log in, once for each user name."""
        address = self._find()
        if address != self._announced:
            logger.info("%s: waiting for SSH at %s", self._label, address)
            self._announced = address
        for username in self._usernames:
            try:
                client = self._connect(address, username, max(1.0, deadline - time.monotonic()))
            except paramiko.AuthenticationException as error:
                refusal = error
            except (OSError, EOFError, paramiko.SSHException) as error:
                raise UnreachableError(f"there is no SSH at {address}: {_words_of(error)}") from error
            else:
                logger.info("%s: logged in as %s at %s", self._label, username, address)
                return client
        raise UnreachableError(
            f"SSH at {address} does not let {' or '.join(self._usernames)} in with the key: {refusal}"
        ) from refusal

    def _connect(self, address: SshAddress, username: str, seconds: float) -> GuestClient:
        client = GuestClient(
            address.host,
            address.port,
            username,
            self._key,
            timeout=min(self._connect_timeout, seconds),
            login_timeout=min(max(self._connect_timeout, SLOWEST_LOGIN_SECONDS), seconds),
            label=self._label,
        )
        client.connect()
        return client


def _words_of(error: Exception) -> str:
    """What an exception says, those of `paramiko` that say little included."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, EOFError):
        return "the server ended the connection"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
