"""`ex_deploy_nodes`: its arguments, and the deployments that they ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from libcloud.compute.base import Node, NodeLocation
from libcloud.compute.deployment import Deployment

from stratuslab_libcloud.config import values
from stratuslab_libcloud.deployment import DeployOptions, split_options
from stratuslab_libcloud.deployment.limits import Deadline
from stratuslab_libcloud.deployment.reports import Tell
from stratuslab_libcloud.deployment.several import DeployedNode, GroupOptions, deploy_all, machines_for
from stratuslab_libcloud.driver.arguments import parsed
from stratuslab_libcloud.driver.locations import Location
from stratuslab_libcloud.driver.progress import OnProgress, Task
from stratuslab_libcloud.errors import InvalidArgumentError

MOST_AT_ONCE = 256


class Deploy(Protocol):
    """Starts one machine and deploys on it."""

    def __call__(
        self,
        deployment: Deployment,
        options: DeployOptions,
        create_keywords: Mapping[str, Any],
        deadline: Deadline,
        tell: Tell | None,
    ) -> Node:
        """Deploy until the deadline, and tell of each step."""


def places(location: Location, locations: Sequence[Location] | Location) -> Sequence[Location]:
    """The locations that a call of `ex_deploy_nodes` names.

    :param location: the only one
    :param locations: one or several
    :raises InvalidArgumentError: when both are given, or it is something else
    """
    if locations is None:
        return [location]
    if location is not None:
        raise InvalidArgumentError("location is for one location and locations for several: give one of them")
    if isinstance(locations, (str, NodeLocation)):
        return [locations]
    if not isinstance(locations, (list, tuple)) or not locations:
        raise InvalidArgumentError(
            f"locations must be one of list_locations(), its id, or a list of them, not {locations!r}"
        )
    return locations


class Group:
    """One call of `ex_deploy_nodes`.

    :param at_once: how many machines at the same time
    :param progress: is told of each change
    :param destroy_when_done: whether each machine is destroyed after its deployment
    :param options: as for `deploy_node`
    :raises InvalidArgumentError: when one is not valid
    """

    def __init__(
        self,
        at_once: int,
        progress: OnProgress,
        destroy_when_done: bool,
        options: Mapping[str, Any],
    ) -> None:
        self._progress = progress
        number = parsed("ex_at_once", at_once, values.whole_number(1, MOST_AT_ONCE))
        wanted, self._create_keywords = split_options(options)
        self._options = GroupOptions(
            at_once=number or 1,
            deploy_timeout=wanted.deploy_timeout,
            destroy_on_failure=wanted.destroy_on_failure,
            destroy_when_done=destroy_when_done,
        )
        ends_its_machine = wanted.destroy_on_failure or destroy_when_done
        self._deploy_options, _ = split_options({**options, "ex_destroy_on_failure": ends_its_machine})

    def deploy(
        self,
        deployments: Iterable[Deployment],
        names: str | Iterable[str],
        locations: Sequence[NodeLocation],
        common: Mapping[str, Any],
        deploy: Deploy,
        destroy: Callable[[Node], object],
    ) -> list[DeployedNode]:
        """Start the machines and deploy on them.

        :param common: keywords of `create_node` for each
        :raises SomeDeploymentsFailedError: when some were not deployed
        """

        def deploy_one(machine: DeployedNode, deadline: Deadline, tell: Tell | None) -> Node:
            own = {"name": machine.name, "location": machine.location}
            keywords = {**self._create_keywords, **common, **own}
            return deploy(machine.deployment, self._deploy_options, keywords, deadline, tell)

        machines = machines_for(deployments, names, locations)
        task = Task(self._progress, "deploying machines", len(machines), "machines")
        tell = None if self._progress is None else lambda done, _, words, machine: task.tell(done, words, machine)
        return deploy_all(machines, deploy_one, destroy, self._options, tell)
