"""One call of ``deploy_node``: a machine on which everything was done, or an exception that has the machine."""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from types import NoneType
from typing import Any

from libcloud.compute.base import Node
from libcloud.compute.deployment import Deployment

from stratuslab_libcloud.deployment.checks import check
from stratuslab_libcloud.deployment.interruption import TICK_SECONDS, Work, to_the_end
from stratuslab_libcloud.deployment.keys import KeyFiles, LoginKey, MachineKeys, find_login_key
from stratuslab_libcloud.deployment.limits import Deadline, DeploymentStoppedError
from stratuslab_libcloud.deployment.options import DeployOptions
from stratuslab_libcloud.deployment.reports import Reports, Steps, Tell
from stratuslab_libcloud.deployment.started_node import Driver, StartedNode, tell
from stratuslab_libcloud.deployment.steps import single_steps
from stratuslab_libcloud.deployment.target import DeployTarget

UNWINDING_SECONDS = 3.0
"""How long a deployment whose time is over is given to come to its end by itself."""

_OWN_STEPS = 3
"""Creating the machine, waiting for it, and the first login, before those of the deployment."""


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

    def carry_out(
        self,
        deployment: Deployment,
        create_keywords: Mapping[str, Any],
        deadline: Deadline | None = None,
        tell: Tell | None = None,
    ) -> Node:
        """Start a machine and run the deployment on it.

        :param create_keywords: the keywords for ``create_node``
        :param deadline: by which it must be done; by default, in the time that the options give
        :param tell: is told of each step, by the caller's thread
        :raises KeyFileError: no private key opens the machine; it was not started
        :raises DeploymentFailedError: it was started, but not deployed
        """
        check(deployment)
        machine_keys = MachineKeys(self.target.public_keys, self.target.public_keys_origin)
        with find_login_key(machine_keys, self._key_files(), self.options.ssh_key_password) as login_key:
            run = _Run(self, login_key, deadline or Deadline(self.options.deploy_timeout), Reports(tell))
            return run.carry_out(deployment, create_keywords)

    def _key_files(self) -> KeyFiles:
        if self.options.ssh_key_text is not None:
            return KeyFiles((), "ex_ssh_key_text", required=True, text=self.options.ssh_key_text)
        named = self.options.key_files
        if named is not None:
            return KeyFiles(named, "ssh_key", required=True)
        origin = f"user_private_key_file of location '{self.target.location}'"
        return KeyFiles((self.target.private_key_file,), origin, required=False)


class _Run:
    """A machine from its creation to the end of its deployment, in a thread of its own."""

    def __init__(self, plan: Plan, login_key: LoginKey, deadline: Deadline, reports: Reports) -> None:
        self._plan = plan
        self._login_key = login_key
        self._deadline = deadline
        self._reports = reports
        self._begun = threading.Event()
        self._creation: Future[Node] = Future()
        self._started: StartedNode | None = None

    def carry_out(self, deployment: Deployment, create_keywords: Mapping[str, Any]) -> Node:
        try:
            work = Work(lambda: self._run(deployment, create_keywords), "deploy_node")
            work.begin()
            problem = self._wait(work.outcome)
            if not isinstance(problem, (Exception, NoneType)):
                raise problem
        except BaseException as interruption:
            self._deadline.cancel()
            to_the_end(functools.partial(self._clean_up, interruption), "cleaning up after an interruption")
            raise
        if not self._started:
            return self._creation.result()  # which raises what was wrong
        if problem:
            raise self._started.failure(problem) from problem
        return work.outcome.result()

    def _run(self, deployment: Deployment, create_keywords: Mapping[str, Any]) -> Node:
        self._begun.set()
        progress = Steps(self._reports, _OWN_STEPS + len(list(single_steps(deployment))))
        try:
            self._deadline.check()
            progress.tell("creating it")
            node = self._plan.driver.create_node(**create_keywords)
            plan = self._plan
            self._started = StartedNode(
                node, plan.driver, plan.target, plan.options, self._login_key, self._deadline, progress
            )
        except BaseException as error:
            self._creation.set_exception(error)
            raise
        self._creation.set_result(node)
        return self._started.deploy(deployment)

    def _wait(self, outcome: Future[Node]) -> BaseException | None:
        """Wait for the end, or for the end of the time, which a step of the user's own may not notice."""
        ticks_left = UNWINDING_SECONDS / TICK_SECONDS
        while not self._reports.wait([outcome], TICK_SECONDS):
            if self._started and not self._deadline.left():
                ticks_left -= 1
                if ticks_left <= 0:
                    return DeploymentStoppedError("a step of it does not end")
        return outcome.exception()

    def _clean_up(self, interruption: BaseException) -> None:
        """Say what was started, and end it if that is wanted. A creation is waited for, or it would be lost."""
        if not self._begun.wait(UNWINDING_SECONDS):
            return
        problem = self._creation.exception()
        if self._started:
            self._started.clean_up_after(interruption)
        elif problem and not isinstance(problem, DeploymentStoppedError):
            location = self._plan.target.location
            tell(interruption, f"interrupted while a machine was created in '{location}', which failed: {problem}")
