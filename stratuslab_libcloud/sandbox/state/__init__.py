"""What the sandbox's cloud knows and the rules that it keeps; no wire formats here.

Every public method may be called from any thread. What is wrong with a request is said by an exception
of `errors`.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from ipaddress import IPv4Network

from stratuslab_libcloud.sandbox.state.clock import Clock
from stratuslab_libcloud.sandbox.state.disks import Disks
from stratuslab_libcloud.sandbox.state.entries import Entries
from stratuslab_libcloud.sandbox.state.errors import NoSuchMachineError
from stratuslab_libcloud.sandbox.state.guard import Guard
from stratuslab_libcloud.sandbox.state.life import Life, Listener
from stratuslab_libcloud.sandbox.state.machines import Machines
from stratuslab_libcloud.sandbox.state.media import DiskMedia
from stratuslab_libcloud.sandbox.state.networks import Networks
from stratuslab_libcloud.sandbox.state.pace import Pace
from stratuslab_libcloud.sandbox.state.users import Accounts, Users
from stratuslab_libcloud.sandbox.state.vm import Host

HOSTS = tuple(Host(number, f"node{number + 1}.example.org") for number in range(4))


class State:
    """A cloud: its users, machines, networks, disks and images.

    :param passwords: of the users, by name
    :param public_network: addresses of the public network
    :param machine_limit: how many machines that are not done a user may have
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
        self.guard = Guard(lambda: self._life.settle(), self._after_change)
        self.disks = Disks(guard=self.guard, clock=clock, can_plug=self._runs_on)
        self.entries = Entries(guard=self.guard, clock=clock)
        self.media = DiskMedia(
            clock=clock,
            disks=self.disks,
            entries=self.entries,
            is_own_marketplace=lambda url: url == self.marketplace_url,
        )
        self._life = Life(clock, pace, self.networks, self.media, HOSTS)
        self.machines = Machines(
            guard=self.guard,
            clock=clock,
            users=self.users,
            networks=self.networks,
            life=self._life,
            limit=machine_limit,
        )
        self._listeners: list[Listener] = []
        self._telling = threading.RLock()
        self._woken = threading.Event()
        self._awaited = math.inf

    def listen(self, listener: Listener) -> None:
        """Have `listener` told of the machines that run, and of those that begin or cease to from now on."""
        with self._telling:
            running = [machine for machine in self.machines if machine.is_running]
            self._listeners.append(listener)
            for machine in running:
                listener.machine_running(machine)

    def settle(self) -> None:
        """Carry out what is due by now."""
        with self.guard:
            pass

    def wait_for_next_step(self, longest: float) -> None:
        """Sleep until the next step is due, until one is added before it, or for `longest` seconds."""
        with self.guard:
            due = self._life.next_step_at
            self._awaited = math.inf if due is None else due
        seconds = None if due is None else self.clock.seconds_until(due)
        self._woken.wait(longest if seconds is None else min(longest, seconds))
        self._woken.clear()

    def wake(self) -> None:
        """Have `wait_for_next_step` return."""
        self._woken.set()

    def _runs_on(self, vm_id: str, node: str) -> bool:
        try:
            machine = self.machines[int(vm_id)]
        except (ValueError, NoSuchMachineError):
            return False
        return machine.is_running and machine.history[-1].host.name == node

    def _after_change(self) -> None:
        due = self._life.next_step_at
        if due is not None and due < self._awaited:
            self.wake()
        # Listeners are told in order, and outside the cloud's lock: opening a server takes its time.
        with self._telling:
            while (news := self._life.take_news()) is not None:
                runs, machine = news
                for listener in self._listeners:
                    (listener.machine_running if runs else listener.machine_gone)(machine)
