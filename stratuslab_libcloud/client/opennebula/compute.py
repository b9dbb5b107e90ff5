"""The machines of an OpenNebula."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TypeVar

from libcloud.common.types import LibcloudError

from stratuslab_libcloud.client.deadline import Deadline
from stratuslab_libcloud.client.opennebula.daemon import Daemon, read_id
from stratuslab_libcloud.client.opennebula.dialect import Dialect
from stratuslab_libcloud.client.opennebula.machine import (
    ANY_STATE,
    EVERYTHING,
    Selection,
    VirtualMachine,
    worthwhile_ranges,
)
from stratuslab_libcloud.client.opennebula.machine_xml import read_machines
from stratuslab_libcloud.client.opennebula.states import StateNames
from stratuslab_libcloud.client.parallel import outcomes
from stratuslab_libcloud.client.xml_stream import UnreadableDocumentError

T = TypeVar("T")


class Compute:
    """Machines of one cloud.

    :param daemon: that has them
    :param dialect: what this kind of cloud wants in the calls
    """

    def __init__(self, daemon: Daemon, dialect: Dialect) -> None:
        self._daemon = daemon
        self._dialect = dialect
        self._newest = -1
        self._lock = threading.Lock()

    def allocate(self, template: str, timeout: float | None = None, *, hold: bool = False) -> int:
        """Create a machine; `client.exactly_once` does it exactly once.

        :param template: the text of its template
        :param timeout: seconds; the configured time limit by default
        :param hold: whether it waits until it is released
        :return: its ID
        """
        parameters = (template, True) if hold else (template,)
        return self._remember(self._daemon.call("one.vm.allocate", *parameters, read=read_id, timeout=timeout))

    def machine(self, machine_id: int, timeout: float | None = None) -> VirtualMachine:
        """Ask for one machine; also for one that has ended.

        :param timeout: seconds; the configured time limit by default
        :raises NotFoundError: when there never was such a machine
        """
        return self._daemon.call("one.vm.info", machine_id, read=self._only_machine, repeatable=True, timeout=timeout)

    def certain_machines(
        self, machine_ids: Collection[int], timeout: float | None = None
    ) -> dict[int, VirtualMachine | LibcloudError]:
        """Ask for these machines, also for those that have ended, in as few requests as are sensible.

        :param timeout: seconds; the configured time limit by default
        :return: for each ID the machine, or why it is not known
        """
        deadline = Deadline(self._daemon.timeout if timeout is None else timeout)

        def ask(part: Sequence[int]) -> list[VirtualMachine]:
            if len(part) == 1:
                return [self.machine(part[0], deadline.left())]
            return self.machines(Selection(part[0], part[-1], ANY_STATE), deadline.left())

        found: dict[int, VirtualMachine | LibcloudError] = {}
        _collect(found, ask, worthwhile_ranges(machine_ids))
        # The list has the user's own machines; those of others can be asked for one by one.
        _collect(found, ask, [[machine_id] for machine_id in machine_ids if machine_id not in found])
        return {machine_id: found[machine_id] for machine_id in machine_ids}

    def machines_since(self, first: int, timeout: float | None = None) -> list[VirtualMachine]:
        """The user's machines from an ID on, with their marks.

        :param timeout: seconds; the configured time limit by default
        """
        return self.machines(Selection(first), timeout)

    @property
    def states(self) -> StateNames:
        """The names of its machines' states."""
        return self._dialect.states

    @property
    def newest(self) -> int:
        """The highest ID of a machine created here so far, or -1; a machine that is created later has a higher one."""
        return self._newest

    def machines(self, selection: Selection = EVERYTHING, timeout: float | None = None) -> list[VirtualMachine]:
        """Ask for machines of the user.

        :param timeout: seconds; the configured time limit by default
        """
        return self.read_machines(list, selection, timeout)

    def read_machines(
        self,
        read: Callable[[Iterator[VirtualMachine]], T],
        selection: Selection = EVERYTHING,
        timeout: float | None = None,
    ) -> T:
        """Ask for machines of the user and process them while they arrive.

        :param read: takes the machines; is called again, from the start, when the connection was lost
        :param timeout: seconds, reading included; the configured time limit by default
        :return: what `read` returned
        """
        return self._daemon.call(
            "one.vmpool.info",
            *selection.parameters,
            read=lambda text: read(read_machines(text, self._dialect.states)),
            repeatable=True,
            timeout=timeout,
        )

    def kill(self, machine_id: int) -> None:
        """End a machine at once, in whatever state it is; what is not saved is lost."""
        self._daemon.call("one.vm.action", self._dialect.kill, machine_id, read=read_id, repeatable=True)

    def shutdown(self, machine_id: int) -> None:
        """Let a machine's operating system shut it down."""
        self.start_action(self._dialect.shutdown, machine_id)

    def start_action(self, action: str, machine_id: int, timeout: float | None = None) -> None:
        """Start an action of ``one.vm.action``, such as ``suspend``.

        :param timeout: seconds; the configured time limit by default
        :raises ConflictError: when the machine's state does not permit it
        """
        self._daemon.call("one.vm.action", action, machine_id, read=read_id, timeout=timeout)

    def close(self) -> None:
        """Close the idle connections."""
        self._daemon.close()

    def _remember(self, machine_id: int) -> int:
        with self._lock:
            self._newest = max(self._newest, machine_id)
        return machine_id

    def _only_machine(self, text: Iterable[str]) -> VirtualMachine:
        machines = list(read_machines(text, self._dialect.states))
        if len(machines) != 1:
            raise UnreadableDocumentError("it should contain one machine")
        return machines[0]


def _collect(
    found: dict[int, VirtualMachine | LibcloudError],
    ask: Callable[[Sequence[int]], list[VirtualMachine]],
    parts: Sequence[Sequence[int]],
) -> None:
    """Add the answer about each part of some IDs; an error counts for all of its part."""
    for part, outcome in zip(parts, outcomes(ask, parts), strict=True):
        if isinstance(outcome, LibcloudError):
            found.update(dict.fromkeys(part, outcome))
        else:
            found.update({machine.id: machine for machine in outcome})
