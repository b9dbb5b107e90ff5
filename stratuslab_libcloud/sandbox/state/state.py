"""A cloud's state as a whole: what belongs to it, one lock for all of it, and who is told of its machines."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from ipaddress import IPv4Network

from stratuslab_libcloud.sandbox.state.clock import Clock
from stratuslab_libcloud.sandbox.state.disks import Disks
from stratuslab_libcloud.sandbox.state.entries import Entries
from stratuslab_libcloud.sandbox.state.errors import NoSuchMachineError
from stratuslab_libcloud.sandbox.state.life_cycle import LifeCycle, Listener
from stratuslab_libcloud.sandbox.state.lock import StateLock
from stratuslab_libcloud.sandbox.state.machines import Machines
from stratuslab_libcloud.sandbox.state.networks import Networks
from stratuslab_libcloud.sandbox.state.pace import Pace
from stratuslab_libcloud.sandbox.state.transfer import TransferManager
from stratuslab_libcloud.sandbox.state.users import Accounts, Users
from stratuslab_libcloud.sandbox.state.vm import Host

HOSTS = tuple(Host(number, f"node{number + 1}.example.org") for number in range(4))


class State:
    """A cloud: its users, machines, networks, disks and images.

    :param passwords: of the users, by name
    :param public_network: addresses of the public network
    :param machine_limit: how many machines that are not done a user may have
    :raises ValueError: if the limit is below 0
    """

    def __init__(
        self,
        *,
        clock: Clock,
        pace: Pace,
        passwords: Mapping[str, str],
        public_network: IPv4Network | None = None,
        machine_limit: int | None = None,
    ) -> None:
        self.clock = clock
        self.marketplace_url = ""
        self.accounts = Accounts(passwords)
        self.users = Users()
        self.networks = Networks(self.users, public_network)
        self.lock = StateLock(lambda: self._life_cycle.run_due_steps(), self._after_change)
        self.disks = Disks(lock=self.lock, clock=clock, can_attach=self._runs_on)
        self.entries = Entries(lock=self.lock, clock=clock)
        self.transfer = TransferManager(
            clock=clock,
            disks=self.disks,
            entries=self.entries,
            is_own_marketplace=lambda url: url == self.marketplace_url,
        )
        self._life_cycle = LifeCycle(clock, pace, self.networks, self.transfer, HOSTS)
        self.machines = Machines(
            lock=self.lock,
            clock=clock,
            users=self.users,
            networks=self.networks,
            life_cycle=self._life_cycle,
            limit=machine_limit,
        )
        self._listeners: list[Listener] = []
        self._notifying = threading.RLock()
        self._woken = threading.Event()
        self._next_wake = math.inf

    def listen(self, listener: Listener) -> None:
        """Tell `listener` of the machines that run now, and from now on of each that begins or ceases to run."""
        with self._notifying:
            running = [machine for machine in self.machines if machine.is_running]
            self._listeners.append(listener)
            for machine in running:
                listener.machine_running(machine)

    def run_due_steps(self) -> None:
        """Carry out all steps that are due."""
        with self.lock:
            pass

    def wait_for_next_step(self, longest: float) -> None:
        """Sleep until the next step is due, until one is added before it, or for `longest` seconds."""
        with self.lock:
            due = self._life_cycle.next_step_at
            self._next_wake = math.inf if due is None else due
        seconds = None if due is None else self.clock.seconds_until(due)
        self._woken.wait(longest if seconds is None else min(longest, seconds))
        self._woken.clear()

    def wake(self) -> None:
        """Make `wait_for_next_step` return."""
        self._woken.set()

    def _runs_on(self, vm_id: str, node: str) -> bool:
        try:
            machine = self.machines[int(vm_id)]
        except (ValueError, NoSuchMachineError):
            return False
        return machine.is_running and machine.history[-1].host.name == node

    def _after_change(self) -> None:
        due = self._life_cycle.next_step_at
        if due is not None and due < self._next_wake:
            self.wake()
        # Listeners are told in order, and without the lock: opening a server takes some time.
        with self._notifying:
            while (event := self._life_cycle.take_event()) is not None:
                runs, machine = event
                for listener in self._listeners:
                    (listener.machine_running if runs else listener.machine_gone)(machine)
