"""``ex_deploy_nodes``: a deployment on each of several machines, some of them at the same time."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import wait
from dataclasses import dataclass
from typing import Any

from libcloud.compute.base import Node
from libcloud.compute.deployment import Deployment, MultiStepDeployment, ScriptDeployment

from stratuslab_libcloud.deployment.interruption import TICK_SECONDS, Work, to_the_end
from stratuslab_libcloud.deployment.limits import Deadline
from stratuslab_libcloud.deployment.reports import Reports, Tell
from stratuslab_libcloud.errors import DeploymentFailedError, InvalidArgumentError, SomeDeploymentsFailedError

logger = logging.getLogger("stratuslab_libcloud.deployment")


@dataclass
class DeployedNode:
    """What became of one machine of `ex_deploy_nodes`.

    :param name: the machine's
    :param location: where it was to be started
    :param deployment: what was to be done on it; its scripts have their output
    :param state: ``waiting``, ``begun``, ``deployed`` or ``failed``
    :param node: the machine, if it was started
    :param error: why it was not deployed, or could not be destroyed
    :param destroyed: whether it was destroyed
    """

    name: str
    location: Any
    deployment: Deployment
    state: str = "waiting"
    node: Node | None = None
    error: Exception | None = None
    destroyed: bool = False

    @property
    def output(self) -> str:
        """What the scripts printed, one after the other."""
        return "".join(script.stdout or "" for script in scripts_of(self.deployment))

    @property
    def exit_status(self) -> int | None:
        """The exit status of the last script that ran; None where none did."""
        statuses = [script.exit_status for script in scripts_of(self.deployment) if script.exit_status is not None]
        return statuses[-1] if statuses else None


@dataclass(frozen=True)
class GroupOptions:
    """How several machines are deployed.

    :param at_once: how many at the same time, at the most
    :param deploy_timeout: seconds for each
    :param destroy_on_failure: whether all end, and all machines are destroyed, as soon as one is not deployed
    :param destroy_when_done: whether each machine is destroyed after its deployment, whatever came of it
    """

    at_once: int
    deploy_timeout: float | None
    destroy_on_failure: bool
    destroy_when_done: bool


def machines_for(
    deployments: Iterable[Deployment], names: str | Iterable[str], locations: Sequence[Any]
) -> list[DeployedNode]:
    """A machine for each deployment; the locations take turns.

    :param names: of the machines; of a single text, ``NAME-1``, ``NAME-2`` and so on are made
    :raises InvalidArgumentError: something else was given, there are not as many names, or two machines share a script
    """
    wanted = _several("deployments", deployments, "one for each machine, such as [ScriptDeployment('true')]")
    if isinstance(names, str):
        names = [f"{names}-{number}" for number in range(1, len(wanted) + 1)]
    chosen = _several("names", names, "one for each machine, or a text that they begin with")
    if len(chosen) != len(wanted):
        raise InvalidArgumentError(f"there are {len(wanted)} deployments, but {len(chosen)} names")
    scripts = [id(script) for deployment in wanted for script in scripts_of(deployment)]
    if len(set(scripts)) < len(scripts):
        raise InvalidArgumentError(
            "each machine needs scripts of its own, since a script keeps its output: make a ScriptDeployment for each"
        )
    places = itertools.cycle(locations)
    return [DeployedNode(name, next(places), deployment) for name, deployment in zip(chosen, wanted, strict=True)]


def _several(name: str, values: Any, rule: str) -> list[Any]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise InvalidArgumentError(f"{name} must be {rule}, not {values!r}")
    return list(values)


def scripts_of(deployment: Deployment) -> Iterator[ScriptDeployment]:
    """The scripts of a deployment, in order."""
    if isinstance(deployment, MultiStepDeployment):
        for step in deployment.steps:
            yield from scripts_of(step)
    elif isinstance(deployment, ScriptDeployment):
        yield deployment


DeployOne = Callable[[DeployedNode, Deadline, Tell | None], Node]


def deploy_all(
    machines: list[DeployedNode],
    deploy: DeployOne,
    destroy: Callable[[Node], object],
    options: GroupOptions,
    tell: Tell | None = None,
) -> list[DeployedNode]:
    """Deploy on each machine, and lose none from sight.

    :param deploy: starts a machine and deploys on it until the deadline, and tells of each step
    :param destroy: ends a machine
    :param tell: is told whenever something has changed, by the caller's thread
    :return: `machines`, when all were deployed
    :raises SomeDeploymentsFailedError: some were not; it has all of them
    """
    return _Group(machines, deploy, destroy, options, tell).run()


class _Group:
    def __init__(
        self,
        machines: list[DeployedNode],
        deploy: DeployOne,
        destroy: Callable[[Node], object],
        options: GroupOptions,
        tell: Tell | None,
    ) -> None:
        self._machines = machines
        self._deploy = deploy
        self._destroy = destroy
        self._options = options
        self._deadline = Deadline()
        self._turns = iter(machines)
        self._lock = threading.Lock()
        self._reports = Reports(tell)
        self._deployed = 0

    def run(self) -> list[DeployedNode]:
        count = min(self._options.at_once, len(self._machines))
        workers = [Work(self._take_turns, "deploy_nodes") for _ in range(count)]
        try:
            for worker in workers:
                worker.begin()
            outcomes = [worker.outcome for worker in workers]
            while not self._reports.wait(outcomes, TICK_SECONDS):
                pass
            for outcome in outcomes:
                outcome.result()  # which raises what a step did to end the program
        except BaseException:
            self._deadline.cancel()
            to_the_end(lambda: self._clean_up(workers), "ending the machines of ex_deploy_nodes")
            raise
        failed = [machine for machine in self._machines if machine.state != "deployed" or machine.error]
        if failed:
            to_the_end(lambda: self._clean_up(workers), "ending the machines of ex_deploy_nodes")
            raise self._failure(failed)
        return self._machines

    def _take_turns(self) -> None:
        while self._deadline.left():
            with self._lock:
                machine = next(self._turns, None)
            if machine is None:
                return
            self._carry_out(machine)

    def _carry_out(self, machine: DeployedNode) -> None:
        self._change(machine, "begun")
        deadline = Deadline(self._options.deploy_timeout, self._deadline)
        try:
            machine.node = self._deploy(machine, deadline, self._teller(machine))
        except Exception as error:  # noqa: BLE001 - the caller gets it with the machine
            machine.error = error
            if isinstance(error, DeploymentFailedError):
                machine.node, machine.destroyed = error.node, error.destroyed
            if self._options.destroy_on_failure:
                self._deadline.cancel()
            self._change(machine, "failed")
            return
        if self._options.destroy_when_done:
            self._end(machine)
        self._change(machine, "deployed")

    def _clean_up(self, workers: Sequence[Work[None]]) -> None:
        """Destroy what is left if that is wanted, and name what stays."""
        wait([worker.outcome for worker in workers if worker.has_begun])
        for machine in self._machines:
            if machine.node and not machine.destroyed:
                if self._options.destroy_on_failure or self._options.destroy_when_done:
                    self._end(machine)
                if not machine.destroyed:
                    logger.warning("machine %s (%s) is still there", machine.node.id, machine.name)

    def _end(self, machine: DeployedNode) -> None:
        try:
            self._destroy(machine.node)  # type: ignore[arg-type]  # it is there
            machine.destroyed = True
        except Exception as error:  # noqa: BLE001 - the other machines are to be ended as well
            machine.error = machine.error or error
            logger.error("machine %s could not be destroyed: %s", machine.name, error)

    def _change(self, machine: DeployedNode, state: str) -> None:
        machine.state = state
        logger.info("%s: %s", machine.name, state)
        with self._lock:
            self._deployed += state == "deployed"
            self._tell(machine, state)

    def _teller(self, machine: DeployedNode) -> Tell | None:
        """What tells of the steps on one machine; none where nobody listens, since listening takes time."""
        return (lambda *step: self._tell(machine, step[2])) if self._reports.are_heard else None

    def _tell(self, machine: DeployedNode, words: str) -> None:
        self._reports.put(self._deployed, len(self._machines), f"{machine.name}: {words}", machine)

    def _failure(self, failed: Sequence[DeployedNode]) -> SomeDeploymentsFailedError:
        first = next((machine for machine in failed if machine.state == "failed"), failed[0])
        return SomeDeploymentsFailedError(
            f"{len(failed)} of {len(self._machines)} machines were not deployed; {first.name}: {first.error}; "
            "what became of each is in this exception's `machines`",
            machines=self._machines,
        )
