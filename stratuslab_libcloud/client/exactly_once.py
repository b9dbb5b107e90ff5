"""Creating things exactly once, although a reply can be lost.

Each creation carries a mark. When its reply is lost, the thing is looked for by its mark; if it is there, it is used.

For a disk the service itself helps: the mark is the disk's identifier, and the service accepts an identifier only once.
A machine's mark is an attribute of its template, and no OpenNebula checks it. So a machine is created again only when
the connection has ended, which says that the service no longer works on the request, and when the machine has not
appeared since. If it appears later all the same, the newer of the two is ended. When the connection has not ended (no
answer in time, or an HTTP error of a proxy), the outcome stays unknown: `UnknownOutcomeError`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from stratuslab_libcloud.client.deadline import Deadline
from stratuslab_libcloud.client.opennebula.machine import VirtualMachine
from stratuslab_libcloud.errors import ConflictError, ServiceError, ServiceTimeoutError, UnknownOutcomeError

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.compute import Compute
    from stratuslab_libcloud.client.stratuslab.disks import Disks

T = TypeVar("T")

Allocate = Callable[[float], int]

_log = logging.getLogger(__name__)

APPEARANCE_SECONDS = 0.5
"""How long to wait, at least, for a machine whose reply was lost to appear."""


def create_machine(compute: Compute, allocate: Allocate, mark: str, limit: float) -> int:
    """Create a machine exactly once, on any kind of OpenNebula.

    :param allocate: tries to create it, with the mark, within some seconds
    :param limit: seconds for all attempts together
    :return: the machine's ID
    :raises UnknownOutcomeError: when it is not known whether the machine was created
    """
    deadline = Deadline(limit)
    first = compute.newest + 1
    may_exist = False
    while True:
        try:
            machine_id = allocate(deadline.time_for_an_attempt())
        except ServiceError as error:
            if not (error.outcome_unknown or may_exist):
                raise
            found = _machine_that_appeared(compute, first, mark, error, deadline)
            if found is not None:
                return found.id
            if not error.outcome_unknown:
                error.amend(
                    "the reply to an earlier attempt was lost; if its machine appears later, "
                    f"its extra['mark'] is '{mark}'"
                )
                raise
            may_exist = True
            _log.info("the reply to the creation of a machine was lost, and no machine was created: trying again")
        else:
            if may_exist:
                _end_duplicates(compute, first, mark, machine_id)
            return machine_id


def create_disk(disks: Disks, size: int, tag: str, visibility: str, mark: str, limit: float) -> str:
    """Create a disk exactly once.

    :param limit: seconds for all attempts together
    :return: the disk's uuid
    :raises UnknownOutcomeError: when it is not known whether the disk was created
    """
    deadline = Deadline(limit)
    may_exist = False
    while True:
        try:
            return disks.create(size, tag, visibility, mark, timeout=deadline.time_for_an_attempt())
        except ServiceError as error:
            if not (error.outcome_unknown or may_exist):
                raise
            may_exist = True
            found = _ask(lambda: _disk_with(disks, mark, deadline), error, mark, deadline)
            if found is not None:
                return found
            if not (error.outcome_unknown or isinstance(error, ConflictError)):
                raise
            if not deadline.pause():
                raise _unknown_outcome(error, mark) from error


def create_named(create: Allocate, find: Callable[[], int | None], mark: str, limit: float) -> int:
    """Create an image of OpenNebula exactly once. Its name is unique for its owner, so it cannot be there twice.

    :param create: tries to create it within some seconds
    :param find: looks for it by its mark
    :param limit: seconds for all attempts together
    :return: its ID
    :raises NameTakenError: when another image has its name
    :raises UnknownOutcomeError: when it is not known whether it was created
    """
    deadline = Deadline(limit)
    may_exist = False
    while True:
        try:
            return create(deadline.time_for_an_attempt())
        except ServiceError as error:
            if not (error.outcome_unknown or may_exist):
                raise
            may_exist = True
            found = _ask(find, error, mark, deadline)
            if found is not None:
                _log.info("found image %s, although the reply to its creation was lost", found)
                return found
            if not error.outcome_unknown:
                raise
            if not deadline.pause():
                raise _unknown_outcome(error, mark) from error


def _machine_that_appeared(
    compute: Compute, first: int, mark: str, lost: ServiceError, deadline: Deadline
) -> VirtualMachine | None:
    """Look for the machine until it is there, or until it cannot appear any more."""
    appearance = Deadline(APPEARANCE_SECONDS)
    may_still_be_created = isinstance(lost, ServiceTimeoutError) or lost.http_code != 0
    while True:
        found = _ask(lambda: _machines_with(compute, first, mark, deadline), lost, mark, deadline)
        if found:
            _log.info("found machine %s, although the reply to its creation was lost", found[0].id)
            return found[0]
        if not (appearance.left() or may_still_be_created):
            return None
        if not deadline.pause():
            raise _unknown_outcome(lost, mark) from lost


def _ask(look: Callable[[], T], lost: ServiceError, mark: str, deadline: Deadline) -> T:
    """What the service has; if it does not answer until the deadline, the outcome is unknown."""
    try:
        return deadline.ask(look)
    except ServiceError as error:
        raise _unknown_outcome(lost, mark) from error


def _machines_with(compute: Compute, first: int, mark: str, deadline: Deadline) -> list[VirtualMachine]:
    machines = compute.machines_since(first, deadline.left())
    return [machine for machine in machines if machine.mark == mark]


def _disk_with(disks: Disks, mark: str, deadline: Deadline) -> str | None:
    return next((disk.uuid for disk in disks.disks(timeout=deadline.left()) if disk.mark == mark), None)


def _end_duplicates(compute: Compute, first: int, mark: str, machine_id: int) -> None:
    """End what a lost request created after all, now that another one has succeeded."""
    try:
        for machine in compute.machines_since(first):
            if machine.mark == mark and machine.id != machine_id:
                _log.warning("machine %s is a duplicate of %s and is ended", machine.id, machine_id)
                compute.kill(machine.id)
    except ServiceError as error:
        _log.warning("it is not known whether machine %s, mark %s, has a duplicate: %s", machine_id, mark, error)


def _unknown_outcome(lost: ServiceError, mark: str) -> UnknownOutcomeError:
    return UnknownOutcomeError(
        f"{lost.problem}; it is not known whether it was created: before you try again, look for "
        f"'{mark}' in the extra['mark'] of the nodes or volumes",
        lost.call,
        mark,
    )
