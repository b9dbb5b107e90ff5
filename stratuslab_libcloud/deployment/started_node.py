"""A machine that was started, and that from here on is never forgotten."""

from __future__ import annotations

import atexit
import contextlib
import functools
import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from libcloud.compute.base import Node
from libcloud.compute.deployment import Deployment
from libcloud.compute.ssh import SSHCommandTimeoutError

from stratuslab_libcloud.deployment import steps
from stratuslab_libcloud.deployment.execution import CommandOptions, ConnectionLostError, program_of
from stratuslab_libcloud.deployment.interruption import to_the_end
from stratuslab_libcloud.deployment.keys import LoginKey
from stratuslab_libcloud.deployment.limits import Deadline, DeploymentStoppedError
from stratuslab_libcloud.deployment.options import SSH_INTERFACES, DeployOptions
from stratuslab_libcloud.deployment.reports import Steps
from stratuslab_libcloud.deployment.ssh_access import SshLogin, SshRoute, UnreachableError
from stratuslab_libcloud.deployment.ssh_client import ClientOptions, DeploymentSSHClient
from stratuslab_libcloud.deployment.target import DeployTarget
from stratuslab_libcloud.errors import (
    DeploymentFailedError,
    ScriptFailedError,
    ServiceError,
    StratusLabError,
    WaitTimeoutError,
)

logger = logging.getLogger("stratuslab_libcloud.deployment")

_DESTROYED = "the machine was destroyed"

_SELF_EXPLANATORY = (
    StratusLabError,
    UnreachableError,
    ConnectionLostError,
    DeploymentStoppedError,
    steps.ScriptStatusError,
    OSError,
)


class Driver(Protocol):
    """What is needed of a driver."""

    @property
    def create_node(self) -> Callable[..., Node]:
        """Starts a machine."""

    def wait_until_running(
        self,
        nodes: list[Node],
        wait_period: float,
        timeout: Any,
        ssh_interface: str,
        *,
        ex_progress: Callable[[Any], object] | None,
    ) -> Sequence[tuple[Node, list[str]]]:
        """Wait until machines run and have an address."""

    def destroy_node(self, node: Node) -> bool:
        """End a machine."""


