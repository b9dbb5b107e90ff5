"""Creating things exactly once, although a reply can be lost.

Each creation carries a mark. When its reply is lost, the thing is looked for by its mark; if it is there, it is used.

For a disk the service itself helps: the mark is the disk's identifier, and the service accepts an identifier only once.
A machine's mark is an attribute of its template, and no OpenNebula checks it. So a machine is created again only when
the connection has ended, which says that the service no longer works on the request, and when the machine has not
appeared since. When the connection has not ended (no answer in time, or an HTTP error of a proxy), the outcome stays
unknown: `UnknownOutcomeError`.

One request can create two machines all the same: a proxy repeats it, or it is carried out after it was looked for. So a
new machine is asked for together with those that have the IDs before it, and each list of machines is looked through
(`doubles`): the younger of two is ended.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from libcloud.common.types import LibcloudError

from stratuslab_libcloud.client.deadline import Deadline
from stratuslab_libcloud.client.opennebula.machine import Selection, VirtualMachine, worthwhile_ranges
from stratuslab_libcloud.client.opennebula.states import DONE
from stratuslab_libcloud.client.parallel import outcomes
from stratuslab_libcloud.errors import (
    ConflictError,
    MalformedReplyError,
    NotFoundError,
    ServiceError,
    ServiceTimeoutError,
    UnknownOutcomeError,
)

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.compute import Compute
    from stratuslab_libcloud.client.stratuslab.disks import Disks

T = TypeVar("T")

Allocate = Callable[[float], int]

_log = logging.getLogger(__name__)

APPEARANCE_SECONDS = 0.5
"""How long a machine whose reply was lost has to appear, at least, once the service answers."""

IDS_BEFORE = 8
"""How far before a new machine's ID a double of it is looked for: others create machines at the same time."""


def create_machine(compute: Compute, allocate: Allocate, mark: str, limit: float) -> int:
    """Create a machine exactly once, on any kind of OpenNebula.

    :param allocate: tries to create it, with the mark, within some seconds
    :param limit: seconds for all attempts together
    :return: the machine's ID; `created_machines` has the machine, and knows whether it is the one that stays
    :raises UnknownOutcomeError: when it is not known whether the machine was created
    """
    deadline = Deadline(limit)
    first = compute.newest + 1
    lost: ServiceError | None = None
    while True:
        try:
            machine_id = allocate(deadline.time_for_an_attempt())
        except ServiceError as error:
            if error.outcome_unknown:
                lost = error
            elif lost is None:
                raise
            found = _machine_that_appeared(compute, first, mark, lost, deadline)
            if found is not None:
                return found
            if not error.outcome_unknown:
                _amend_refusal(error, "machine", mark)
                raise
            _log.info("the reply to the creation of a machine was lost, and no machine was created: trying again")
        else:
            return machine_id if lost is None else _lowest_with(compute, first, mark, machine_id, deadline)


