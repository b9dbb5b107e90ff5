"""The life cycle of machines: which state follows which, when, and what happens in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from stratuslab_libcloud.sandbox.state.opennebula.connections import Connections
from stratuslab_libcloud.sandbox.state.opennebula.drivers import Drivers
from stratuslab_libcloud.sandbox.state.opennebula.errors import ActionError
from stratuslab_libcloud.sandbox.state.opennebula.machine import (
    Action,
    ActionRecord,
    LcmState,
    Machine,
    MachineState,
    VmState,
)
from stratuslab_libcloud.sandbox.state.opennebula.release import Release610
from stratuslab_libcloud.sandbox.state.opennebula.scheduler import Scheduler
from stratuslab_libcloud.sandbox.state.opennebula.storage import Storage
from stratuslab_libcloud.sandbox.state.opennebula.transitions import (
    AFTER_EPILOG,
    AFTER_FAILED_BOOT,
    AFTER_PROLOG,
    AFTER_SHUTDOWN,
    CAN_RESUME,
    CAN_TERMINATE,
    FAILURES,
    RUNNING,
    RUNNING_OR_UNKNOWN,
    durations,
)
from stratuslab_libcloud.sandbox.state.opennebula.users import User
from stratuslab_libcloud.sandbox.state.pace import Pace
from stratuslab_libcloud.sandbox.state.progress import Progress
from stratuslab_libcloud.sandbox.state.vm import Host

_LONGEST_LOOK_SECONDS = 1.0
_HARD = (Action.TERMINATE_HARD, Action.POWEROFF_HARD, Action.UNDEPLOY_HARD)


class LifeCycle:
    """Moves machines from state to state, as OpenNebula's life cycle manager does.

    Not thread-safe: the caller holds the state's lock.
    """

    def __init__(
        self,
        *,
        progress: Progress[Machine],
        pace: Pace,
        drivers: Drivers,
        storage: Storage,
        connections: Connections,
        release: Release610,
    ) -> None:
        self._progress = progress
        self._pace = pace
        self._drivers = drivers
        self._storage = storage
        self._connections = connections
        self._scheduler = Scheduler(release)
        self._seconds = durations(pace)
        self._requests = 0

    @property
    def now(self) -> float:
        """The time of what happens at the moment, in seconds since 1970."""
        return self._progress.steps.now

    def begin(self, machine: Machine) -> None:
        """Let a new machine wait: for its images, for somebody to release it, for a host."""
        self.enter(machine, VmState.CLONING)
        self._go_on_if_ready(machine)

    def image_written(self, machine: Machine) -> None:
        """Let a machine go on if it has waited for an image."""
        if machine.state == VmState.CLONING:
            self._go_on_if_ready(machine)

    def act(self, user: User, machine: Machine, action: str) -> None:
        """Begin what a user asked for.

        :raises ActionError: there is no such action, or the machine is not in a state for it
        """
        if action not in _ACTIONS:
            raise ActionError(f'Action "{action}" is not supported')
        permitted, begin = _ACTIONS[action]
        if machine.exact_state not in permitted:
            reason = f"This action is not available for state {machine.exact_state.name}"
            if action in ("terminate", "terminate-hard"):
                reason = f"Could not terminate VM {machine.id}, wrong state {machine.exact_state.name}."
            raise ActionError(f'Error performing action "{action}": {reason}')
        begin(self, machine, user)

    def interrupt(
        self, user: User, machine: Machine, lcm_state: LcmState, action: Action, finish: Callable[[], object]
    ) -> None:
        """Do something with a machine that afterwards is in the state that it is in now.

        :param lcm_state: meanwhile
        :param finish: is done when the time has come
        """
        before = machine.exact_state
        self._note_action(user, machine, action)
        if machine.is_running:
            machine.history[-1].end = machine.history[-1].running[1] = self.now
            self._begin_stay(machine, machine.history[-1].host)
            machine.history[-1].running[0] = self.now

        def go_back() -> None:
            finish()
            self.enter(machine, before)

        self.enter(machine, lcm_state)
        self._progress.steps.schedule(machine, self._pace.save, go_back)

    def enter(self, machine: Machine, state: MachineState) -> None:
        """Let a machine be in a state; if it is one that passes, the next one follows by itself."""
        machine.set_state(state)
        machine.life.enter(self.now, state.name)
        machine.touch()
        if state in self._seconds:
            self._progress.steps.schedule(machine, self._seconds[state], lambda: _STEPS[state](self, machine))
        else:
            self._progress.steps.cancel(machine)

    # Steps that are taken when their time has come

    def _deploy(self, machine: Machine) -> None:
        host = self._scheduler.choose(machine)
        if isinstance(host, str):
            message = f"{_timestamp(self.now)}: {host}"
            machine.user_template.replace("SCHED_MESSAGE", message)
            machine.touch()
            again = max(self._pace.pending, _LONGEST_LOOK_SECONDS)
            self._progress.steps.schedule(machine, again, lambda: self._deploy(machine))
            return
        machine.user_template.replace("SCHED_MESSAGE")
        self._connections.connect_automatic(machine)
        self._begin_stay(machine, host)
        self.enter(machine, LcmState.LCM_INIT)

    def _begin_prolog(self, machine: Machine) -> None:
        machine.history[-1].prolog[0] = self.now
        before = machine.history[-2].action if len(machine.history) > 1 else Action.NONE
        if before == Action.STOP:
            self.enter(machine, LcmState.PROLOG_RESUME)
        elif before in (Action.UNDEPLOY, Action.UNDEPLOY_HARD):
            self.enter(machine, LcmState.PROLOG_UNDEPLOY)
        else:
            self.enter(machine, LcmState.PROLOG)

    def _finish_prolog(self, machine: Machine) -> None:
        boot, failure = AFTER_PROLOG[machine.lcm_state]
        machine.history[-1].prolog[1] = self.now
        if self._drivers.succeeds("prolog"):
            machine.history[-1].running[0] = self.now
            self.enter(machine, boot)
        else:
            self._fail(machine, failure, f"PROLOG: {self._deploy_id(machine)}")

    def _finish_boot(self, machine: Machine) -> None:
        if self._drivers.succeeds("deploy"):
            machine.deploy_id = self._deploy_id(machine)
            machine.template.replace("TM_MAD_SYSTEM", "dummy")
            self.enter(machine, LcmState.RUNNING)
            self._progress.machine_running(machine)
            return
        after = AFTER_FAILED_BOOT[machine.lcm_state]
        if after in FAILURES:
            self._fail(machine, after, f"DEPLOY: {self._deploy_id(machine)}")
        else:
            self.enter(machine, after)

    def _finish_shutdown(self, machine: Machine) -> None:
        operation, then = AFTER_SHUTDOWN[machine.lcm_state]
        if machine.history[-1].action in _HARD:
            operation = "cancel"
        if not self._drivers.succeeds(operation):
            # Without a word: the machine runs on.
            machine.history[-1].action = Action.NONE
            self.enter(machine, LcmState.RUNNING)
            self._progress.machine_running(machine)
            return
        record = machine.history[-1]
        record.running[1] = self.now
        if isinstance(then, LcmState):
            record.epilog[0] = self.now
        else:
            record.end = self.now
        self.enter(machine, then)

    def _finish_epilog(self, machine: Machine) -> None:
        if machine.history:
            machine.history[-1].epilog[1] = machine.history[-1].end = self.now
        state = AFTER_EPILOG[machine.lcm_state]
        if state == VmState.DONE:
            self._end(machine)
        else:
            self.enter(machine, state)

    def _end(self, machine: Machine) -> None:
        machine.ended = self.now
        if machine.history and not machine.history[-1].end:
            machine.history[-1].end = self.now
        self._progress.machine_gone(machine)
        self._storage.take_all(machine)
        self._connections.disconnect_all(machine)
        self.enter(machine, VmState.DONE)

    # Actions

    def _terminate(self, machine: Machine, user: User, *, hard: bool) -> None:
        action = Action.TERMINATE_HARD if hard else Action.TERMINATE
        if machine.state == VmState.DONE:
            return
        if machine.state == VmState.ACTIVE and machine.lcm_state in FAILURES:
            self._note_action(user, machine, action)
            self.enter(machine, LcmState.CLEANUP_DELETE)
        elif machine.state == VmState.ACTIVE:
            self._leave(machine, user, action, LcmState.SHUTDOWN)
        elif machine.history:
            self._note_action(user, machine, action)
            machine.history[-1].epilog[0] = self.now
            self.enter(machine, LcmState.EPILOG)
        else:
            self._end(machine)

    def _on_terminate(self, machine: Machine, user: User) -> None:
        self._terminate(machine, user, hard=False)

    def _on_terminate_hard(self, machine: Machine, user: User) -> None:
        self._terminate(machine, user, hard=True)

    def _on_poweroff(self, machine: Machine, user: User) -> None:
        self._leave(machine, user, Action.POWEROFF, LcmState.SHUTDOWN_POWEROFF)

    def _on_poweroff_hard(self, machine: Machine, user: User) -> None:
        self._leave(machine, user, Action.POWEROFF_HARD, LcmState.SHUTDOWN_POWEROFF)

    def _on_suspend(self, machine: Machine, user: User) -> None:
        self._leave(machine, user, Action.SUSPEND, LcmState.SAVE_SUSPEND)

    def _on_stop(self, machine: Machine, user: User) -> None:
        if machine.state == VmState.SUSPENDED:
            self._note_action(user, machine, Action.STOP)
            self.enter(machine, LcmState.EPILOG_STOP)
        else:
            self._leave(machine, user, Action.STOP, LcmState.SAVE_STOP)

    def _undeploy(self, machine: Machine, user: User, action: Action) -> None:
        if machine.state == VmState.POWEROFF:
            self._note_action(user, machine, action)
            self.enter(machine, LcmState.EPILOG_UNDEPLOY)
        else:
            self._leave(machine, user, action, LcmState.SHUTDOWN_UNDEPLOY)

    def _on_undeploy(self, machine: Machine, user: User) -> None:
        self._undeploy(machine, user, Action.UNDEPLOY)

    def _on_undeploy_hard(self, machine: Machine, user: User) -> None:
        self._undeploy(machine, user, Action.UNDEPLOY_HARD)

    def _on_resume(self, machine: Machine, user: User) -> None:
        if machine.state in (VmState.STOPPED, VmState.UNDEPLOYED):
            self.enter(machine, VmState.PENDING)
            return
        if machine.state == VmState.ACTIVE:
            self.enter(machine, LcmState.BOOT_UNKNOWN)
            return
        self._begin_stay(machine, machine.history[-1].host)
        machine.history[-1].running[0] = self.now
        was_off = machine.state == VmState.POWEROFF
        self.enter(machine, LcmState.BOOT_POWEROFF if was_off else LcmState.BOOT_SUSPENDED)

    def _on_reboot(self, machine: Machine, user: User) -> None:
        """The guest does this itself."""

    def _on_hold(self, machine: Machine, user: User) -> None:
        self.enter(machine, VmState.HOLD)

    def _on_release(self, machine: Machine, user: User) -> None:
        self.enter(machine, VmState.PENDING)

    # Shared by steps and actions

    def _leave(self, machine: Machine, user: User, action: Action, lcm_state: LcmState) -> None:
        """Begin to end what runs. For a moment the old state can still be seen."""

        def begin() -> None:
            self._note_action(user, machine, action)
            self._progress.machine_gone(machine)
            self.enter(machine, lcm_state)

        self._progress.steps.schedule(machine, self._pace.shutdown / 10, begin)

    def _note_action(self, user: User, machine: Machine, action: Action) -> None:
        """Put into the history what somebody does with a machine."""
        self._requests += 1
        if machine.history:
            record = machine.history[-1]
            record.action, record.user_id, record.group_id = action, user.id, user.group.id
            record.request_id = self._requests

    def _begin_stay(self, machine: Machine, host: Host) -> None:
        machine.history.append(ActionRecord(host, self.now))

    def _fail(self, machine: Machine, state: MachineState, message: str) -> None:
        machine.user_template.replace("ERROR", f"{_timestamp(self.now)}: {message}")
        self.enter(machine, state)

    def _go_on_if_ready(self, machine: Machine) -> None:
        is_ready = self._storage.use_images(machine)
        if is_ready is None:
            self.enter(machine, VmState.CLONING_FAILURE)
        elif is_ready:
            self.enter(machine, VmState.HOLD if machine.on_hold else VmState.PENDING)

    @staticmethod
    def _deploy_id(machine: Machine) -> str:
        return f"{machine.history[-1].host.name}:{machine.name}:dummy"


_Begin = Callable[[LifeCycle, Machine, User], None]
_Step = Callable[[LifeCycle, Machine], None]

_STEPS: Mapping[MachineState, _Step] = {
    VmState.PENDING: LifeCycle._deploy,
    LcmState.LCM_INIT: LifeCycle._begin_prolog,
    **dict.fromkeys(AFTER_PROLOG, LifeCycle._finish_prolog),
    **dict.fromkeys(AFTER_FAILED_BOOT, LifeCycle._finish_boot),
    **dict.fromkeys(AFTER_SHUTDOWN, LifeCycle._finish_shutdown),
    **dict.fromkeys(AFTER_EPILOG, LifeCycle._finish_epilog),
}

_ACTIONS: Mapping[str, tuple[frozenset[MachineState], _Begin]] = {
    "terminate": (CAN_TERMINATE, LifeCycle._on_terminate),
    "terminate-hard": (CAN_TERMINATE | {LcmState.SHUTDOWN}, LifeCycle._on_terminate_hard),
    "poweroff": (RUNNING_OR_UNKNOWN, LifeCycle._on_poweroff),
    "poweroff-hard": (RUNNING_OR_UNKNOWN | {LcmState.SHUTDOWN_POWEROFF}, LifeCycle._on_poweroff_hard),
    "suspend": (RUNNING, LifeCycle._on_suspend),
    "stop": (RUNNING | {VmState.SUSPENDED}, LifeCycle._on_stop),
    "undeploy": (RUNNING_OR_UNKNOWN | {VmState.POWEROFF}, LifeCycle._on_undeploy),
    "undeploy-hard": (
        RUNNING_OR_UNKNOWN | {VmState.POWEROFF, LcmState.SHUTDOWN_UNDEPLOY},
        LifeCycle._on_undeploy_hard,
    ),
    "resume": (CAN_RESUME, LifeCycle._on_resume),
    "reboot": (RUNNING, LifeCycle._on_reboot),
    "reboot-hard": (RUNNING, LifeCycle._on_reboot),
    "hold": (frozenset({VmState.PENDING}), LifeCycle._on_hold),
    "release": (frozenset({VmState.HOLD}), LifeCycle._on_release),
}


def _timestamp(moment: float) -> str:
    return time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(moment))
