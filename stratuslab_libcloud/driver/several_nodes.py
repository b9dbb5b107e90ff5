"""Creating and destroying machines: one, or several over as many connections as a location may have."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any, NoReturn, Protocol, TypeVar

from libcloud.common.types import LibcloudError
from libcloud.compute.base import Node

from stratuslab_libcloud.client.exactly_once import Allocate, create_machine, created_machines
from stratuslab_libcloud.client.interruption import note, told
from stratuslab_libcloud.client.opennebula.machine import VirtualMachine, just_created
from stratuslab_libcloud.client.parallel import outcomes, parts
from stratuslab_libcloud.driver.arguments import checked, machine_number
from stratuslab_libcloud.driver.locations import Cloud, Locations
from stratuslab_libcloud.driver.progress import OnProgress, Task
from stratuslab_libcloud.errors import InvalidArgumentError, PartialSuccessError, UnknownOutcomeError

_log = logging.getLogger(__name__)

NodeT = TypeVar("NodeT", bound=Node)


class Template(Protocol):
    """What a machine is to be, in whichever words its kind of cloud has for it."""

    @property
    def name(self) -> str:
        """The machine's name."""

    @property
    def cpu(self) -> int:
        """Virtual CPUs."""

    @property
    def ram(self) -> int:
        """MiB."""

    @property
    def mark(self) -> str:
        """What it is recognized by if a reply is lost."""

    def allocator(self, compute: Any) -> Allocate:
        """What creates it.

        :param compute: the machines of the cloud, of the kind that the template is for
        :raises InvalidArgumentError: when it cannot be written as OpenNebula reads it
        """


def create(
    cloud: Cloud,
    templates: Sequence[Template],
    make: Callable[[VirtualMachine], NodeT],
    progress: OnProgress = None,
) -> list[NodeT]:
    """Create machines, each of them exactly once, and ask for all their addresses by one request.

    :param make: makes a node of a machine
    :param progress: is told of each machine
    :return: nodes in the order of the templates
    :raises InvalidArgumentError: when one of the templates cannot be written; nothing was created
    :raises PartialSuccessError: when some were not created
    """
    creation = _Creation(cloud, templates, progress)
    with told(creation.known):
        found = creation.run()
        errors = {place: outcome for place, outcome in enumerate(found) if isinstance(outcome, LibcloudError)}
        nodes = [make(outcome) for outcome in found if not isinstance(outcome, LibcloudError)]
    if errors:
        _refuse("created", [repr(template.name) for template in templates], nodes, errors)
    return nodes


def destroy(
    locations: Locations[Any],
    nodes: Sequence[Node],
    kill: Callable[[Node], object],
    progress: OnProgress = None,
) -> None:
    """End machines.

    :param kill: ends one
    :param progress: is told of each machine
    :raises InvalidArgumentError: when one of the nodes is none; nothing was destroyed
    :raises PartialSuccessError: when some were not destroyed
    """
    if not isinstance(nodes, (list, tuple)):
        raise InvalidArgumentError(f"ex_destroy_nodes takes several nodes, such as [node], not {nodes!r}")
    places: dict[str, list[int]] = {}
    for place, node in enumerate(nodes):
        machine_number(checked(Node, node))
        places.setdefault(str(locations.of(node).id), []).append(place)

    connections = {section: locations.cloud(section).config.compute.connections for section in places}

    def destroy_at(section: str, deliver: Callable[[tuple[int, object]], None]) -> None:
        outcomes(
            lambda place: kill(nodes[place]),
            places[section],
            connections[section],
            lambda place, outcome: deliver((place, outcome)),
        )

    task = Task(progress, "destroying machines", len(nodes), "machines")
    errors: dict[int, LibcloudError] = {}
    with closing(parts(destroy_at, list(places))) as arriving:
        for done, (_, part) in enumerate(arriving, 1):
            if isinstance(part, LibcloudError):
                raise part
            place, outcome = part
            if isinstance(outcome, LibcloudError):
                errors[place] = outcome
            node = nodes[place]
            words = "could not be told to end" if place in errors else "was told to end"
            task.tell(done - len(errors), f"machine {node.id} {words}", node)
    if errors:
        destroyed = [node for place, node in enumerate(nodes) if place not in errors]
        _refuse("destroyed", [str(node.id) for node in nodes], destroyed, errors)