def created_machines(
    compute: Compute, created: Mapping[int, str], limit: float
) -> dict[int, VirtualMachine | LibcloudError]:
    """Ask for machines that have just been created, by one request where their IDs are close to each other.

    :param created: the IDs that `create_machine` returned, and their marks
    :param limit: seconds
    :return: for each of these IDs the machine with that mark, or why it is not known. It has another ID where it was
        created twice.
    """
    deadline = Deadline(limit)

    def look(ids: list[int]) -> list[VirtualMachine]:
        around = Selection(max(0, ids[0] - IDS_BEFORE), ids[-1], is_full=True)
        return compute.machines(around, deadline.left())

    ranges = worthwhile_ranges(created)
    with_mark: dict[str, VirtualMachine] = {}
    without_mark: dict[int, VirtualMachine] = {}
    errors: dict[int, LibcloudError] = {}
    for ids, outcome in zip(ranges, outcomes(look, ranges), strict=True):
        if isinstance(outcome, LibcloudError):
            errors.update(dict.fromkeys(ids, outcome))
        else:
            with_mark |= _by_mark(outcome)
            without_mark |= {machine.id: machine for machine in outcome if machine.mark is None}
    found: dict[int, VirtualMachine | LibcloudError] = {}
    for machine_id, mark in created.items():
        machine = with_mark.get(mark) or without_mark.get(machine_id)
        if machine is not None:
            compute.note_created(machine.id, mark, seen=True)
            found[machine_id] = machine
        else:
            compute.note_created(machine_id, mark, seen=False)
            found[machine_id] = errors.get(machine_id) or _look_elsewhere(compute, machine_id, mark, deadline)
    return found


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
            # Nobody else has this mark: if it is taken, a proxy has sent the request twice.
            may_exist_now = error.outcome_unknown or isinstance(error, ConflictError)
            if not (may_exist or may_exist_now):
                raise
            may_exist = True
            found = _ask(lambda: _disk_with(disks, mark, deadline), error, mark, deadline)
            if found is not None:
                return found
            if not may_exist_now:
                _amend_refusal(error, "volume", mark)
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
) -> int | None:
    """Look for the machine until it is there, or until it cannot appear any more."""
    may_still_be_created = isinstance(lost, ServiceTimeoutError) or lost.http_code != 0
    appearance: Deadline | None = None
    while True:
        found = _ask(lambda: _lowest(compute, first, mark, deadline), lost, mark, deadline)
        if found is not None:
            _log.info("found machine %s, although the reply to its creation was lost", found)
            return found
        # Only now: the first look may have taken long, for example because the daemon was starting.
        appearance = appearance or Deadline(APPEARANCE_SECONDS)
        if not (appearance.left() or may_still_be_created):
            return None
        if not deadline.pause():
            raise _unknown_outcome(lost, mark) from lost


def _lowest_with(compute: Compute, first: int, mark: str, machine_id: int, deadline: Deadline) -> int:
    """The machine that stays, now that a repeated creation has succeeded; a look ends the others."""
    try:
        found = _lowest(compute, first, mark, deadline)
    except ServiceError as error:
        _log.warning("it is not known whether machine %s, mark %s, has a double: %s", machine_id, mark, error)
        return machine_id
    return machine_id if found is None else found


def _lowest(compute: Compute, first: int, mark: str, deadline: Deadline) -> int | None:
    machine = _by_mark(compute.machines_since(first, deadline.left())).get(mark)
    return None if machine is None else machine.id


def _by_mark(machines: list[VirtualMachine]) -> dict[str, VirtualMachine]:
    """The machine that stays of each mark: the one with the lowest ID, and rather one that has not ended."""
    ordered = sorted(machines, key=lambda machine: (machine.state != DONE, -machine.id))
    return {machine.mark: machine for machine in ordered if machine.mark}


def _look_elsewhere(compute: Compute, machine_id: int, mark: str, deadline: Deadline) -> VirtualMachine | LibcloudError:
    """The machine with a mark, which is not where the service said; or whose mark is not told."""
    try:
        found = _by_mark(compute.machines_since(compute.newest + 1, deadline.left())).get(mark)
        machine = found or compute.machine(machine_id, deadline.left())
    except NotFoundError as error:
        return _unknown_outcome(error, mark)
    except ServiceError as error:
        return error
    if machine.mark not in (None, mark):
        call = compute.asked("one.vm.allocate")
        return _unknown_outcome(
            MalformedReplyError(f"the new machine should be {machine_id}, which is another", call), mark
        )
    return machine


def _ask(look: Callable[[], T], lost: ServiceError, mark: str, deadline: Deadline) -> T:
    """What the service has; if it does not answer until the deadline, the outcome is unknown."""
    try:
        return deadline.ask(look)
    except ServiceError as error:
        raise _unknown_outcome(lost, mark) from error


def _disk_with(disks: Disks, mark: str, deadline: Deadline) -> str | None:
    return next((disk.uuid for disk in disks.disks(deadline.left()) if disk.mark == mark), None)


def _amend_refusal(error: ServiceError, what: str, mark: str) -> None:
    error.amend(f"the reply to an earlier attempt was lost; if its {what} appears later, its extra['mark'] is '{mark}'")


def _unknown_outcome(lost: ServiceError, mark: str) -> UnknownOutcomeError:
    return UnknownOutcomeError(
        f"{lost.problem}; it is not known whether it was created: before you try again, look for "
        f"'{mark}' in the extra['mark'] of the nodes or volumes",
        lost.call,
        mark,
    )
