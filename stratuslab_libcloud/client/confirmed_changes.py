"""Changing things until the change is confirmed, although replies can be lost.

When a reply is lost, the service is asked whether the change was made; if not, it is tried again while there is time.
This is safe: the services refuse to make any of these changes twice. An error says what the result is, or that it is
not known.
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
    """Attach a disk to a running machine.

    :param host: where the machine runs
    :param machine: its ID
    :param limit: seconds for all attempts together
    :return: the device that the disk is in the machine
    :raises ConflictError: when it was attached to that machine already, or the machine has no free device
    """
    attempts = _Attempts(limit)

    def device() -> str | None:
        mount = _mount_in(disks, uuid, machine, attempts.deadline.left())
        return None if mount is None else mount.device

    while True:
        try:
            return disks.attach(uuid, host, machine, timeout=attempts.deadline.time_for_an_attempt())
        except ServiceError as error:
            attempts.check_that_it_may_have_worked(error)
            found = attempts.ask(device, error)
            if found is not None:
                return found
            attempts.pause(error, "the volume is not attached")


def detach_disk(disks: Disks, uuid: str, machine: int, limit: float) -> None:
    """Detach a disk from a machine.

    :param machine: its ID
    :param limit: seconds for all attempts together
    :raises ConflictError: when it is not attached to that machine
    """
    attempts = _Attempts(limit)
    while True:
        try:
            return disks.detach(uuid, machine, timeout=attempts.deadline.time_for_an_attempt())
        except ServiceError as error:
            if error.http_code < 500 and not error.outcome_unknown:
                raise
            attempts.note(error)
            if attempts.ask(lambda: _mount_in(disks, uuid, machine, attempts.deadline.left()), error) is None:
                if attempts.may_have_worked:
                    return None
                raise ConflictError(f"the volume is not attached to machine {machine}", error.call) from None
            if not attempts.may_have_worked:
                raise
            attempts.pause(error, "the volume is still attached")


def destroy_disk(disks: Disks, uuid: str) -> bool:
    """Destroy a disk and its content.

    :return: False when it did not exist any more
    :raises ConflictError: when a machine uses it
    """
    return _existed(
        lambda: disks.destroy(uuid), "it is not known whether the volume still exists: list_volumes() shows it"
    )


def kill_machine(compute: Compute, machine_id: int) -> bool:
    """End a machine at once.

    :return: False when there never was such a machine
    """
    return _existed(
        lambda: compute.kill(machine_id),
        "it is not known whether the machine has ended: ex_get_node() shows it",
    )


def _existed(end: Callable[[], object], if_unknown: str) -> bool:
    try:
        end()
    except NotFoundError:
        return False
    except ServiceError as error:
        if error.outcome_unknown:
            error.amend(if_unknown)
        raise
    return True


class _Attempts:
    """The attempts to make one change.

    :param limit: seconds for all of them
    """

    def __init__(self, limit: float) -> None:
        self.deadline = Deadline(limit)
        self.may_have_worked = False

    def note(self, error: ServiceError) -> None:
        """Remember whether an attempt may have worked although it failed."""
        self.may_have_worked = self.may_have_worked or error.outcome_unknown

    def check_that_it_may_have_worked(self, error: ServiceError) -> None:
        """Raise the error, unless it means a lost reply, or a refusal to make the change a second time."""
        is_repetition = self.may_have_worked and isinstance(error, ConflictError)
        self.note(error)
        if not (error.outcome_unknown or is_repetition):
            raise error

    def ask(self, look: Callable[[], T], error: ServiceError) -> T:
        """Ask the service for the result; if it does not answer until the deadline, the error is raised."""
        try:
            return self.deadline.ask(look)
        except ServiceError as problem:
            error.amend("it is not known whether this changed anything")
            raise error from problem

    def pause(self, error: ServiceError, result: str) -> None:
        """Wait before the next attempt; raise the error if there is no time for one."""
        if not self.deadline.pause():
            error.amend(result)
            raise error


def _mount_in(disks: Disks, uuid: str, machine: int, timeout: float) -> Mount | None:
    return next((mount for mount in disks.mounts(uuid, timeout) if mount.machine == machine), None)
