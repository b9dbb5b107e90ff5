"""The life of machines: which state follows which, when, and what happens on the way.

States are not driven by threads. Each machine has at most one step ahead of it, with its time; `Life.settle` carries
out, in the order of time, all steps that are due. So a machine's history is the same however seldom one looks.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from stratuslab_libcloud.sandbox.state.clock import Clock
from stratuslab_libcloud.sandbox.state.errors import StartError, UnknownActionError, WrongStateError
from stratuslab_libcloud.sandbox.state.networks import Networks
from stratuslab_libcloud.sandbox.state.pace import Pace
from stratuslab_libcloud.sandbox.state.vm import Host, LcmState, Machine, Reason, Stay, VmState


class Listener(Protocol):
    """Is told when a machine can be reached and when it no longer can; called without locks held."""

    def machine_running(self, machine: Machine) -> None:
        """It runs now."""

    def machine_gone(self, machine: Machine) -> None:
        """It no longer does, for a while or for ever."""


class Media(Protocol):
    """What a machine's disks are made of."""

    def prepare(self, machine: Machine) -> None:
        """Make the disks ready; `StartError` if that fails."""

    def boot(self, machine: Machine) -> None:
        """`StartError` if nothing can be booted from the disks."""

    def release(self, machine: Machine) -> None:
        """Let go of the disks; harmless if there are none."""


