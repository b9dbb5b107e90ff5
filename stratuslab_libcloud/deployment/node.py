"""One call of ``deploy_node``: a machine on which everything was done, or an exception that has the machine."""

from __future__ import annotations

import atexit
import contextlib
import functools
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from libcloud.compute.base import Node
from libcloud.compute.deployment import Deployment
from libcloud.compute.ssh import SSHCommandTimeoutError

from stratuslab_libcloud.deployment import steps
from stratuslab_libcloud.deployment.checks import check
from stratuslab_libcloud.deployment.execution import ConnectionLostError, program_of
from stratuslab_libcloud.deployment.keys import KeyFiles, LoginKey, MachineKeys, find_login_key
from stratuslab_libcloud.deployment.options import SSH_INTERFACES, DeployOptions
from stratuslab_libcloud.deployment.ssh_access import SshLogin, SshRoute, UnreachableError
from stratuslab_libcloud.deployment.ssh_client import DeploymentSSHClient
from stratuslab_libcloud.deployment.target import DeployTarget
from stratuslab_libcloud.errors import (
    DeploymentFailedError,
    ScriptFailedError,
    ServiceError,
    StratusLabError,
    WaitTimeoutError,
)

logger = logging.getLogger("stratuslab_libcloud.deployment")

_SELF_EXPLANATORY = (StratusLabError, UnreachableError, ConnectionLostError, steps.ScriptStatusError, OSError)


class Driver(Protocol):
    """What is needed of a driver."""

    @property
    def create_node(self) -> Callable[..., Node]:
        """Starts a machine."""

    def wait_until_running(
        self, nodes: list[Node], wait_period: float, timeout: Any, ssh_interface: str
    ) -> list[tuple[Node, list[str]]]:
        """Wait until machines run and have an address."""

    def destroy_node(self, node: Node) -> bool:
        """End a machine."""


@dataclass(frozen=True)
class Plan:
    """One call of ``deploy_node``.

    :param driver: starts, waits for and ends the machine
    :param target: the machine's location and keys
    :param options: the caller's
    """

    driver: Driver
    target: DeployTarget
    options: DeployOptions

    def carry_out(self, deployment: Deployment, create_keywords: Mapping[str, Any]) -> Node:
        """Start a machine and run the deployment on it.

        :param create_keywords: the keywords for ``create_node``
        :raises KeyFileError: no private key opens the machine; it was not started
        :raises DeploymentFailedError: it was started, but not deployed
        """
        check(deployment)
        machine_keys = MachineKeys(self.target.public_keys, self.target.public_keys_origin)
        with find_login_key(machine_keys, self._key_files(), self.options.ssh_key_password) as login_key:
            node = self.driver.create_node(**create_keywords)
            return _StartedNode(self, node, login_key).deploy(deployment)

    def _key_files(self) -> KeyFiles:
        named = self.options.key_files
        if named is not None:
            return KeyFiles(named, "ssh_key", required=True)
        origin = f"user_private_key_file of location '{self.target.location}'"
        return KeyFiles((self.target.private_key_file,), origin, required=False)


