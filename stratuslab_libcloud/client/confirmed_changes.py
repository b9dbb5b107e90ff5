"""Changing things until they are as asked, although replies can be lost.

Each change is looked at when its reply was lost, and asked for again while there is time: the services refuse to do any
of these twice. What ends without success says how things stand, or that this can not be told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from stratuslab_libcloud.client.deadline import Deadline
from stratuslab_libcloud.errors import ConflictError, NotFoundError, ServiceError

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.compute import Compute
    from stratuslab_libcloud.client.stratuslab.disk import Mount
    from stratuslab_libcloud.client.stratuslab.disks import Disks

T = TypeVar("T")


def attach_disk(disks: Disks, uuid: str, host: str, machine: int, limit: float) -> str:
    """Put a disk into a running machine.

    :param host: where the machine runs
    :param limit: seconds for all of it
    :return: the device that it has there
    :raises ConflictError: when it was in that machine already, or the machine has no device left
    """
    change = _Change(limit)

    def device() -> str | None:
        mount = _mount_in(disks, uuid, machine)
        return None if mount is None else mount.device

    while True:
        try:
            return disks.attach(uuid, host, machine, timeout=change.deadline.time_for_a_try())
        except ServiceError as error:
            change.check_that_it_may_have_worked(error)
            found = change.seen(device, error)
            if found is not None:
                return found
            change.pause(error, "the volume is not attached")


def detach_disk(disks: Disks, uuid: str, machine: int, limit: float) -> None:
    """Take a disk out of a machine.

    :param limit: seconds for all of it
    :raises ConflictError: when it is not in that machine
    """
    change = _Change(limit)
    while True:
        try:
            return disks.detach(uuid, machine, timeout=change.deadline.time_for_a_try())
        except ServiceError as error:
            if error.http_code < 500 and not error.outcome_unknown:
                raise
            change.note(error)
            if change.seen(lambda: _mount_in(disks, uuid, machine), error) is None:
                if change.may_have_worked:
                    return None
                raise ConflictError(f"the volume is not attached to machine {machine}", error.call) from error
            if not change.may_have_worked:
                raise
            change.pause(error, "the volume is still attached")


def destroy_disk(disks: Disks, uuid: str) -> bool:
    """Destroy a disk and what is on it.

    :return: False when there was none any more
    :raises ConflictError: when a machine uses it
    """
    return _was_there(lambda: disks.destroy(uuid), "the volume may be gone or still be there: list_volumes() tells")


def kill_machine(compute: Compute, number: int) -> bool:
    """End a machine at once.

    :return: False when there never was such a machine
    """
    return _was_there(
        lambda: compute.kill(number), "the machine may have ended or still be there: ex_get_node_details() tells"
    )


def _was_there(end: Callable[[], object], if_unknown: str) -> bool:
    try:
        end()
    except NotFoundError:
        return False
    except ServiceError as error:
        if error.outcome_unknown:
            error.amend(if_unknown)
        raise
    return True


class _Change:
    """The tries of one change.

    :param limit: seconds for all of them
    """

    def __init__(self, limit: float) -> None:
        self.deadline = Deadline(limit)
        self.may_have_worked = False

    def note(self, error: ServiceError) -> None:
        """Keep in mind whether a try may have worked all the same."""
        self.may_have_worked = self.may_have_worked or error.outcome_unknown

    def check_that_it_may_have_worked(self, error: ServiceError) -> None:
        """Raise the error, unless it is that of a lost reply, or the refusal to do it a second time."""
        is_repetition = self.may_have_worked and isinstance(error, ConflictError)
        self.note(error)
        if not (error.outcome_unknown or is_repetition):
            raise error

    def seen(self, look: Callable[[], T], error: ServiceError) -> T:
        """How things stand; if nobody says so until the time is over, the error is raised."""
        try:
            return self.deadline.ask(look)
        except ServiceError as problem:
            error.amend("how things stand now can not be told")
            raise error from problem

    def pause(self, error: ServiceError, how_it_is: str) -> None:
        """Wait before the next try; raise the error if there is no time for one."""
        if not self.deadline.pause():
            error.amend(how_it_is)
            raise error


def _mount_in(disks: Disks, uuid: str, machine: int) -> Mount | None:
    return next((mount for mount in disks.mounts(uuid) if mount.machine == machine), None)