class StartedNode:
    """A machine that was started.

    :param node: the machine
    :param driver: waits for it and ends it
    :param target: where it is, and how it is reached
    :param options: the caller's
    :param login_key: opens it
    :param deadline: by which it must be deployed
    :param progress: the steps of its deployment
    """

    def __init__(
        self,
        node: Node,
        driver: Driver,
        target: DeployTarget,
        options: DeployOptions,
        login_key: LoginKey,
        deadline: Deadline,
        progress: Steps,
    ) -> None:
        self._node = node
        self._driver = driver
        self._gateway = target.gateway
        self._private_will_do = target.private_will_do
        self._options = options
        self._login_key = login_key
        self._deadline = deadline
        self._progress = progress
        self._label = f"machine {node.id} in '{target.location}'"
        self._interface = options.ssh_interface
        self._direct_addresses: list[str] = []
        self._at_exit: Callable[[], object] | None = None

    def deploy(self, deployment: Deployment) -> Node:
        """Wait until it runs and lets somebody in, and run a deployment on it.

        :return: the node as it is then
        :raises Exception: what went wrong, for `failure`
        """
        self._register_at_exit()
        self._tell_next("waiting for it to run")
        self._wait()
        self._tell_next("logging in")
        node = self._do(deployment)
        self._unregister_at_exit()
        logger.info("%s: deployed", self._label)
        self._tell_next("done")
        return node

    def failure(self, problem: Exception) -> DeploymentFailedError:
        """The exception for the caller; the machine is destroyed before, if that is wanted.

        :param problem: what went wrong
        """
        self._unregister_at_exit()
        fate = to_the_end(self._destroy_if_asked, f"destroying {self._label}")
        message = f"{self._label} was not deployed: {self._words_for(problem)}; {fate}"
        error: DeploymentFailedError
        if isinstance(problem, steps.ScriptStatusError):
            error = ScriptFailedError(message, node=self._node, status=problem.status, output=problem.output)
        else:
            error = DeploymentFailedError(message, node=self._node, original_error=problem)
        error.destroyed = fate == _DESTROYED
        return error

    def clean_up_after(self, interruption: BaseException) -> None:
        """Destroy it if that is wanted, and say what has become of it."""
        if self._options.destroy_on_failure:
            self._unregister_at_exit()
        mark = self._node.extra.get("mark")
        name = f"{self._label}{f' (mark {mark})' if mark else ''}"
        tell(interruption, f"{name}: interrupted before it was deployed; {self._destroy_if_asked()}")

    def _tell_next(self, words: str) -> None:
        self._progress.node = self._node
        self._progress.next(words)

    def _wait(self) -> None:
        self._interface = self._choose_interface()
        logger.info("%s: waiting for it to run", self._label)
        self._deadline.check()
        seconds = min(self._options.seconds_to_wait, self._deadline.left())
        self._node, addresses = self._until_running(seconds)
        is_direct = self._interface == self._options.ssh_interface or self._private_will_do
        self._direct_addresses = addresses if is_direct else []

    def _check(self) -> None:
        """See that the machine has not ended since it ran; a cloud that does not say so is no reason to give up."""
        with contextlib.suppress(WaitTimeoutError, ServiceError):
            self._until_running(0)

    def _until_running(self, seconds: float) -> tuple[Node, list[str]]:
        [(node, addresses)] = self._driver.wait_until_running(
            nodes=[self._node],
            wait_period=self._options.wait_period,
            timeout=seconds,
            ssh_interface=self._interface,
            ex_progress=lambda progress: self._progress.tell(progress.detail),
        )
        return node, addresses

    def _choose_interface(self) -> str:
        """The kind of address to wait for: with a gateway, the one that the machine has."""
        wanted = self._options.ssh_interface
        other = next(interface for interface in SSH_INTERFACES if interface != wanted)
        if getattr(self._node, wanted) or not getattr(self._node, other):
            return wanted
        if self._gateway or (self._private_will_do and other == "private_ips"):
            return other
        raise UnreachableError(
            f"it has no address in {wanted}, only {getattr(self._node, other)[0]} in {other}: give "
            f"ssh_interface='{other}', or set port_translation if the cloud has a gateway"
        )

    def _do(self, deployment: Deployment) -> Node:
        options = self._options
        client_options = self._client_options()
        with contextlib.closing(self._route()) as route, contextlib.closing(client_options.reach):
            login = SshLogin(
                route.find,
                self._check,
                options.usernames,
                client_options,
                timeout=options.seconds_to_wait,
                longest_pause=options.wait_period,
                label=self._label,
            )
            runner = steps.StepRunner(
                lambda: self._log_in(login),
                max_tries=options.max_tries,
                check_exit_status=options.check_exit_status,
                deadline=self._deadline,
                label=self._label,
                next_step=self._progress.next,
            )
            try:
                return runner.run(deployment, self._node)
            except ConnectionLostError:
                self._check()  # the machine may have ended, which says more
                raise

    def _client_options(self) -> ClientOptions:
        options = self._options
        return ClientOptions(
            keys=self._login_key.keys,
            timeout=options.seconds_to_connect,
            login_timeout=options.seconds_to_connect,
            deadline=self._deadline,
            reach=options.new_reach(),
            commands=CommandOptions(options.output_limit, options.terminal),
            sudo=options.sudo,
        )

    def _route(self) -> SshRoute:
        number = int(self._node.id or 0)
        return SshRoute(number, self._options.ssh_port, self._direct_addresses, self._gateway)

    def _log_in(self, login: SshLogin) -> DeploymentSSHClient:
        client = login.log_in()
        self._node.extra.update(ssh_host=client.hostname, ssh_port=client.port, ssh_username=client.username)
        return client

    def _words_for(self, problem: Exception) -> str:
        if isinstance(problem, _SELF_EXPLANATORY):
            words = str(problem)
        elif isinstance(problem, SSHCommandTimeoutError):
            words = f"{program_of(problem.cmd)} did not end within {problem.timeout:g} seconds"
        else:
            words = f"{type(problem).__name__}: {problem}"
        try:
            self._deadline.check()
        except DeploymentStoppedError as stopped:
            return words if words == str(stopped) else f"{stopped}: {words}"
        return words

    def _destroy_if_asked(self) -> str:
        """Destroy the machine if the caller wants that after a failure, and say what has become of it."""
        if not self._options.destroy_on_failure:
            return "the machine is still there, and node.destroy() ends it"
        try:
            self._driver.destroy_node(self._node)
        except Exception as problem:  # noqa: BLE001 - the first failure is raised, not this one
            return f"the machine could not be destroyed either, and may still be there: {problem}"
        return _DESTROYED

    def _register_at_exit(self) -> None:
        if self._options.at_exit_func:
            # A function of its own, since to unregister one takes away all that are equal to it.
            self._at_exit = functools.partial(self._options.at_exit_func, driver=self._driver, node=self._node)
            atexit.register(self._at_exit)

    def _unregister_at_exit(self) -> None:
        if self._at_exit:
            atexit.unregister(self._at_exit)


def tell(interruption: BaseException, words: str) -> None:
    """Say in the log, and with the exception itself where Python can, what has become of a machine."""
    logger.warning("%s", words)
    if hasattr(interruption, "add_note"):  # from Python 3.11 on
        interruption.add_note(words)