class _Creation:
    """Machines that are created, and what is known of each so far."""

    def __init__(self, cloud: Cloud, templates: Sequence[Template], progress: OnProgress) -> None:
        self._cloud = cloud
        self._task = Task(progress, "creating machines", len(templates), "machines")
        self._templates = templates
        self._allocators = [template.allocator(cloud.compute) for template in templates]
        self._section = cloud.config.section
        self._begun: set[int] = set()
        self._refused: set[int] = set()
        self._ids: dict[int, int] = {}
        self._created = 0

    def run(self) -> list[VirtualMachine | LibcloudError]:
        places = range(len(self._templates))
        config = self._cloud.config.compute
        allocated = outcomes(self._allocate, places, config.connections, self._tell)
        marks = {machine_id: self._templates[place].mark for place, machine_id in self._ids.items()}
        known = created_machines(self._cloud.compute, marks, config.timeout)
        return [
            outcome if isinstance(outcome, LibcloudError) else self._as_created(place, known[outcome])
            for place, outcome in zip(places, allocated, strict=True)
        ]

    def known(self) -> str:
        """What is known of the machines, for somebody who interrupted their creation."""
        created = [f"machine {self._ids[place]} (mark {self._templates[place].mark})" for place in sorted(self._ids)]
        unknown = [self._templates[place].mark for place in sorted(self._begun - self._ids.keys() - self._refused)]
        words = f"interrupted while machines were created at location '{self._section}': created so far: "
        words += ", ".join(created) or "none"
        if unknown:
            words += f"; others may be there: look for {' or '.join(unknown)} in node.extra['mark']"
        return words

    def _allocate(self, place: int) -> int:
        self._begun.add(place)
        timeout = self._cloud.config.compute.timeout
        mark = self._templates[place].mark
        try:
            self._ids[place] = create_machine(self._cloud.compute, self._allocators[place], mark, timeout)
        except LibcloudError as error:
            if not isinstance(error, UnknownOutcomeError):
                self._refused.add(place)
            raise
        _log.info("machine %s was created at location '%s', with mark %s", self._ids[place], self._section, mark)
        return self._ids[place]

    def _tell(self, place: int, outcome: int | LibcloudError) -> None:
        name = self._templates[place].name
        if isinstance(outcome, LibcloudError):
            words = f"{name!r} was not created: {outcome}"
        else:
            self._created += 1
            words = f"machine {outcome}, {name!r}, was created"
        try:
            self._task.tell(self._created, words)
        except LibcloudError as interruption:  # of the caller's function, not of a cloud
            note(interruption, self.known())
            raise

    def _as_created(self, place: int, machine: VirtualMachine | LibcloudError) -> VirtualMachine | UnknownOutcomeError:
        if isinstance(machine, (VirtualMachine, UnknownOutcomeError)):
            return machine
        machine_id, template = self._ids[place], self._templates[place]
        _log.warning("machine %s was created, but its address is not known yet: %s", machine_id, machine)
        names = self._cloud.compute.states
        return just_created(machine_id, template.name, template.cpu, template.ram, template.mark, names)


def _refuse(done: str, labels: Sequence[str], nodes: Sequence[Node], errors: Mapping[int, LibcloudError]) -> NoReturn:
    """Say which machines it went wrong with; those with the same reason together."""
    if len(labels) == 1:
        raise errors[0]
    whose: dict[str, list[str]] = {}
    for place, error in sorted(errors.items()):
        whose.setdefault(str(error), []).append(labels[place])
    reasons = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in whose.items())
    others = "the others are in this exception's `nodes`, " if nodes else "this exception has "
    summary = f"{len(errors)} of {len(labels)} machines were not {done}: {reasons}"
    raise PartialSuccessError(
        f"{summary}; {others}each error by its place in `errors`",
        nodes=nodes,
        errors=errors,
    )