class Life:
    """Moves machines from state to state. Not thread-safe: whoever calls holds the cloud's lock.

    :param hosts: take the machines in turn
    """

    def __init__(self, clock: Clock, pace: Pace, networks: Networks, media: Media, hosts: Sequence[Host]) -> None:
        self._clock = clock
        self._seconds = _durations(pace)
        self._networks = networks
        self._media = media
        self._hosts = itertools.cycle(hosts)
        self._due: list[tuple[float, int, Machine, int]] = []
        self._order = itertools.count()
        self._news: deque[tuple[bool, Machine]] = deque()
        self._now = clock.now()

    @property
    def next_step_at(self) -> float | None:
        """When the next step is due, in seconds since 1970."""
        return self._due[0][0] if self._due else None

    def settle(self) -> None:
        """Carry out what is due."""
        now = self._clock.now()
        while self._due and self._due[0][0] <= now:
            moment, _, machine, revision = heapq.heappop(self._due)
            if machine.revision == revision:
                self._now = moment
                self._step(machine)
        self._now = now

    def take_news(self) -> tuple[bool, Machine] | None:
        """The oldest untold change: whether the machine runs, and which it is."""
        return self._news.popleft() if self._news else None

    def begin(self, machine: Machine) -> None:
        """Let a new machine wait for a host."""
        self._enter(machine, VmState.PENDING)

    def go_on(self, machine: Machine) -> None:
        """Take over a machine that was here before; the step that it was in begins again."""
        self._enter(machine, machine.state, machine.lcm_state)
        if machine.is_running:
            self._news.append((True, machine))

    def act(self, machine: Machine, action: str) -> None:
        """Do what a user asked for, in OpenNebula's words.

        :raises UnknownActionError: there is no such action
        :raises WrongStateError: the machine is not in a state for it
        """
        if action not in _ACTIONS:
            raise UnknownActionError
        _ACTIONS[action](self, machine)

    # Steps that follow by themselves

    def _step(self, machine: Machine) -> None:
        if machine.state == VmState.PENDING:
            self._deploy(machine)
        else:
            _STEPS[machine.lcm_state](self, machine)

    def _deploy(self, machine: Machine) -> None:
        resumes = bool(machine.history) and machine.history[-1].reason == Reason.STOP_RESUME
        machine.history.append(Stay(next(self._hosts), self._now))
        machine.history[-1].prolog[0] = self._now
        self._enter_lcm(machine, LcmState.PROLOG_RESUME if resumes else LcmState.PROLOG)

    def _finish_prolog(self, machine: Machine) -> None:
        machine.history[-1].prolog[1] = self._now
        try:
            self._media.prepare(machine)
        except StartError as problem:
            self._fail(machine, str(problem))
        else:
            self._boot(machine)

    def _boot(self, machine: Machine) -> None:
        machine.history[-1].running[0] = self._now
        self._enter_lcm(machine, LcmState.BOOT)

    def _finish_boot(self, machine: Machine) -> None:
        try:
            self._media.boot(machine)
        except StartError as problem:
            machine.history[-1].running[1] = self._now
            self._fail(machine, str(problem))
            return
        machine.deploy_id = f"one-{machine.id}"
        machine.polled = self._now
        machine.memory = _kibibytes(machine)
        self._enter_lcm(machine, LcmState.RUNNING)
        self._news.append((True, machine))

    def _finish_shutdown(self, machine: Machine) -> None:
        machine.history[-1].running[1] = self._now
        machine.history[-1].epilog[0] = self._now
        self._enter_lcm(machine, LcmState.EPILOG)

    def _finish_epilog(self, machine: Machine) -> None:
        machine.history[-1].epilog[1] = self._now
        self._end(machine)

    def _finish_cleanup(self, machine: Machine) -> None:
        if machine.ended:
            self._end(machine)
        else:
            self._media.release(machine)
            self._enter(machine, VmState.PENDING)

    def _suspend(self, machine: Machine) -> None:
        self._leave_host(machine, Reason.STOP_RESUME)
        self._enter(machine, VmState.SUSPENDED)

    def _begin_epilog_stop(self, machine: Machine) -> None:
        machine.history[-1].running[1] = self._now
        machine.history[-1].epilog[0] = self._now
        self._enter_lcm(machine, LcmState.EPILOG_STOP)

    def _stop(self, machine: Machine) -> None:
        machine.history[-1].epilog[1] = self._now
        self._leave_host(machine, Reason.STOP_RESUME)
        self._enter(machine, VmState.STOPPED)

    # Actions

    def _on_shutdown(self, machine: Machine) -> None:
        self._leave_running(machine, LcmState.SHUTDOWN)

    def _on_cancel(self, machine: Machine) -> None:
        self._leave_running(machine, LcmState.CANCEL)

    def _on_suspend(self, machine: Machine) -> None:
        self._leave_running(machine, LcmState.SAVE_SUSPEND)

    def _on_stop(self, machine: Machine) -> None:
        self._leave_running(machine, LcmState.SAVE_STOP)

    def _on_reboot(self, machine: Machine) -> None:
        _require(machine.is_running)

    def _on_hold(self, machine: Machine) -> None:
        _require(machine.state == VmState.PENDING)
        self._enter(machine, VmState.HOLD)

    def _on_release(self, machine: Machine) -> None:
        _require(machine.state == VmState.HOLD)
        self._enter(machine, VmState.PENDING)

    def _on_resume(self, machine: Machine) -> None:
        if machine.state == VmState.STOPPED:
            self._enter(machine, VmState.PENDING)
        else:
            _require(machine.state == VmState.SUSPENDED)
            machine.history.append(Stay(machine.history[-1].host, self._now))
            self._boot(machine)

    def _on_restart(self, machine: Machine) -> None:
        _require(machine.lcm_state in (LcmState.BOOT, LcmState.UNKNOWN))
        self._enter_lcm(machine, LcmState.BOOT)

    def _on_finalize(self, machine: Machine) -> None:
        if machine.state == VmState.DONE:
            return
        machine.ended = self._now
        if machine.state == VmState.ACTIVE:
            self._clean_up(machine)
        else:
            self._end(machine)

    def _on_resubmit(self, machine: Machine) -> None:
        _require(machine.state not in (VmState.SUSPENDED, VmState.DONE))
        if machine.state == VmState.ACTIVE:
            self._clean_up(machine)
        elif machine.state != VmState.PENDING:
            self._reconnect(machine)
            machine.ended = 0
            machine.template.replace("ERROR")
            self._enter(machine, VmState.PENDING)

    # What they have in common

    def _leave_running(self, machine: Machine, lcm_state: LcmState) -> None:
        _require(machine.is_running)
        self._enter_lcm(machine, lcm_state)
        self._news.append((False, machine))

    def _clean_up(self, machine: Machine) -> None:
        if machine.is_running:
            self._news.append((False, machine))
        self._leave_host(machine, Reason.USER)
        self._enter_lcm(machine, LcmState.CLEANUP)

    def _leave_host(self, machine: Machine, reason: Reason) -> None:
        stay = machine.history[-1]
        stay.end, stay.reason = self._now, reason
        if stay.running[0] and not stay.running[1]:
            stay.running[1] = self._now
        machine.memory = 0

    def _fail(self, machine: Machine, message: str) -> None:
        self._leave_host(machine, Reason.ERROR)
        machine.ended = self._now
        machine.template.replace("ERROR", {"MESSAGE": message, "TIMESTAMP": _timestamp(self._now)})
        self._release(machine)
        self._enter(machine, VmState.FAILED)

    def _end(self, machine: Machine) -> None:
        machine.ended = self._now
        machine.memory = 0
        if machine.history and not machine.history[-1].end:
            machine.history[-1].end = self._now
        self._release(machine)
        self._enter(machine, VmState.DONE)

    def _release(self, machine: Machine) -> None:
        self._media.release(machine)
        if machine.connected:
            for nic in machine.nics:
                self._networks.disconnect(nic)
        machine.connected = False

    def _reconnect(self, machine: Machine) -> None:
        if not machine.connected:
            machine.template.replace("NIC", *(self._networks.reconnect(nic) for nic in machine.nics))
        machine.connected = True

    def _enter_lcm(self, machine: Machine, lcm_state: LcmState) -> None:
        self._enter(machine, VmState.ACTIVE, lcm_state)

    def _enter(self, machine: Machine, state: VmState, lcm_state: LcmState = LcmState.LCM_INIT) -> None:
        machine.state, machine.lcm_state = state, lcm_state
        machine.revision += 1
        seconds = self._seconds.get((state, lcm_state))
        if seconds is not None:
            heapq.heappush(self._due, (self._now + seconds, next(self._order), machine, machine.revision))


