"""An OpenNebula cloud's state as a whole: what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network

from stratuslab_libcloud.sandbox.state.clock import Clock
from stratuslab_libcloud.sandbox.state.networks import random_loopback_network
from stratuslab_libcloud.sandbox.state.opennebula.catalogue import (
    add_datastores,
    add_images,
    add_networks,
    add_security_groups,
    add_templates,
)
from stratuslab_libcloud.sandbox.state.opennebula.connections import Connections
from stratuslab_libcloud.sandbox.state.opennebula.datastores import Datastore
from stratuslab_libcloud.sandbox.state.opennebula.drivers import Drivers
from stratuslab_libcloud.sandbox.state.opennebula.hotplug import Hotplug
from stratuslab_libcloud.sandbox.state.opennebula.image import Image
from stratuslab_libcloud.sandbox.state.opennebula.images import Images
from stratuslab_libcloud.sandbox.state.opennebula.life_cycle import LifeCycle
from stratuslab_libcloud.sandbox.state.opennebula.machine import Machine
from stratuslab_libcloud.sandbox.state.opennebula.machines import Machines
from stratuslab_libcloud.sandbox.state.opennebula.networks import Network
from stratuslab_libcloud.sandbox.state.opennebula.objects import Pool
from stratuslab_libcloud.sandbox.state.opennebula.release import RELEASES
from stratuslab_libcloud.sandbox.state.opennebula.security_groups import SecurityGroup
from stratuslab_libcloud.sandbox.state.opennebula.storage import Storage
from stratuslab_libcloud.sandbox.state.opennebula.users import Users
from stratuslab_libcloud.sandbox.state.opennebula.vm_templates import VmTemplate, VmTemplates
from stratuslab_libcloud.sandbox.state.pace import Pace
from stratuslab_libcloud.sandbox.state.progress import Progress
from stratuslab_libcloud.sandbox.state.users import SUPERUSER, Accounts


class OpenNebula(Progress[Machine]):
    """A cloud: its users, machines, images, templates, networks, datastores and security groups.

    :param release: 6.10 or 7.4
    :param passwords: of the users, by name; by default alice and bob with random ones
    :param public_network: addresses of the public network; by default a /24 of the loopback network, chosen at random
    :param images: the names of those that there are, instead of the usual three
    :raises ValueError: if there is no such release
    """

    def __init__(
        self,
        *,
        release: str,
        clock: Clock,
        pace: Pace,
        passwords: Mapping[str, str] | None,
        public_network: IPv4Network | None = None,
        images: Sequence[str] | None = None,
    ) -> None:
        super().__init__(clock)
        if release not in RELEASES:
            raise ValueError(f"there is no OpenNebula {release!r} here; choose one of: {', '.join(RELEASES)}")
        self.release = RELEASES[release]()
        self.public_network = public_network or random_loopback_network()
        self.accounts = Accounts(passwords)
        self.users = Users(clock, self.accounts, ignore_case=self.release.ignores_case)
        self.drivers = Drivers()
        self.security_groups: Pool[SecurityGroup] = Pool("SECGROUP", "security group")
        self.networks: Pool[Network] = Pool("NET", "virtual network", shared=True)
        self.datastores: Pool[Datastore] = Pool("DATASTORE", "datastore", shared=True)
        self.images = Images(
            pool=Pool[Image]("IMAGE", "image"),
            datastores=self.datastores,
            clock=clock,
            steps=self.steps,
            pace=pace,
            drivers=self.drivers,
            release=self.release,
        )
        self._add_machines(pace)
        self._fill(images)

    def _add_machines(self, pace: Pace) -> None:
        """The machines, and what acts on them."""
        storage = Storage(self.images, self.users, self.release)
        connections = Connections(self.networks, self.users)
        life_cycle = LifeCycle(
            progress=self,
            pace=pace,
            drivers=self.drivers,
            storage=storage,
            connections=connections,
            release=self.release,
        )
        self.machines = Machines(
            pool=Pool[Machine]("VM", "virtual machine", group_sees_all=self.release.group_filter_shows_all),
            life_cycle=life_cycle,
            storage=storage,
            connections=connections,
            networks=self.networks,
            security_groups=self.security_groups,
            steps=self.steps,
            release=self.release,
        )
        self.hotplug = Hotplug(
            life_cycle=life_cycle,
            storage=storage,
            connections=connections,
            images=self.images,
            drivers=self.drivers,
            release=self.release,
            refresh=self.machines.refresh,
        )
        self.templates = VmTemplates(
            pool=Pool[VmTemplate]("TEMPLATE", "virtual machine template"),
            machines=self.machines,
            images=self.images,
            steps=self.steps,
        )
        self.images.on_written = lambda image: self._go_on(image, life_cycle)

    def _go_on(self, image: Image, life_cycle: LifeCycle) -> None:
        for number in list(image.machines):
            machine = self.machines.pool.get(number)
            if machine is not None:
                life_cycle.image_written(machine)

    def _fill(self, images: Sequence[str] | None) -> None:
        admin, now = self.users.named(SUPERUSER), self.clock.now()
        add_security_groups(self.security_groups, admin, now)
        add_networks(self.networks, admin, self.public_network, now, goes_on=self.release.leases_go_on)
        add_datastores(self.datastores, admin, now)
        add_images(self.images.pool, self.datastores, admin, now, images)
        add_templates(self.templates.pool, admin, now)
