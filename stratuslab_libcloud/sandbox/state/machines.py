"""The cloud's machines: who may make, see and change which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from stratuslab_libcloud.sandbox.state.clock import Clock
from stratuslab_libcloud.sandbox.state.errors import AllocationError, NoSuchMachineError, NotAuthorizedError, QuotaError
from stratuslab_libcloud.sandbox.state.life_cycle import LifeCycle
from stratuslab_libcloud.sandbox.state.lock import StateLock
from stratuslab_libcloud.sandbox.state.networks import Networks
from stratuslab_libcloud.sandbox.state.new_template import complete, set_name
from stratuslab_libcloud.sandbox.state.template import Template
from stratuslab_libcloud.sandbox.state.users import SUPERUSER, User, Users
from stratuslab_libcloud.sandbox.state.variables import Variables
from stratuslab_libcloud.sandbox.state.vm import Machine, VmState, names_network


class Machines:
    """All machines of a cloud, including those that are done.

    :param limit: how many machines that are not done a user may have; None for no limit
    :raises ValueError: if the limit is below 0
    """

    def __init__(
        self,
        *,
        lock: StateLock,
        clock: Clock,
        users: Users,
        networks: Networks,
        life_cycle: LifeCycle,
        limit: int | None,
    ) -> None:
        if limit is not None and limit < 0:
            raise ValueError(f"the limit on a user's machines is 0 or more, not {limit}")
        self._lock = lock
        self._clock = clock
        self._users = users
        self._networks = networks
        self._life_cycle = life_cycle
        self._limit = limit
        self._machines: dict[int, Machine] = {}

    def allocate(self, account: str, template: Template) -> Machine:
        """Create a machine.

        :param account: the name of the user
        :param template: what the machine should have; it becomes the machine's own
        :raises AllocationError: if it asks for a network or image that does not exist, or has a value that OpenNebula
            does not accept
        :raises QuotaError: if the user may not have another machine
        """
        user = self._users.of_account(account)
        with self._lock:
            self._check_limit(user)
            machine = self._new_machine(user, template)
            self._machines[machine.id] = machine
            self._life_cycle.begin(machine)
        return machine

    def find(self, account: str, machine_id: int, right: str = "USE") -> Machine:
        """The machine of that number.

        :param right: ``USE`` to look at it, ``MANAGE`` to act on it
        :raises NoSuchMachineError: if there is none
        :raises NotAuthorizedError: if it is another user's, or the number is negative and the user no administrator
        """
        user = self._users.of_account(account)
        with self._lock:
            machine = self._machines.get(machine_id)
        if machine_id < 0 and not user.is_admin:
            raise NotAuthorizedError(user.id, right, "VM")
        if machine is None:
            raise NoSuchMachineError(machine_id)
        if not _may_see(user, machine):
            raise NotAuthorizedError(user.id, right, f"VM [{machine_id}]")
        return machine

    def visible_to(self, account: str) -> Sequence[Machine]:
        """All machines that a user may see, by number."""
        user = self._users.of_account(account)
        with self._lock:
            return [machine for machine in self._machines.values() if _may_see(user, machine)]

    def act(self, account: str, machine_id: int, action: str) -> None:
        """Do something to a machine.

        :param action: OpenNebula's name of it, such as ``finalize``
        :raises NoSuchMachineError: if there is none of this number
        :raises NotAuthorizedError: if it is another user's
        :raises UnknownActionError: if there is no such action
        :raises WrongStateError: if the machine is not in a state for it
        """
        with self._lock:
            self._life_cycle.act(self.find(account, machine_id, "MANAGE"), action)

    def restore(self, machines: Iterable[Machine]) -> None:
        """Add the machines of an earlier run, with the addresses that they have."""
        with self._lock:
            for machine in machines:
                self._machines[machine.id] = machine
                if machine.connected:
                    for nic in machine.nics:
                        self._networks.claim(nic)
                self._life_cycle.restore(machine)

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
            quota = f"NUM_VMS quota exceeded (Quota: {self._limit}, Used: {own}, Requested: 1)."
            raise QuotaError(f"User [{user.id}] : {quota}")

    def _new_machine(self, user: User, template: Template) -> Machine:
        number = len(self._machines)
        name = set_name(template, number)
        connected = self._connect_all(template, user)
        try:
            template.replace_vectors("DISK", _numbered_disks(template))
            owner = {"UID": str(user.id), "UNAME": user.name, "GID": str(user.group_id), "GNAME": user.group}
            complete(template, name, number, Variables(owner, template, self._networks.attributes))
        except AllocationError:
            self._disconnect(connected)
            raise
        return Machine(number, user, name, template, created=self._clock.now())

    def _connect_all(self, template: Template, user: User) -> list[Mapping[str, str]]:
        """Lease an address for each NIC that names a network; OpenNebula leaves the others as they are."""
        nics: list[Mapping[str, str]] = []
        try:
            for nic in template.vectors("NIC"):
                nics.append(self._networks.connect(nic, user) if names_network(nic) else nic)
        except AllocationError:
            self._disconnect(nics)
            raise
        template.replace_vectors("NIC", nics)
        return nics

    def _disconnect(self, nics: Iterable[Mapping[str, str]]) -> None:
        for nic in filter(names_network, nics):
            self._networks.disconnect(nic)


def _may_see(user: User, machine: Machine) -> bool:
    return user.is_admin or machine.owner == user


def _numbered_disks(template: Template) -> Iterator[dict[str, str]]:
    for number, disk in enumerate(template.vectors("DISK")):
        if "IMAGE" in disk or "IMAGE_ID" in disk:
            # OpenNebula's own image catalogue is empty: StratusLab has its images in the Marketplace.
            raise AllocationError("Could not get disk image for VM.")
        yield {**disk, "DISK_ID": str(number)}
