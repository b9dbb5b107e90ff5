"""The route to a machine's SSH server, and logging in there as soon as the server accepts it."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Mapping, Sequence

import paramiko

from stratuslab_libcloud.deployment.execution import ConnectionLostError
from stratuslab_libcloud.deployment.polling import Polling
from stratuslab_libcloud.deployment.printable import printable
from stratuslab_libcloud.deployment.reaching import SshAddress
from stratuslab_libcloud.deployment.ssh_client import ClientOptions, DeploymentSSHClient, TurnedAwayError
from stratuslab_libcloud.deployment.target import Gateway
from stratuslab_libcloud.errors import ServiceError

logger = logging.getLogger("stratuslab_libcloud.deployment")

LONGEST_PAUSE_SECONDS = 1.5
SLOWEST_LOGIN_SECONDS = 30.0
CHECK_SECONDS = 10.0


class UnreachableError(Exception):
    """No login succeeded within the time limit; the text says where and why."""


class SshRoute:
    """The route to one port of a machine: through the cloud's gateway where it has a port for it, else direct.

    :param machine_id: the machine's number
    :param port: its own port
    :param addresses: those of its addresses that can be connected to directly
    :param gateway: the cloud's, if it has one
    """

    def __init__(self, machine_id: int, port: int, addresses: Sequence[str], gateway: Gateway | None) -> None:
        self._machine_id = machine_id
        self._port = port
        self._addresses = addresses
        self._gateway = gateway

    def find(self) -> SshAddress:
        """Where to connect to now: the gateway learns of a machine some time after it runs.

        :raises UnreachableError: there is no route yet
        :raises ServiceError: the port translation service cannot be asked, and there is no other route
        """
        address = self._through_gateway()
        if address is None and not self._addresses:
            raise UnreachableError(f"no port of the gateway leads to its port {self._port}")
        return address or SshAddress(self._addresses[0], self._port)

    def close(self) -> None:
        """End the connection to the port translation service."""
        if self._gateway:
            self._gateway.service.close()

    def _through_gateway(self) -> SshAddress | None:
        if self._gateway is None:
            return None
        try:
            port = self._gateway.service.ports(self._machine_id).get(self._port)
        except ServiceError as problem:
            if not self._addresses:
                raise
            logger.debug("connecting directly to machine %s, since %s", self._machine_id, problem)
            return None
        return None if port is None else SshAddress(self._gateway.host, port)


class SshLogin:
    """Logs in to a machine's SSH server, and waits until that is possible.

    :param find: tells where it is
    :param check: raises an exception where the machine has ended
    :param usernames: the users to log in as; the first one for whom the key is accepted and commands are run is used
    :param options: for the connections
    :param timeout: seconds of waiting, over all logins together
    :param longest_pause: seconds between attempts, at the most
    :param label: names the machine in the log
    """

    def __init__(
        self,
        find: Callable[[], SshAddress],
        check: Callable[[], None],
        usernames: Sequence[str],
        options: ClientOptions,
        *,
        timeout: float,
        longest_pause: float,
        label: str,
    ) -> None:
        self._find = find
        self._check = check
        self._usernames = usernames
        self._options = options
        self._timeout = timeout
        self._seconds_left = timeout
        self._longest_pause = min(longest_pause, LONGEST_PAUSE_SECONDS)
        self._label = label
        self._announced: SshAddress | None = None

    def log_in(self) -> DeploymentSSHClient:
        """Wait for the server, and log in.

        :raises UnreachableError: the time limit is over, or the machine turns all of these users away
        :raises DeploymentStoppedError: the deployment's time is over
        :raises Exception: what `check` raised
        """
        polling = Polling(self._seconds_left, self._longest_pause, self._options.deadline.pause)
        try:
            return self._wait(polling)
        except TurnedAwayError as error:
            raise UnreachableError(str(error)) from error
        finally:
            self._seconds_left = polling.left()

    def _wait(self, polling: Polling) -> DeploymentSSHClient:
        reported = None
        next_check = time.monotonic() + CHECK_SECONDS
        while True:
            try:
                return self._try_once(polling)
            except (UnreachableError, ServiceError) as error:
                problem = str(error)
            if problem != reported:
                logger.info("%s: still waiting: %s", self._label, problem)
                reported = problem
            if time.monotonic() >= next_check:
                self._check()
                next_check = time.monotonic() + CHECK_SECONDS
            if not polling.pause():
                raise UnreachableError(f"nobody could log in within {self._timeout:g} seconds: {problem}")

    def _try_once(self, polling: Polling) -> DeploymentSSHClient:
        """Try to log in, once for each user name."""
        address = self._find()
        if address != self._announced:
            logger.info("%s: waiting for SSH at %s", self._label, address)
            self._announced = address
        refusals: dict[str, Exception] = {}
        for username in self._usernames:
            self._options.deadline.check()
            try:
                client = self._connect(address, username, max(1.0, polling.left()))
            except (paramiko.AuthenticationException, TurnedAwayError) as error:
                refusals[username] = error
            except (OSError, EOFError, paramiko.SSHException, ConnectionLostError) as error:
                words = self._options.reach.complaint() or _words_of(error)
                raise UnreachableError(f"there is no SSH at {address}: {words}") from error
            else:
                logger.info("%s: logged in as %s at %s", self._label, username, address)
                return client
        raise self._refused(address, refusals)

    def _refused(self, address: SshAddress, refusals: Mapping[str, Exception]) -> Exception:
        """Why nobody could log in: for good where each user was turned away, else perhaps not for long."""
        users = " or ".join(refusals)
        turned_away = [
            f"to {user} it says: {why}" for user, why in refusals.items() if isinstance(why, TurnedAwayError)
        ]
        refused = [why for why in refusals.values() if not isinstance(why, TurnedAwayError)]
        if not refused:
            return TurnedAwayError(
                f"SSH at {address} runs no commands for {users}: {'; '.join(turned_away)}: "
                "give another user with ssh_username or ssh_alternate_usernames"
            )
        return UnreachableError(
            "; ".join([f"SSH at {address} does not let {users} in with the key: {refused[-1]}", *turned_away])
        )

    def _connect(self, address: SshAddress, username: str, seconds: float) -> DeploymentSSHClient:
        options = dataclasses.replace(
            self._options,
            timeout=min(self._options.timeout, seconds),
            login_timeout=min(max(self._options.timeout, SLOWEST_LOGIN_SECONDS), seconds),
        )
        client = DeploymentSSHClient(address, username, options, self._label)
        client.connect()
        try:
            client.check_user()
        except BaseException:
            client.close()
            raise
        return client


def _words_of(error: Exception) -> str:
    """What an exception says, those of `paramiko` that say little included."""
    if isinstance(error, EOFError):
        return "the server ended the connection"
    words = (error.strerror if isinstance(error, OSError) else None) or str(error)
    if isinstance(error, TimeoutError) and words in ("", "timed out"):
        return "no answer in time"
    return printable(words)
