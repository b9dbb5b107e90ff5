"""The cloud's machines: who may make, see and change which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from stratuslab_libcloud.sandbox.state.clock import Clock
from stratuslab_libcloud.sandbox.state.errors import AllocationError, NoSuchMachineError, NotAuthorizedError, QuotaError
from stratuslab_libcloud.sandbox.state.guard import Guard
from stratuslab_libcloud.sandbox.state.life import Life
from stratuslab_libcloud.sandbox.state.networks import Networks
from stratuslab_libcloud.sandbox.state.template import Template, TemplateError
from stratuslab_libcloud.sandbox.state.users import SUPERUSER, User, Users
from stratuslab_libcloud.sandbox.state.vm import Machine, VmState


class Machines:
    """All machines of a cloud, done ones too.

    :param limit: how many machines that are not done a user may have; None for no limit
    """

    def __init__(
        self,
        *,
        guard: Guard,
        clock: Clock,
        users: Users,
        networks: Networks,
        life: Life,
        limit: int | None,
    ) -> None:
        self._guard = guard
        self._clock = clock
        self._users = users
        self._networks = networks
        self._life = life
        self._limit = limit
        self._machines: dict[int, Machine] = {}

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
        user = self._users.of_account(account)
        with self._guard:
            self._check_limit(user)
            machine = self._new_machine(user, template)
            self._machines[machine.id] = machine
            self._life.begin(machine)
        return machine

    def find(self, account: str, machine_id: int, right: str = "USE") -> Machine:
        """The machine of that number.

        :param right: ``USE`` to look at it, ``MANAGE`` to act on it
        :raises NoSuchMachineError: if there is none
        :raises NotAuthorizedError: if it is somebody else's
        """
        user = self._users.of_account(account)
        with self._guard:
            machine = self._machines.get(machine_id)
        if machine is None:
            raise NoSuchMachineError(machine_id)
        if not _may_see(user, machine):
            raise NotAuthorizedError(user.id, right, f"VM [{machine_id}]")
        return machine

    def visible_to(self, account: str) -> Sequence[Machine]:
        """All machines that a user may see, by number."""
        user = self._users.of_account(account)
        with self._guard:
            return [machine for machine in self._machines.values() if _may_see(user, machine)]

    def act(self, account: str, machine_id: int, action: str) -> None:
        """Do something to a machine.

        :param action: OpenNebula's name of it, such as ``finalize``
        :raises NoSuchMachineError: if there is none of this number
        :raises NotAuthorizedError: if it is somebody else's
        :raises UnknownActionError: if there is no such action
        :raises WrongStateError: if the machine is not in a state for it
        """
        with self._guard:
            self._life.act(self.find(account, machine_id, "MANAGE"), action)

    def restore(self, machines: Iterable[Machine]) -> None:
        """Put machines back that were here before, with the addresses that they have."""
        with self._guard:
            for machine in machines:
                self._machines[machine.id] = machine
                if machine.connected:
                    for nic in machine.nics:
                        self._networks.keep(nic)
                self._life.go_on(machine)

    def __iter__(self) -> Iterator[Machine]:
        return iter(self.visible_to(SUPERUSER))

    def __len__(self) -> int:
        return len(self._machines)

    def __getitem__(self, machine_id: int) -> Machine:
        return self.find(SUPERUSER, machine_id)

    def _check_limit(self, user: User) -> None:
        if self._limit is None:
            return
        own = sum(m.owner == user and m.state != VmState.DONE for m in self._machines.values())
        if own >= self._limit:
            raise QuotaError(f"User [{user.id}] : VM limit of {self._limit} reached, {own} in use.")

    def _new_machine(self, user: User, template: Template) -> Machine:
        number = len(self._machines)
        name = template.text("NAME") or f"one-{number}"
        template.replace("NAME", name)
        template.replace("VMID", str(number))
        template.replace("DISK", *_numbered_disks(template))
        template.replace("NIC", *self._connect_all(template, user))
        return Machine(number, user, name, template, created=self._clock.now())

    def _connect_all(self, template: Template, user: User) -> list[dict[str, str]]:
        connected: list[dict[str, str]] = []
        try:
            for nic in template.vectors("NIC"):
                connected.append(self._networks.connect(nic, user))
        except AllocationError:
            for nic in connected:
                self._networks.disconnect(nic)
            raise
        return connected


def _may_see(user: User, machine: Machine) -> bool:
    return user.is_admin or machine.owner == user


def _numbered_disks(template: Template) -> Iterator[dict[str, str]]:
    for number, disk in enumerate(template.vectors("DISK")):
        if "IMAGE" in disk or "IMAGE_ID" in disk:
            # OpenNebula's own image catalogue is empty: StratusLab has its images in the Marketplace.
            raise AllocationError("Could not get disk image for VM.")
        yield {**disk, "DISK_ID": str(number)}
