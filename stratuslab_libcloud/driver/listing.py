"""Reading the machines of a cloud that a filter leaves, all at once or part by part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

from libcloud.common.types import LibcloudError
from libcloud.compute.base import Node, NodeLocation

from stratuslab_libcloud.client.deadline import Deadline
from stratuslab_libcloud.client.opennebula.machine import Selection, VirtualMachine
from stratuslab_libcloud.client.parallel import answers
from stratuslab_libcloud.driver.arguments import machine_number
from stratuslab_libcloud.driver.filters import EVERYTHING, NodeFilter
from stratuslab_libcloud.driver.locations import Locations

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.compute import Compute

T = TypeVar("T")

_PART = 32
"""Machines that are delivered together: enough that handing them over costs nothing, few enough to come soon."""


def read(compute: Compute, wanted: NodeFilter | None, make: Callable[[VirtualMachine], T]) -> list[T]:
    """The machines in the order of their numbers, each passed to `make` as soon as it has arrived.

    :param wanted: None for all that have not ended
    """
    wanted = wanted or EVERYTHING

    def ask(selection: Selection) -> list[T]:
        return compute.read_machines(lambda found: [make(m) for m in found if wanted.fits(m)], selection)

    return list(chain.from_iterable(answers(ask, wanted.selections(compute.states))))


def iterate(
    locations: Locations[Any], places: Sequence[NodeLocation], wanted: NodeFilter, partial: bool
) -> Iterator[tuple[VirtualMachine, NodeLocation]]:
    """Machines while others are still to come, from several locations at the same time.

    :raises PartialListError: at the end, when a location did not answer
    :raises NoLocationAnsweredError: when none of several did
    """

    def ask(where: NodeLocation, deliver: Callable[[list[VirtualMachine]], None]) -> None:
        _read_in_parts(locations.cloud(where).compute, wanted, deliver)

    for where, machines in locations.ask_while_read(ask, places, partial):
        for machine in machines:
            yield machine, where


def look_at(
    locations: Locations[Any],
    nodes: Sequence[Node],
    seconds: float,
    make: Callable[[VirtualMachine, NodeLocation], T],
) -> list[T | LibcloudError]:
    """Certain machines as they are now, also those that have ended; their locations are asked at the same time.

    :param seconds: how long it may take
    :return: in the order of `nodes`; why it is not known of a machine in its place
    """
    deadline = Deadline(seconds)
    keys = [(str(locations.of(node).id), machine_number(node)) for node in nodes]
    numbers: dict[str, list[int]] = {}
    for section, number in keys:
        numbers.setdefault(section, []).append(number)

    def ask(section: str) -> dict[int, VirtualMachine | LibcloudError]:
        compute: Compute = locations.cloud(section).compute
        return compute.certain_machines(numbers[section], deadline.left())

    told = dict(zip(numbers, answers(ask, list(numbers)), strict=True))
    found = [(section, told[section][number]) for section, number in keys]
    return [
        machine if isinstance(machine, LibcloudError) else make(machine, locations.find(section))
        for section, machine in found
    ]


def _read_in_parts(compute: Compute, wanted: NodeFilter, deliver: Callable[[list[VirtualMachine]], None]) -> None:
    """Deliver machines as they arrive, none of them twice although the connection may break off and be made again."""
    delivered: set[int] = set()

    def hand_on(found: Iterator[VirtualMachine]) -> None:
        new = (machine for machine in found if machine.id not in delivered and wanted.fits(machine))
        while part := list(islice(new, _PART)):
            delivered.update([machine.id for machine in part])
            deliver(part)

    for selection in wanted.selections(compute.states):
        compute.read_machines(hand_on, selection)