class _StartedNode:
    """A machine that was started, and that from here on is never forgotten."""

    def __init__(self, plan: Plan, node: Node, login_key: LoginKey) -> None:
        self._plan = plan
        self._options = plan.options
        self._node = node
        self._login_key = login_key
        self._label = f"machine {node.id} in '{plan.target.location}'"
        self._interface = plan.options.ssh_interface
        self._direct_addresses: list[str] = []
        self._at_exit: Callable[[], object] | None = None

    def deploy(self, deployment: Deployment) -> Node:
        try:
            self._register_at_exit()
            self._wait()
            node = self._do(deployment)
        except Exception as problem:  # the caller gets the machine with any exception
            self._unregister_at_exit()
            raise self._failure(problem) from problem
        except BaseException:
            self._clean_up_after_interruption()
            raise
        self._unregister_at_exit()
        logger.info("%s: deployed", self._label)
        return node

    def _wait(self) -> None:
        self._interface = self._choose_interface()
        logger.info("%s: waiting for it to run", self._label)
        self._node, addresses = self._until_running(self._options.seconds_to_wait)
        self._direct_addresses = addresses if self._interface == self._options.ssh_interface else []

    def _check(self) -> None:
        """See that the machine has not ended since it ran; a cloud that does not say so is no reason to give up."""
        with contextlib.suppress(WaitTimeoutError, ServiceError):
            self._until_running(0)

    def _until_running(self, seconds: float) -> tuple[Node, list[str]]:
        [(node, addresses)] = self._plan.driver.wait_until_running(
            nodes=[self._node],
            wait_period=self._options.wait_period,
            timeout=seconds,
            ssh_interface=self._interface,
        )
        return node, addresses

    def _choose_interface(self) -> str:
        """The kind of address to wait for: with a gateway, the one that the machine has."""
        wanted = self._options.ssh_interface
        other = next(interface for interface in SSH_INTERFACES if interface != wanted)
        if getattr(self._node, wanted) or not getattr(self._node, other):
            return wanted
        if self._plan.target.gateway:
            return other
        raise UnreachableError(
            f"it has no address in {wanted}, only {getattr(self._node, other)[0]} in {other}: give "
            f"ssh_interface='{other}', or set port_translation if the cloud has a gateway"
        )

    def _do(self, deployment: Deployment) -> Node:
        options = self._options
        with contextlib.closing(self._route()) as route:
            login = SshLogin(
                route.find,
                self._check,
                options.usernames,
                self._login_key.key,
                timeout=options.seconds_to_wait,
                connect_timeout=options.seconds_to_connect,
                longest_pause=options.wait_period,
                label=self._label,
            )
            runner = steps.StepRunner(
                lambda: self._log_in(login),
                max_tries=options.max_tries,
                check_exit_status=options.check_exit_status,
                label=self._label,
            )
            return runner.run(deployment, self._node)

    def _route(self) -> SshRoute:
        number = int(self._node.id or 0)
        return SshRoute(number, self._options.ssh_port, self._direct_addresses, self._plan.target.gateway)

    def _log_in(self, login: SshLogin) -> DeploymentSSHClient:
        client = login.log_in()
        self._node.extra.update(ssh_host=client.hostname, ssh_port=client.port, ssh_username=client.username)
        return client

    def _failure(self, problem: Exception) -> DeploymentFailedError:
        if isinstance(problem, _SELF_EXPLANATORY):
            words = str(problem)
        elif isinstance(problem, SSHCommandTimeoutError):
            words = f"{program_of(problem.cmd)} did not end within {problem.timeout:g} seconds"
        else:
            words = f"{type(problem).__name__}: {problem}"
        message = f"{self._label} was not deployed: {words}; {self._destroy_if_asked()}"
        if isinstance(problem, steps.ScriptStatusError):
            return ScriptFailedError(message, node=self._node, status=problem.status, output=problem.output)
        return DeploymentFailedError(message, node=self._node, original_error=problem)

    def _destroy_if_asked(self) -> str:
        """Destroy the machine if the caller wants that after a failure, and say what has become of it."""
        if not self._options.destroy_on_failure:
            return "the machine is still there, and node.destroy() ends it"
        try:
            self._plan.driver.destroy_node(self._node)
        except Exception as problem:  # noqa: BLE001 - the first failure is raised, not this one
            return f"the machine could not be destroyed either, and may still be there: {problem}"
        return "the machine was destroyed"

    def _clean_up_after_interruption(self) -> None:
        if self._options.destroy_on_failure:
            self._unregister_at_exit()
        logger.warning("%s: interrupted before it was deployed; %s", self._label, self._destroy_if_asked())

    def _register_at_exit(self) -> None:
        if self._options.at_exit_func:
            # A function of its own, since to unregister one takes away all that are equal to it.
            self._at_exit = functools.partial(self._options.at_exit_func, driver=self._plan.driver, node=self._node)
            atexit.register(self._at_exit)

    def _unregister_at_exit(self) -> None:
        if self._at_exit:
            atexit.unregister(self._at_exit)
