"""Creating things exactly once, although a reply can be lost.

Each creation carries a mark. When its reply is lost, the thing is looked for by the mark and adopted when it is there.

For a disk the service itself helps: the mark is the disk's identifier, and of those it takes each only once.
A machine's mark is an attribute of its template, which binds nobody. So a machine is created again only when the
connection has ended, which says that nobody works on the request any more, and the machine has not appeared since;
should it appear later all the same, the younger of the two is ended. Where the connection has not ended (no answer
in time, or a proxy that answers for a service behind it) the outcome stays open: `UnknownOutcomeError`.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import TypeVar

from stratuslab_libcloud.client.deadline import Deadline
from stratuslab_libcloud.client.opennebula.compute import Compute
from stratuslab_libcloud.client.opennebula.machine import Selection, VirtualMachine
from stratuslab_libcloud.client.stratuslab.disk import MARK_PREFIX
from stratuslab_libcloud.client.stratuslab.disks import Disks
from stratuslab_libcloud.errors import ConflictError, ServiceError, ServiceTimeoutError, UnknownOutcomeError

T = TypeVar("T")

_log = logging.getLogger(__name__)

SETTLING_SECONDS = 0.5
"""How long a machine whose reply was lost is given to appear, at the least."""


def new_mark() -> str:
    """A mark that nothing else has."""
    return MARK_PREFIX + uuid.uuid4().hex


def create_machine(compute: Compute, template: str, mark: str, limit: float) -> int:
    """Create a machine, once.

    :param template: which contains the mark
    :param limit: seconds for all of it
    :return: the machine's number
    :raises UnknownOutcomeError: when it can not be told whether the machine was created
    """
    deadline = Deadline(limit)
    first = compute.newest + 1
    may_be_there = False
    while True:
        try:
            number = compute.allocate(template, timeout=deadline.time_for_a_try())
        except ServiceError as error:
            if not (error.outcome_unknown or may_be_there):
                raise
            found = _machine_that_appeared(compute, first, mark, error, deadline)
            if found is not None:
                return found.id
            if not error.outcome_unknown:
                error.amend(f"an earlier try broke off; should its machine appear, its extra['mark'] is '{mark}'")
                raise
            may_be_there = True
            _log.info("the reply to a machine's creation was lost and the machine is not there: again")
        else:
            if may_be_there:
                _end_doubles(compute, first, mark, number)
            return number


def create_disk(disks: Disks, size: int, tag: str, visibility: str, mark: str, limit: float) -> str:
    """Create a disk, once.

    :param limit: seconds for all of it
    :return: the disk's uuid
    :raises UnknownOutcomeError: when it can not be told whether the disk was created
    """
    deadline = Deadline(limit)
    may_be_there = False
    while True:
        try:
            return disks.create(size, tag, visibility, mark, timeout=deadline.time_for_a_try())
        except ServiceError as error:
            if not (error.outcome_unknown or may_be_there):
                raise
            may_be_there = True
            found = _look(lambda: _disk_with(disks, mark), error, mark, deadline)
            if found is not None:
                return found
            if not (error.outcome_unknown or isinstance(error, ConflictError)):
                raise
            if not deadline.pause():
                raise _unknown(error, mark) from error


def _machine_that_appeared(
    compute: Compute, first: int, mark: str, lost: ServiceError, deadline: Deadline
) -> VirtualMachine | None:
    """Look for the machine until it is there, or as long as it may still come."""
    settled = Deadline(SETTLING_SECONDS)
    still_at_work = isinstance(lost, ServiceTimeoutError) or lost.http_code != 0
    while True:
        found = _look(lambda: _machines_with(compute, first, mark, deadline), lost, mark, deadline)
        if found:
            _log.info("adopted machine %s, the reply to whose creation was lost", found[0].id)
            return found[0]
        if not (settled.left() or still_at_work):
            return None
        if not deadline.pause():
            raise _unknown(lost, mark) from lost


def _look(look: Callable[[], T], lost: ServiceError, mark: str, deadline: Deadline) -> T:
    """What is there; if the service does not say that until the deadline, the outcome is unknown."""
    try:
        return deadline.ask(look)
    except ServiceError as error:
        raise _unknown(lost, mark) from error


def _machines_with(compute: Compute, first: int, mark: str, deadline: Deadline) -> list[VirtualMachine]:
    machines = compute.machines(Selection(first), timeout=deadline.left())
    return [machine for machine in machines if machine.mark == mark]


def _disk_with(disks: Disks, mark: str) -> str | None:
    return next((disk.uuid for disk in disks.disks() if disk.mark == mark), None)


def _end_doubles(compute: Compute, first: int, mark: str, number: int) -> None:
    """End what a lost request created after all, now that another one has succeeded."""
    try:
        for machine in compute.machines(Selection(first)):
            if machine.mark == mark and machine.id != number:
                _log.warning("machine %s is a double of %s and is ended", machine.id, number)
                compute.kill(machine.id)
    except ServiceError as error:
        _log.warning("whether machine %s, mark %s, has a double can not be told: %s", number, mark, error)


def _unknown(lost: ServiceError, mark: str) -> UnknownOutcomeError:
    return UnknownOutcomeError(
        f"{lost.problem}; whether it was created can not be told: before you try again, look for "
        f"'{mark}' in the extra['mark'] of the nodes or volumes",
        lost.call,
        mark,
    )
