"""Changing a machine until it is as asked. Today's OpenNebula only starts what it says True to, and fails silently.

A machine that is busy refuses everything, so a change is asked for again until it is not. Right after the daemon has
accepted a change the machine may still look as before; later it may look so again, because the change has failed.
Only the machine's document says how it ended.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Generic, Protocol, TypeVar

from stratuslab_libcloud.client import waiting_words
from stratuslab_libcloud.client.deadline import Deadline
from stratuslab_libcloud.client.opennebula.machine import VirtualMachine
from stratuslab_libcloud.client.opennebula.states import is_settled
from stratuslab_libcloud.errors import (
    Call,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    ServiceError,
    ServiceTimeoutError,
)

R = TypeVar("R")

_log = logging.getLogger(__name__)

BEGINNING_SECONDS = 3.0
"""How long a change that was accepted may take to show in the machine's state."""

_LAST_LOOK_SECONDS = 1.0
"""What the last attempt and the look after it may take, also beyond the time limit."""

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0


class Changeable(Protocol):
    """The machines of a cloud, as far as it takes to change one."""

    def machine(self, machine_id: int, timeout: float | None = None) -> VirtualMachine:
        """One of them as it is now."""

    def start_action(self, action: str, machine_id: int, timeout: float | None = None) -> None:
        """Start an action."""

    def asked(self, method: str) -> Call:
        """What was asked of which service, for an error that is found out afterwards."""


class Change(Generic[R]):
    """One change of one machine.

    :param machines: of the cloud
    :param machine_id: which machine
    :param method: that starts the change, for messages
    :param goal: what is to happen, in words
    :param start: starts it, within some seconds; returns what the daemon says
    :param is_done: whether the machine is as asked; it is settled when this is called
    :param limit: seconds for all of it
    """

    def __init__(
        self,
        machines: Changeable,
        machine_id: int,
        method: str,
        goal: str,
        start: Callable[[float], R],
        is_done: Callable[[VirtualMachine], bool],
        limit: float,
    ) -> None:
        self._machines = machines
        self._machine_id = machine_id
        self._method = method
        self._goal = goal
        self._start = start
        self._is_done = is_done
        self._limit = limit
        self._deadline = Deadline(limit)
        self._pause = _FIRST_PAUSE
        self._may_have_begun = False
        self._was_accepted = False
        self._result: R | None = None

    @property
    def was_accepted(self) -> bool:
        """Whether the daemon has said that it started; False where its reply was lost."""
        return self._was_accepted

    def make(self) -> tuple[VirtualMachine, R | None]:
        """Make the change.

        :return: the machine as it is then, and what the daemon said; None if that was lost
        :raises ConflictError: when the machine's state does not permit it, or it failed
        :raises ServiceTimeoutError: when it is not done in time
        """
        while True:
            done = self._begin() or self._watch()
            if done is not None:
                return done, self._result

    def _begin(self) -> VirtualMachine | None:
        """Start it, as soon as the machine is not busy; the machine if it turns out that it is done already."""
        while True:
            try:
                self._result = self._start(max(self._deadline.time_for_an_attempt(), _LAST_LOOK_SECONDS))
                self._may_have_begun = self._was_accepted = True
                return None
            except ConflictError as error:
                machine = self._look()
                if is_settled(machine.status):
                    if self._may_have_begun and self._is_done(machine):
                        return machine
                    raise
                self._wait(machine, error)
            except PermissionDeniedError as error:
                self._explain(error)
                raise
            except ServiceError as error:
                if not error.outcome_unknown:
                    raise
                self._may_have_begun = True
                return None

    def _watch(self) -> VirtualMachine | None:
        """Look until it is done; None when it must be started again, because its request was lost."""
        beginning = Deadline(BEGINNING_SECONDS)
        has_begun = False
        while True:
            machine = self._look()
            if is_settled(machine.status):
                if self._is_done(machine):
                    return machine
                if has_begun or not beginning.left():
                    if self._was_accepted or has_begun:
                        raise self._failed(machine)
                    return None
            else:
                has_begun = True
            self._wait(machine)

    def _look(self) -> VirtualMachine:
        seconds = max(self._deadline.left(), _LAST_LOOK_SECONDS)
        return self._deadline.ask(lambda: self._machines.machine(self._machine_id, seconds))

    def _wait(self, machine: VirtualMachine, refusal: ServiceError | None = None) -> None:
        """Wait until the next look, or give up."""
        waiting_words.tell(f"machine {machine.id}: {machine.status.lower()}")
        if self._deadline.pause(self._pause):
            self._pause = min(self._pause * 1.3, _LONGEST_PAUSE)
            return
        words = f"machine {machine.id} is still {machine.status} after {self._limit:g} seconds"
        if refusal is not None:
            refusal.amend(f"{words}; that is why it could not {self._goal}")
            raise refusal
        raise ServiceTimeoutError(f"{words}, and was to {self._goal}", self._machines.asked(self._method))

    def _failed(self, machine: VirtualMachine) -> ConflictError:
        reason = f": {machine.error}" if machine.error else ", and the cloud gives no reason"
        return ConflictError(
            f"machine {machine.id} did not {self._goal}; it is {machine.status}{reason}",
            self._machines.asked(self._method),
        )

    def _explain(self, error: PermissionDeniedError) -> None:
        """Say that the machine is locked, if that is why its owner may not change it."""
        try:
            if self._look().is_locked:
                error.amend("the machine is locked: unlock it first")
        except ServiceError as problem:
            _log.debug("it is not known whether machine %s is locked: %s", self._machine_id, problem)


def act(machines: Changeable, machine_id: int, action: str, goals: Collection[str], limit: float) -> VirtualMachine:
    """Do an action and wait until the machine is in one of some states.

    :param action: of ``one.vm.action``
    :param goals: names as `VirtualMachine.status` has them
    :param limit: seconds
    :return: the machine as it is then
    :raises ConflictError: when its state does not permit the action, or the action failed
    :raises ServiceTimeoutError: when it is not done in time
    """
    change = Change(
        machines,
        machine_id,
        "one.vm.action",
        f"{action} and become {' or '.join(sorted(goals))}",
        lambda seconds: machines.start_action(action, machine_id, seconds),
        lambda machine: machine.status in goals,
        limit,
    )
    return change.make()[0]


def end(machines: Changeable, machine_id: int, action: str, limit: float) -> None:
    """End a machine, whatever it is doing, and see that it has ended.

    :param action: that ends it
    :param limit: seconds
    :raises NotFoundError: when there never was such a machine
    :raises ConflictError: when it is busy until the end, or did not end
    """
    deadline = Deadline(limit)
    while True:
        try:
            act(machines, machine_id, action, ("DONE",), deadline.left())
            return
        except NotFoundError:
            raise
        except ConflictError:
            # One more attempt is right where it had begun, and the hypervisor did not obey.
            if not deadline.pause(1.0):
                raise
