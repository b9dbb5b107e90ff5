"""Finds hosts for machines."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from stratuslab_libcloud.sandbox.state.opennebula.machine import Machine
from stratuslab_libcloud.sandbox.state.opennebula.release import Release610
from stratuslab_libcloud.sandbox.state.vm import Host

HOSTS = (Host(0, "host01"), Host(1, "host02"))
CPUS = 64
MEMORY = 256 * 1024
"""MB."""

_CONDITION = re.compile(r'\s*(!)?\(?\s*([A-Za-z_/"]+)\s*(!?=|@>|>|<)\s*"?([^"&|()]*?)"?\s*\)?\s*')


class Scheduler:
    """Gives the hosts in turn to machines that they are large enough for, and that do not ask for another one."""

    def __init__(self, release: Release610, hosts: Sequence[Host] = HOSTS) -> None:
        self._release = release
        self._hosts = hosts
        self._next = itertools.cycle(hosts)

    def choose(self, machine: Machine) -> Host | str:
        """A host; if there is none, why."""
        for resource, wanted, there in (("CPU", machine.cpu, CPUS), ("memory", machine.memory, MEMORY)):
            if wanted > there:
                return self._release.no_room(resource, [host.id for host in self._hosts])
        requirements = machine.user_template.text("SCHED_REQUIREMENTS") or ""
        for host in self._in_turn():
            if not requirements or _meets(host, requirements):
                return host
        return f"Cannot dispatch VM: No host meets capacity and SCHED_REQUIREMENTS: {requirements}"

    def _in_turn(self) -> Iterator[Host]:
        return itertools.islice(self._next, len(self._hosts))


def _meets(host: Host, requirements: str) -> bool:
    """Whether a host meets one of the alternatives (``|``) of a requirement, with all of its conditions (``&``)."""
    return any(
        all(_is_true(host, condition) for condition in alternative.split("&"))
        for alternative in requirements.split("|")
    )


def _is_true(host: Host, condition: str) -> bool:
    match = _CONDITION.fullmatch(condition)
    if match is None:
        return False
    known = {"ID": str(host.id), "NAME": host.name, "HOSTNAME": host.name, "CLUSTER_ID": "0", "CLUSTER": "default"}
    is_equal = known.get(match[2].upper()) == match[4]
    return (is_equal == (match[3] != "!=")) != bool(match[1])
