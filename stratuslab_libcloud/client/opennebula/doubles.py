"""Machines that one request created twice.

A creation can be carried out twice: by a proxy that repeats it, or when a reply is lost and the first attempt is
carried out after all. Both machines then have the same mark. The one with the lowest ID stays, so that all programs
that see them come to the same conclusion.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from stratuslab_libcloud.client.opennebula.machine import VirtualMachine
from stratuslab_libcloud.client.opennebula.states import DONE

LONGEST_SECONDS_BETWEEN = 600
"""Machines with the same mark that were created farther apart are not from one request, but perhaps from a copy of a
template."""


class _Seen(NamedTuple):
    """What is remembered of a machine; lists can be long."""

    id: int
    name: str
    owner: str
    created: datetime | None


class Doubles:
    """Looks for them among machines that are passed on.

    :param kept: the ID of the machine that stays, by its mark, where it need not be the lowest one
    """

    def __init__(self, kept: Mapping[str, int]) -> None:
        self._kept = kept
        self._seen: dict[str, _Seen] = {}
        self._again: dict[str, list[_Seen]] = {}

    def watch(self, machines: Iterable[VirtualMachine]) -> Iterator[VirtualMachine]:
        """The same machines; what was seen before is forgotten."""
        self._seen.clear()
        self._again.clear()
        for machine in machines:
            if machine.mark and machine.state != DONE:
                seen = _Seen(machine.id, machine.name, machine.owner, machine.started)
                if self._seen.setdefault(machine.mark, seen) is not seen:
                    self._again.setdefault(machine.mark, []).append(seen)
            yield machine

    def found(self) -> Iterator[tuple[int, int]]:
        """The ID of each machine that should not be there, and of the one that stays."""
        for mark, others in self._again.items():
            machines = sorted([self._seen[mark], *others], key=lambda machine: machine.id)
            stays = next((machine for machine in machines if machine.id == self._kept.get(mark)), machines[0])
            yield from ((machine.id, stays.id) for machine in machines if _is_double(machine, stays))


def _is_double(machine: _Seen, stays: _Seen) -> bool:
    if machine.id == stays.id or (machine.name, machine.owner) != (stays.name, stays.owner):
        return False
    if machine.created is None or stays.created is None:
        return False
    return abs((machine.created - stays.created).total_seconds()) <= LONGEST_SECONDS_BETWEEN
