"""A StratusLab cloud's state as a whole: what belongs to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Network

from stratuslab_libcloud.sandbox.state.clock import Clock
from stratuslab_libcloud.sandbox.state.disks import Disks
from stratuslab_libcloud.sandbox.state.entries import Entries, Entry
from stratuslab_libcloud.sandbox.state.errors import NoDriverYetError, NoSuchMachineError, NotAuthenticatedError
from stratuslab_libcloud.sandbox.state.life_cycle import LifeCycle
from stratuslab_libcloud.sandbox.state.machines import Machines
from stratuslab_libcloud.sandbox.state.networks import Networks
from stratuslab_libcloud.sandbox.state.pace import Pace
from stratuslab_libcloud.sandbox.state.progress import Progress
from stratuslab_libcloud.sandbox.state.saved_image import SavedImage
from stratuslab_libcloud.sandbox.state.transfer import TransferManager
from stratuslab_libcloud.sandbox.state.users import Accounts, Users
from stratuslab_libcloud.sandbox.state.vm import Host, Machine

HOSTS = tuple(Host(number, f"node{number + 1}.example.org") for number in range(4))


class State(Progress[Machine]):
    """A cloud: its users, machines, networks, disks and images.

    :param make_entry: the Marketplace's entry of an image that was made of a machine, at that time, on a disk of the
        service at that URL
    :param passwords: of the users, by name
    :param public_network: addresses of the public network
    :param machine_limit: how many machines that are not done a user may have
    :param start_seconds: how long the compute service's daemon starts, from each `start_daemon` on
    :raises ValueError: if the limit is below 0
    """

    def __init__(
        self,
        *,
        clock: Clock,
        pace: Pace,
        make_entry: Callable[[SavedImage, float, str], Entry],
        passwords: Mapping[str, str] | None = None,
        public_network: IPv4Network | None = None,
        machine_limit: int | None = None,
        start_seconds: float = 0,
    ) -> None:
        super().__init__(clock)
        self._start_seconds = start_seconds
        self._daemon_is_up_at = 0.0
        self.marketplace_url = ""
        self.disks_url = ""
        self.accounts = Accounts(passwords)
        self.users = Users()
        self.networks = Networks(self.users, public_network)
        self.disks = Disks(lock=self.lock, clock=clock, can_attach=self._runs_on)
        self.entries = Entries(lock=self.lock, clock=clock)
        self.transfer = TransferManager(
            clock=clock,
            disks=self.disks,
            entries=self.entries,
            is_own_marketplace=lambda url: url == self.marketplace_url,
            make_entry=lambda image: make_entry(image, self.steps.now, self.disks_url),
        )
        life_cycle = LifeCycle(self, pace, self.networks, self.transfer, HOSTS)
        self.machines = Machines(
            lock=self.lock,
            clock=clock,
            users=self.users,
            networks=self.networks,
            life_cycle=life_cycle,
            limit=machine_limit,
        )

    def start_daemon(self, seconds: float = 0) -> None:
        """Let the compute service's daemon start, which takes some time if that was asked for.

        :param seconds: from now until it begins to start
        """
        self._daemon_is_up_at = self.clock.now() + seconds + self._start_seconds

    def check_daemon_is_up(self, account: str) -> None:
        """Check that the daemon can find out who a user is, and what the user may do.

        :raises NotAuthenticatedError: while it starts, of a user that it does not know yet
        :raises NoDriverYetError: while it starts, of the other users
        """
        if self.clock.now() >= self._daemon_is_up_at:
            return
        if account not in self.users.accounts():
            raise NotAuthenticatedError
        raise NoDriverYetError(self.users.of_account(account).id)

    def _runs_on(self, vm_id: str, node: str) -> bool:
        try:
            machine = self.machines[int(vm_id)]
        except (ValueError, NoSuchMachineError):
            return False
        return machine.is_running and machine.history[-1].host.name == node
