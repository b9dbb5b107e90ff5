"""From a wish to a machine on which everything was done, or an exception that has the machine."""

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

from stratuslab_libcloud.client.stratuslab.port_translation import PortTranslationService
from stratuslab_libcloud.config import CloudConfig
from stratuslab_libcloud.deployment import steps
from stratuslab_libcloud.deployment.checks import check
from stratuslab_libcloud.deployment.execution import ConnectionLostError, program_of
from stratuslab_libcloud.deployment.keys import KeyFiles, MachineKeys, Opener, find_opener
from stratuslab_libcloud.deployment.options import DeployOptions
from stratuslab_libcloud.deployment.ssh_access import Door, Gateway, UnreachableError, Way
from stratuslab_libcloud.deployment.ssh_client import GuestClient
from stratuslab_libcloud.driver.waiting import SSH_INTERFACES
from stratuslab_libcloud.errors import (
    DeploymentFailedError,
    ScriptFailedError,
    ServiceError,
    StratusLabError,
    WaitTimeoutError,
)

logger = logging.getLogger("stratuslab_libcloud.deployment")

PORT_TRANSLATION_SECONDS = 10.0
"""At most; it is asked again and again."""

_IN_WORDS = (StratusLabError, UnreachableError, ConnectionLostError, steps.ScriptStatusError, OSError)


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
    :param config: the machine's location
    :param options: the caller's
    :param machine_keys: the public keys that the machine gets
    :param proxy_url: an HTTP proxy to use instead of the environment's
    """

    driver: Driver
    config: CloudConfig
    options: DeployOptions
    machine_keys: MachineKeys
    proxy_url: str | None

    def carry_out(self, deployment: Deployment, wishes: Mapping[str, Any]) -> Node:
        """Start a machine and do on it what is to be done.

        :param wishes: the keywords for ``create_node``
        :raises KeyFileError: no private key opens the machine; it was not started
        :raises DeploymentFailedError: it was started, but not deployed
        """
        check(deployment)
        with find_opener(self.machine_keys, self._key_files(), self.options.ssh_key_password) as opener:
            node = self.driver.create_node(**wishes)
            return _StartedNode(self, node, opener).deploy(deployment)

    def _key_files(self) -> KeyFiles:
        named = self.options.key_files
        if named is not None:
            return KeyFiles(named, "ssh_key", required=True)
        configured = self.config.private_key_file
        origin = f"user_private_key_file of location '{self.config.section}'"
        return KeyFiles((configured,), origin, required=False)


class _StartedNode:
    """A machine that was started, and that from here on is never forgotten."""

    def __init__(self, plan: Plan, node: Node, opener: Opener) -> None:
        self._plan = plan
        self._options = plan.options
        self._node = node
        self._opener = opener
        self._label = f"machine {node.id} in '{plan.config.section}'"
        self._interface = plan.options.ssh_interface
        self._straight: list[str] = []
        self._at_exit: Callable[[], object] | None = None

    def deploy(self, deployment: Deployment) -> Node:
        try:
            self._register_at_exit()
            self._wait()
            node = self._do(deployment)
        except Exception as problem:  # whatever it is, the caller is to get the machine with it
            self._unregister_at_exit()
            raise self._failure(problem) from problem
        except BaseException:
            self._leave_in_a_hurry()
            raise
        self._unregister_at_exit()
        logger.info("%s: deployed", self._label)
        return node

    def _wait(self) -> None:
        self._interface = self._choose_interface()
        logger.info("%s: waiting for it to run", self._label)
        self._node, addresses = self._until_running(self._options.seconds_to_wait)
        self._straight = addresses if self._interface == self._options.ssh_interface else []

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
        if self._plan.config.port_translation:
            return other
        raise UnreachableError(
            f"it has no address in {wanted}, only {getattr(self._node, other)[0]} in {other}: give "
            f"ssh_interface='{other}', or set port_translation if the cloud has a gateway"
        )

    def _do(self, deployment: Deployment) -> Node:
        options = self._options
        with contextlib.closing(self._way()) as way:
            door = Door(
                way.find,
                self._check,
                options.usernames,
                self._opener.key,
                timeout=options.seconds_to_wait,
                connect_timeout=options.seconds_to_connect,
                pause=options.wait_period,
                label=self._label,
            )
            runner = steps.StepRunner(
                lambda: self._enter(door),
                max_tries=options.max_tries,
                check_exit_status=options.check_exit_status,
                label=self._label,
            )
            return runner.run(deployment, self._node)

    def _way(self) -> Way:
        return Way(int(self._node.id or 0), self._options.ssh_port, self._straight, self._gateway())

    def _gateway(self) -> Gateway | None:
        configured = self._plan.config.port_translation
        if configured is None:
            return None
        service = PortTranslationService(
            configured.service_url,
            location=self._plan.config.section,
            verify=self._plan.config.compute.verify,
            timeout=min(PORT_TRANSLATION_SECONDS, self._plan.config.compute.timeout, self._options.seconds_to_wait),
            proxy_url=self._plan.proxy_url,
        )
        return Gateway(configured.gateway_host, service)

    def _enter(self, door: Door) -> GuestClient:
        client = door.enter()
        self._node.extra.update(ssh_host=client.hostname, ssh_port=client.port, ssh_username=client.username)
        return client

    def _failure(self, problem: Exception) -> DeploymentFailedError:
        if isinstance(problem, _IN_WORDS):
            words = str(problem)
        elif isinstance(problem, SSHCommandTimeoutError):
            words = f"{program_of(problem.cmd)} did not end within {problem.timeout:g} seconds"
        else:
            words = f"{type(problem).__name__}: {problem}"
        message = f"{self._label} was not deployed: {words}; {self._settle()}"
        if isinstance(problem, steps.ScriptStatusError):
            return ScriptFailedError(message, node=self._node, status=problem.status, output=problem.output)
        return DeploymentFailedError(message, node=self._node, original_error=problem)

    def _settle(self) -> str:
        """Do with the machine what the caller wants after a failure, and say what has become of it."""
        if not self._options.destroy_on_failure:
            return "the machine is still there, and node.destroy() ends it"
        try:
            self._plan.driver.destroy_node(self._node)
        except Exception as problem:  # noqa: BLE001 - what led here is to be raised, not this
            return f"the machine could not be destroyed, either, and may still be there: {problem}"
        return "the machine was destroyed"

    def _leave_in_a_hurry(self) -> None:
        if self._options.destroy_on_failure:
            self._unregister_at_exit()
        logger.warning("%s: interrupted before it was deployed; %s", self._label, self._settle())

    def _register_at_exit(self) -> None:
        if self._options.at_exit_func:
            # A function of its own, since to unregister one takes away all that are equal to it.
            self._at_exit = functools.partial(self._options.at_exit_func, driver=self._plan.driver, node=self._node)
            atexit.register(self._at_exit)

    def _unregister_at_exit(self) -> None:
        if self._at_exit:
            atexit.unregister(self._at_exit)