_Step = Callable[[Life, Machine], None]

_STEPS: dict[LcmState, _Step] = {
    LcmState.PROLOG: Life._finish_prolog,
    LcmState.PROLOG_RESUME: Life._boot,
    LcmState.BOOT: Life._finish_boot,
    LcmState.SHUTDOWN: Life._finish_shutdown,
    LcmState.CANCEL: Life._finish_shutdown,
    LcmState.EPILOG: Life._finish_epilog,
    LcmState.SAVE_SUSPEND: Life._suspend,
    LcmState.SAVE_STOP: Life._begin_epilog_stop,
    LcmState.EPILOG_STOP: Life._stop,
    LcmState.CLEANUP: Life._finish_cleanup,
}

_ACTIONS: dict[str, _Step] = {
    "shutdown": Life._on_shutdown,
    "hold": Life._on_hold,
    "release": Life._on_release,
    "stop": Life._on_stop,
    "cancel": Life._on_cancel,
    "suspend": Life._on_suspend,
    "resume": Life._on_resume,
    "restart": Life._on_restart,
    "finalize": Life._on_finalize,
    "resubmit": Life._on_resubmit,
    "reboot": Life._on_reboot,
}


def _durations(pace: Pace) -> Mapping[tuple[VmState, LcmState], float]:
    """The seconds in each state that a machine leaves by itself."""
    active = {
        LcmState.PROLOG: pace.prolog,
        LcmState.PROLOG_RESUME: pace.prolog,
        LcmState.BOOT: pace.boot,
        LcmState.SHUTDOWN: pace.shutdown,
        LcmState.CANCEL: pace.shutdown,
        LcmState.EPILOG: pace.epilog,
        LcmState.EPILOG_STOP: pace.epilog,
        LcmState.SAVE_STOP: pace.save,
        LcmState.SAVE_SUSPEND: pace.save,
        LcmState.CLEANUP: pace.cleanup,
    }
    return {
        (VmState.PENDING, LcmState.LCM_INIT): pace.pending,
        **{(VmState.ACTIVE, lcm_state): seconds for lcm_state, seconds in active.items()},
    }


def _require(permitted: bool) -> None:
    if not permitted:
        raise WrongStateError


def _kibibytes(machine: Machine) -> int:
    try:
        return int(float(machine.template.text("MEMORY") or 0) * 1024)
    except (ValueError, OverflowError):
        return 0


def _timestamp(moment: float) -> str:
    return time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(moment))
