"""The machines of an OpenNebula."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TypeVar

from libcloud.common.types import LibcloudError

from stratuslab_libcloud.client.deadline import Deadline
from stratuslab_libcloud.client.opennebula.daemon import Daemon, read_id
from stratuslab_libcloud.client.opennebula.damaged_list import read_readable_machines
from stratuslab_libcloud.client.opennebula.dialect import Dialect
from stratuslab_libcloud.client.opennebula.doubles import Doubles
from stratuslab_libcloud.client.opennebula.machine import (
    ANY_STATE,
    EVERYTHING,
    MINE,
    Selection,
    VirtualMachine,
    worthwhile_ranges,
)
from stratuslab_libcloud.client.opennebula.machine_xml import read_machines
from stratuslab_libcloud.client.opennebula.states import StateNames
from stratuslab_libcloud.client.opennebula.xml_values import LARGEST_ID
from stratuslab_libcloud.client.parallel import outcomes
from stratuslab_libcloud.client.xml_stream import UnreadableDocumentError
from stratuslab_libcloud.errors import Call, InvalidArgumentError, MalformedReplyError, NotFoundError, ServiceError

T = TypeVar("T")

_log = logging.getLogger(__name__)

_MAX_KEPT = 10_000
"""How many of the newest machines are remembered. A double is made within minutes."""


class Compute:
    """Machines of one cloud.

    :param daemon: the cloud's daemon
    :param dialect: what this kind of cloud wants in the calls
    """

    def __init__(self, daemon: Daemon, dialect: Dialect) -> None:
        self._daemon = daemon
        self._dialect = dialect
        self._newest = -1
        self._kept: dict[str, int] = {}
        self._lock = threading.Lock()

    def allocate(self, template: str, timeout: float | None = None, *, hold: bool = False) -> int:
        """Create a machine; `client.exactly_once` does it exactly once.

        :param template: the text of its template
        :param timeout: seconds; the configured time limit by default
        :param hold: whether it waits until it is released
        :return: its ID
        """
        parameters = (template, True) if hold else (template,)
        return self._daemon.call("one.vm.allocate", *parameters, read=read_id, timeout=timeout)

    def machine(self, machine_id: int, timeout: float | None = None) -> VirtualMachine:
        """Ask for one machine; also for one that has ended.

        :param timeout: seconds; the configured time limit by default
        :raises NotFoundError: when there never was such a machine
        """
        self._check(machine_id, "one.vm.info")

        def read(text: Iterable[str]) -> VirtualMachine:
            return self._only_machine(text, machine_id)

        try:
            return self._daemon.call("one.vm.info", machine_id, read=read, repeatable=True, timeout=timeout)
        except MalformedReplyError as error:
            error.amend(f"what the cloud says of machine {machine_id} is damaged")
            raise

    def certain_machines(
        self, machine_ids: Collection[int], timeout: float | None = None
    ) -> dict[int, VirtualMachine | LibcloudError]:
        """Ask for these machines, also for those that have ended, in as few requests as are sensible.

        :param timeout: seconds; the configured time limit by default
        :return: for each ID, the machine, or why it is not known
        """
        deadline = Deadline(self._daemon.timeout if timeout is None else timeout)

        def ask(part: Sequence[int]) -> list[VirtualMachine]:
            if len(part) == 1:
                return [self.machine(part[0], deadline.left())]
            return self.machines(Selection(part[0], part[-1], ANY_STATE), deadline.left())

        found: dict[int, VirtualMachine | LibcloudError] = {}
        _collect(found, ask, worthwhile_ranges([i for i in machine_ids if i <= LARGEST_ID]))
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
        """The highest ID of a machine that was created and seen here so far, or -1; later ones have higher IDs."""
        return self._newest

    def note_created(self, machine_id: int, mark: str, *, seen: bool) -> None:
        """Note a machine that was created here: should it turn out that there are two with its mark, it stays.

        :param seen: whether it has been seen; if not, the service may have said a wrong ID
        """
        with self._lock:
            self._kept[mark] = machine_id
            if len(self._kept) > _MAX_KEPT:
                del self._kept[next(iter(self._kept))]
            if seen:
                self._newest = max(self._newest, machine_id)

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

        One that cannot be read is left out, with a warning. Of two that one request created, the younger is ended.

        :param read: takes the machines; is called again, from the start, when the connection was lost
        :param timeout: seconds, reading included; the configured time limit by default
        :return: what `read` returned
        """
        deadline = Deadline(self._daemon.timeout if timeout is None else timeout)
        doubles = Doubles(self._kept)  # by reference: what is created meanwhile is known to it
        is_damaged = False

        def read_list(text: Iterable[str]) -> T:
            nonlocal is_damaged
            try:
                return read(doubles.watch(self._read_list(text, is_damaged)))
            except UnreadableDocumentError:
                is_damaged = True  # which is of use if it is asked for again
                raise

        found = self._daemon.call(
            self._method_for(selection), *selection.parameters, read=read_list, repeatable=True, timeout=timeout
        )
        if selection.whose == MINE:
            for double, stays in doubles.found():
                self._end_double(double, stays, deadline)
        return found

    def kill(self, machine_id: int) -> None:
        """End a machine at once, in whatever state it is; what is not saved is lost."""
        self._end(machine_id, None)

    def shutdown(self, machine_id: int) -> None:
        """Let a machine's operating system shut it down."""
        self.start_action(self._dialect.shutdown, machine_id)

    def start_action(self, action: str, machine_id: int, timeout: float | None = None) -> None:
        """Start an action of ``one.vm.action``, such as ``suspend``.

        :param timeout: seconds; the configured time limit by default
        :raises ConflictError: when the machine's state does not permit it
        """
        self._check(machine_id, "one.vm.action")
        self._daemon.call("one.vm.action", action, machine_id, read=read_id, timeout=timeout)

    def asked(self, method: str) -> Call:
        """What was asked of which service, for an error that is found out afterwards."""
        return self._daemon.asked(method)

    def close(self) -> None:
        """Close the idle connections."""
        self._daemon.close()

    def _method_for(self, selection: Selection) -> str:
        """The call that lists these machines."""
        return "one.vmpool.info"

    def _read_list(self, text: Iterable[str], is_damaged: bool) -> Iterator[VirtualMachine]:
        if is_damaged:
            return read_readable_machines(text, self.states, self._daemon.asked("").location)
        return read_machines(text, self.states)

    def _end(self, machine_id: int, timeout: float | None) -> None:
        self._check(machine_id, "one.vm.action")
        self._daemon.call(
            "one.vm.action", self._dialect.kill, machine_id, read=read_id, repeatable=True, timeout=timeout
        )

    def _end_double(self, machine_id: int, stays: int, deadline: Deadline) -> None:
        where = self._daemon.asked("").location
        words = "machine %s of location '%s' is a double of machine %s, from one request"
        _log.warning(f"{words}, and is ended", machine_id, where, stays)
        try:
            self._end(machine_id, deadline.left())
        except ServiceError as error:
            _log.warning(f"{words}; it could not be ended: %s", machine_id, where, stays, error)

    def _check(self, machine_id: int, method: str) -> None:
        """Check that a machine can have this ID: the daemon would not understand other numbers.

        :raises NotFoundError: when it is too large
        :raises InvalidArgumentError: when it is negative
        """
        if machine_id < 0:
            raise InvalidArgumentError(f"{machine_id} is not the ID of a machine: IDs are 0 or more")
        if machine_id > LARGEST_ID:
            raise NotFoundError(
                f"there is no machine {machine_id}: the largest possible ID is {LARGEST_ID}",
                self._daemon.asked(method),
            )

    def _only_machine(self, text: Iterable[str], machine_id: int) -> VirtualMachine:
        machines = list(read_machines(text, self._dialect.states))
        if [machine.id for machine in machines] != [machine_id]:
            raise UnreadableDocumentError(f"it should contain machine {machine_id}")
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
