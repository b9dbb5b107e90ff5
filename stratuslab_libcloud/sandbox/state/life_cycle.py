"""The life cycle of machines: which state follows which, when, and what happens in between."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence

from stratuslab_libcloud.sandbox.state.errors import DriverError, UnknownActionError, WrongStateError
from stratuslab_libcloud.sandbox.state.networks import Networks
from stratuslab_libcloud.sandbox.state.pace import Pace
from stratuslab_libcloud.sandbox.state.progress import Progress
from stratuslab_libcloud.sandbox.state.transfer import TransferManager
from stratuslab_libcloud.sandbox.state.vm import (
    HistoryRecord,
    Host,
    LcmState,
    Machine,
    Reason,
    VmState,
    names_network,
)


class LifeCycle:
    """Moves machines from state to state, as OpenNebula's life cycle manager does.

    Not thread-safe: the caller holds the state's lock.

    :param hosts: get the machines in turn
    """

    def __init__(
        self,
        progress: Progress[Machine],
        pace: Pace,
        networks: Networks,
        transfer: TransferManager,
        hosts: Sequence[Host],
    ) -> None:
        self._progress = progress
        self._seconds = _durations(pace)
        self._kill_seconds = pace.kill
        self._networks = networks
        self._transfer = transfer
        self._hosts = itertools.cycle(hosts)

    @property
    def _now(self) -> float:
        return self._progress.steps.now

    def begin(self, machine: Machine) -> None:
        """Let a new machine wait for a host."""
        self._enter(machine, VmState.PENDING)

    def restore(self, machine: Machine) -> None:
        """Take over a machine of an earlier run; the step that it was in begins again."""
        self._enter(machine, machine.state, machine.lcm_state)
        if machine.is_running:
            self._progress.machine_running(machine)

    def act(self, machine: Machine, action: str) -> None:
        """Do what a user asked for, in OpenNebula's words.

        :raises UnknownActionError: there is no such action
        :raises WrongStateError: the machine is not in a state for it
        """
        if action not in _ACTIONS:
            raise UnknownActionError
        _ACTIONS[action](self, machine)

    # Steps that are taken when their time has come

    def _take_step(self, machine: Machine) -> None:
        if machine.state == VmState.PENDING:
            self._deploy(machine)
        else:
            _STEPS[machine.lcm_state](self, machine)

    def _deploy(self, machine: Machine) -> None:
        resumes = bool(machine.history) and machine.history[-1].reason == Reason.STOP_RESUME
        machine.history.append(HistoryRecord(next(self._hosts), self._now))
        machine.history[-1].prolog[0] = self._now
        self._enter_lcm(machine, LcmState.PROLOG_RESUME if resumes else LcmState.PROLOG)

    def _finish_prolog(self, machine: Machine) -> None:
        machine.history[-1].prolog[1] = self._now
        try:
            self._transfer.prepare(machine)
        except DriverError as problem:
            self._fail(machine, str(problem))
        else:
            self._boot(machine)

    def _boot(self, machine: Machine) -> None:
        machine.history[-1].running[0] = self._now
        self._enter_lcm(machine, LcmState.BOOT)

    def _finish_boot(self, machine: Machine) -> None:
        try:
            self._transfer.boot(machine)
        except DriverError as problem:
            machine.history[-1].running[1] = self._now
            self._fail(machine, str(problem))
            return
        machine.deploy_id = f"one-{machine.id}"
        machine.polled = self._now
        machine.memory = _kibibytes(machine)
        self._enter_lcm(machine, LcmState.RUNNING)
        self._progress.machine_running(machine)

    def _finish_shutdown(self, machine: Machine) -> None:
        machine.history[-1].running[1] = self._now
        machine.history[-1].epilog[0] = self._now
        self._enter_lcm(machine, LcmState.EPILOG)

    def _finish_epilog(self, machine: Machine) -> None:
        machine.history[-1].epilog[1] = self._now
        try:
            self._transfer.save(machine)
        except DriverError as problem:
            self._fail(machine, str(problem))
        else:
            self._end(machine)

    def _finish_cleanup(self, machine: Machine) -> None:
        if machine.ended:
            self._end(machine)
        else:
            self._transfer.release(machine)
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
            machine.history.append(HistoryRecord(machine.history[-1].host, self._now))
            self._boot(machine)

    def _on_restart(self, machine: Machine) -> None:
        _require(machine.lcm_state in (LcmState.BOOT, LcmState.UNKNOWN))
        self._enter_lcm(machine, LcmState.BOOT)

    def _on_finalize(self, machine: Machine) -> None:
        if self._kill_seconds:
            kill = ("kill", machine)  # beside the next step of the machine itself
            self._progress.steps.schedule(kill, self._kill_seconds, lambda: self._kill(machine))
        else:
            self._kill(machine)

    def _kill(self, machine: Machine) -> None:
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

    # Shared by steps and actions

    def _leave_running(self, machine: Machine, lcm_state: LcmState) -> None:
        _require(machine.is_running)
        self._enter_lcm(machine, lcm_state)
        self._progress.machine_gone(machine)

    def _clean_up(self, machine: Machine) -> None:
        self._progress.machine_gone(machine)
        self._leave_host(machine, Reason.USER)
        self._enter_lcm(machine, LcmState.CLEANUP)

    def _leave_host(self, machine: Machine, reason: Reason) -> None:
        record = machine.history[-1]
        record.end, record.reason = self._now, reason
        if record.running[0] and not record.running[1]:
            record.running[1] = self._now
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
        self._transfer.release(machine)
        if machine.connected:
            for nic in machine.nics:
                self._networks.disconnect(nic)
        machine.connected = False

    def _reconnect(self, machine: Machine) -> None:
        if not machine.connected:
            nics = machine.template.vectors("NIC")
            machine.template.replace_vectors(
                "NIC", [self._networks.reconnect(nic) if names_network(nic) else nic for nic in nics]
            )
        machine.connected = True

    def _enter_lcm(self, machine: Machine, lcm_state: LcmState) -> None:
        self._enter(machine, VmState.ACTIVE, lcm_state)

    def _enter(self, machine: Machine, state: VmState, lcm_state: LcmState = LcmState.LCM_INIT) -> None:
        machine.state, machine.lcm_state = state, lcm_state
        machine.life.enter(self._now, machine.exact_state.name)
        machine.revision += 1
        seconds = self._seconds.get((state, lcm_state))
        if seconds is None:
            self._progress.steps.cancel(machine)
        else:
            self._progress.steps.schedule(machine, seconds, lambda: self._take_step(machine))


_Step = Callable[[LifeCycle, Machine], None]

_STEPS: dict[LcmState, _Step] = {
    LcmState.PROLOG: LifeCycle._finish_prolog,
    LcmState.PROLOG_RESUME: LifeCycle._boot,
    LcmState.BOOT: LifeCycle._finish_boot,
    LcmState.SHUTDOWN: LifeCycle._finish_shutdown,
    LcmState.CANCEL: LifeCycle._finish_shutdown,
    LcmState.EPILOG: LifeCycle._finish_epilog,
    LcmState.SAVE_SUSPEND: LifeCycle._suspend,
    LcmState.SAVE_STOP: LifeCycle._begin_epilog_stop,
    LcmState.EPILOG_STOP: LifeCycle._stop,
    LcmState.CLEANUP: LifeCycle._finish_cleanup,
}

_ACTIONS: dict[str, _Step] = {
    "shutdown": LifeCycle._on_shutdown,
    "hold": LifeCycle._on_hold,
    "release": LifeCycle._on_release,
    "stop": LifeCycle._on_stop,
    "cancel": LifeCycle._on_cancel,
    "suspend": LifeCycle._on_suspend,
    "resume": LifeCycle._on_resume,
    "restart": LifeCycle._on_restart,
    "finalize": LifeCycle._on_finalize,
    "resubmit": LifeCycle._on_resubmit,
    "reboot": LifeCycle._on_reboot,
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
