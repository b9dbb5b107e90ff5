"""What the sandbox's cloud knows and the rules that it keeps; no wire formats here.

Every public method may be called from any thread. What is wrong with a request is said by an exception of `errors`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Network

from ..clock import Clock
from ..template import Template, TemplateError
from .errors import AllocationError, NoSuchMachineError, NotAuthorizedError, QuotaError
from .life import Life, Listener
from .machines import Host, Machine, VmState
from .networks import Networks
from .pace import Pace
from .users import Accounts, User, Users

HOSTS = tuple(Host(number, f"node{number + 1}.example.org") for number in range(4))


class _AnyMedia:
    """Disks that are always there."""

    def prepare(self, machine: Machine) -> None:
        pass

    def boot(self, machine: Machine) -> None:
        pass

    def release(self, machine: Machine) -> None:
        pass


class State:
    """A cloud: its users, machines and networks.

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
        self.accounts = Accounts(passwords)
        self.users = Users()
        self.networks = Networks(self.users, public_network)
        self._machines: dict[int, Machine] = {}
        self._machine_limit = machine_limit
        self._life = Life(clock, pace, self.networks, _AnyMedia(), HOSTS)
        self._listeners: list[Listener] = []
        self._lock = threading.RLock()
        self._depth = 0
        self._telling = threading.RLock()
        self._changed = threading.Condition(self._lock)

    def listen(self, listener: Listener) -> None:
        """Have `listener` told of machines that begin or cease to run."""
        self._listeners.append(listener)

    def settle(self) -> None:
        """Carry out what is due by now."""
        with self._moment():
            pass

    def wait_for_next_step(self, longest: float) -> None:
        """Sleep until the next step is due or something changes, `longest` seconds at most."""
        with self._lock:
            due = self._life.next_step_at
            seconds = None if due is None else self.clock.seconds_until(due)
            self._changed.wait(longest if seconds is None else min(longest, seconds))

    def allocate(self, account: str, template_text: str) -> Machine:
        """Create a machine.

        :param account: the name of the user
        :param template_text: an OpenNebula template
        :raises AllocationError: if it is no template, or asks for a network or image that is not there
        :raises QuotaError: if the user may not have another machine
        """
        try:
            template = Template.parse(template_text)
        except TemplateError as problem:
            raise AllocationError(str(problem)) from None
        user = self.users.of_account(account)
        with self._moment():
            self._check_limit(user)
            machine = self._new_machine(user, template)
            self._machines[machine.id] = machine
            self._life.begin(machine)
        return machine

    def machine(self, account: str, machine_id: int, right: str = "USE") -> Machine:
        """The machine of that number.

        :param right: ``USE`` to look at it, ``MANAGE`` to act on it
        :raises NoSuchMachineError: if there is none
        :raises NotAuthorizedError: if it is somebody else's
        """
        user = self.users.of_account(account)
        with self._moment():
            machine = self._machines.get(machine_id)
            if machine is None:
                raise NoSuchMachineError(machine_id)
            if not may_see(user, machine):
                raise NotAuthorizedError(user.id, right, f"VM [{machine_id}]")
            return machine

    def machines(self, account: str = "oneadmin") -> Sequence[Machine]:
        """All machines that a user may see, done ones too, by number."""
        user = self.users.of_account(account)
        with self._moment():
            return [machine for machine in self._machines.values() if may_see(user, machine)]

    def act(self, account: str, machine_id: int, action: str) -> None:
        """Do something to a machine.

        :param action: OpenNebula's name of it, such as ``finalize``
        :raises NoSuchMachineError: if there is none of this number
        :raises NotAuthorizedError: if it is somebody else's
        :raises UnknownActionError: if there is no such action
        :raises WrongStateError: if the machine is not in a state for it
        """
        with self._moment():
            self._life.act(self.machine(account, machine_id, "MANAGE"), action)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Nothing changes meanwhile."""
        with self._moment():
            yield

    def _check_limit(self, user: User) -> None:
        if self._machine_limit is None:
            return
        own = sum(m.owner == user and m.state != VmState.DONE for m in self._machines.values())
        if own >= self._machine_limit:
            raise QuotaError(f"User [{user.id}] : VM limit of {self._machine_limit} reached, {own} in use.")

    def _new_machine(self, user: User, template: Template) -> Machine:
        number = len(self._machines)
        name = template.text("NAME") or f"one-{number}"
        template.replace("NAME", name)
        template.replace("VMID", str(number))
        template.replace("DISK", *_numbered_disks(template))
        template.replace("NIC", *self._connect_all(template, user))
        return Machine(number, user, name, template, created=self.clock.now())

    def _connect_all(self, template: Template, user: User) -> list[dict[str, str]]:
        connected: list[dict[str, str]] = []
        try:
            for nic in template.vectors("NIC"):
                connected.append(self.networks.connect(nic, user))
        except AllocationError:
            for nic in connected:
                self.networks.disconnect(nic)
            raise
        return connected

    @contextmanager
    def _moment(self) -> Iterator[None]:
        """Hold the lock, with everything done that is due before and after; then tell the listeners."""
        with self._lock:
            self._depth += 1
            try:
                self._life.settle()
                yield
                self._life.settle()
                self._changed.notify_all()
            finally:
                self._depth -= 1
            outermost = self._depth == 0
        if outermost:
            self._tell_listeners()

    def _tell_listeners(self) -> None:
        # In order, and outside the cloud's lock: opening a server takes its time.
        with self._telling:
            while True:
                with self._lock:
                    news = self._life.take_news()
                if news is None:
                    return
                runs, machine = news
                for listener in self._listeners:
                    (listener.machine_running if runs else listener.machine_gone)(machine)


def may_see(user: User, machine: Machine) -> bool:
    return user.is_admin or machine.owner == user


def _numbered_disks(template: Template) -> Iterator[dict[str, str]]:
    for number, disk in enumerate(template.vectors("DISK")):
        if "IMAGE" in disk or "IMAGE_ID" in disk:
            # OpenNebula's own image catalogue is empty: StratusLab has its images in the Marketplace.
            raise AllocationError("Could not get disk image for VM.")
        yield {**disk, "DISK_ID": str(number)}
