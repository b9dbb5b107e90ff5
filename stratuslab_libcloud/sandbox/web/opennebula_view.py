"""An OpenNebula cloud of today on the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from stratuslab_libcloud.sandbox.state.opennebula.cloud import OpenNebula
from stratuslab_libcloud.sandbox.state.opennebula.image import Image, ImageType
from stratuslab_libcloud.sandbox.state.opennebula.machine import Machine, VmState
from stratuslab_libcloud.sandbox.state.template import Template
from stratuslab_libcloud.sandbox.web import words
from stratuslab_libcloud.sandbox.web.cloud_view import (
    Cell,
    CloudView,
    Column,
    Contents,
    MachineRow,
    Row,
    Table,
    cells,
    machine_link,
)

_NUMBER = Column("Number", "number")
_NAME = Column("Name", "name")
_OWNER = Column("Owner")


class OpenNebulaView(CloudView):
    """Looks at an OpenNebula cloud.

    :param addresses: of its services, by name
    """

    def __init__(self, cloud: OpenNebula, addresses: Mapping[str, str]) -> None:
        self._cloud = cloud
        self.title = f"OpenNebula {cloud.release.number}"
        self.addresses = addresses

    def look(self) -> Contents:
        """What the cloud holds now."""
        with self._cloud.lock:
            images = list(self._cloud.images.pool)
            return Contents(
                now=self._cloud.clock.now(),
                next_step=self._cloud.steps.next_at,
                machines=[_machine(machine) for machine in reversed(list(self._cloud.machines.pool))],
                tables=[
                    self._volumes(image for image in images if image.type == ImageType.DATABLOCK),
                    self._images(image for image in images if image.type != ImageType.DATABLOCK),
                    self._templates(),
                    self._networks(),
                    self._leases(),
                    self._security_groups(),
                    self._datastores(),
                    self._users(),
                ],
            )

    def _volumes(self, images: Iterable[Image]) -> Table:
        return Table(
            "volumes",
            "Volumes",
            (
                _NUMBER,
                _NAME,
                Column("Size", "number"),
                _OWNER,
                Column("Datastore"),
                Column("State", "state"),
                Column("Attached to", "code"),
            ),
            [
                Row(
                    str(image.id),
                    cells(
                        image.id,
                        image.name,
                        words.mebibytes(image.size),
                        image.owner.name,
                        image.datastore.name,
                        _state(image.state.name),
                        self._places(image),
                    ),
                )
                for image in images
            ],
            "There are no volumes: images of the type DATABLOCK.",
        )

    def _places(self, image: Image) -> list[Cell]:
        machines = [self._cloud.machines.pool.get(number) for number in image.machines]
        return [
            machine_link(machine.id, f"{machine.id} as {disk.get('TARGET', '?')}")
            for machine in machines
            if machine is not None
            for disk in machine.disks
            if disk.get("IMAGE_ID") == str(image.id)
        ]

    def _images(self, images: Iterable[Image]) -> Table:
        return Table(
            "images",
            "Images",
            (
                _NUMBER,
                _NAME,
                Column("Type"),
                Column("Size", "number"),
                _OWNER,
                Column("Datastore"),
                Column("State", "state"),
                Column("In use", "number"),
            ),
            [
                Row(
                    str(image.id),
                    cells(
                        image.id,
                        image.name,
                        f"{image.type.name}{', persistent' if image.persistent else ''}",
                        words.mebibytes(image.size),
                        image.owner.name,
                        image.datastore.name,
                        _state(image.state.name),
                        len(image.machines),
                    ),
                )
                for image in images
            ],
            "There are no images.",
        )

    def _templates(self) -> Table:
        return Table(
            "templates",
            "Templates",
            (_NUMBER, _NAME, _OWNER, Column("CPU", "number"), Column("Memory", "number")),
            [
                Row(
                    str(template.id),
                    cells(template.id, template.name, template.owner.name, *_capacity(template.template)),
                )
                for template in self._cloud.templates.pool
            ],
            "There are no templates.",
        )

    def _networks(self) -> Table:
        return Table(
            "networks",
            "Networks",
            (
                _NUMBER,
                _NAME,
                _OWNER,
                Column("First address", "code"),
                Column("Leased", "number"),
                Column("Size", "number"),
            ),
            [
                Row(
                    f"{network.id}-{addresses.id}",
                    cells(
                        network.id,
                        network.name,
                        network.owner.name,
                        addresses.ip or addresses.ip6 or addresses.addresses(0)["MAC"],
                        len(addresses.leases),
                        addresses.size,
                    ),
                )
                for network in self._cloud.networks
                for addresses in network.ranges
            ],
            "There are no networks.",
        )

    def _leases(self) -> Table:
        leases = [
            (network, addresses.addresses(index), machine_id)
            for network in self._cloud.networks
            for addresses in network.ranges
            for index, machine_id in addresses.leases.items()
        ]
        return Table(
            "leases",
            "Leases",
            (Column("Address", "code"), Column("Network"), Column("Machine"), Column("MAC address", "code")),
            [
                Row(
                    f"{network.id}-{nic['MAC']}",
                    cells(
                        [Cell(address) for address in _addresses(nic)], network.name, machine_link(machine), nic["MAC"]
                    ),
                )
                for network, nic, machine in leases
            ],
            "No address is leased.",
        )

    def _security_groups(self) -> Table:
        return Table(
            "security-groups",
            "Security groups",
            (_NUMBER, _NAME, _OWNER, Column("Rules", "code")),
            [
                Row(
                    str(group.id),
                    cells(
                        group.id, group.name, group.owner.name, [Cell(_rule(r)) for r in group.template.vectors("RULE")]
                    ),
                )
                for group in self._cloud.security_groups
            ],
            "There are no security groups.",
        )

    def _datastores(self) -> Table:
        used = Counter({store.id: 0 for store in self._cloud.datastores})
        for image in self._cloud.images.pool:
            used[image.datastore.id] += image.size
        return Table(
            "datastores",
            "Datastores",
            (_NUMBER, _NAME, Column("Type"), Column("Used", "number"), Column("Size", "number")),
            [
                Row(
                    str(store.id),
                    cells(
                        store.id,
                        store.name,
                        f"{store.type.name.lower()}{'' if store.enabled else ', disabled'}",
                        words.mebibytes(used[store.id]),
                        words.mebibytes(store.total),
                    ),
                )
                for store in self._cloud.datastores
            ],
            "There are no datastores.",
        )

    def _users(self) -> Table:
        machines = Counter(m.owner.id for m in self._cloud.machines.pool if m.state != VmState.DONE)
        return Table(
            "users",
            "Users",
            (_NUMBER, _NAME, Column("Group"), Column("Machines", "number"), Column("State", "state")),
            [
                Row(
                    str(user.id),
                    cells(
                        user.id,
                        user.name,
                        user.group.name,
                        machines[user.id],
                        Cell("enabled", "good") if user.enabled else Cell("disabled", "resting"),
                    ),
                )
                for user in self._cloud.users
            ],
            "",
        )


def _machine(machine: Machine) -> MachineRow:
    cpu, _ = _capacity(machine.template)
    return MachineRow(
        id=machine.id,
        name=machine.name,
        owner=machine.owner.name,
        state=machine.exact_state.name,
        addresses=[address for nic in (*machine.nics, *machine.aliases) for address in _addresses(nic)],
        host=machine.history[-1].host.name if machine.history and not machine.history[-1].end else "",
        cpu=cpu,
        memory=machine.memory,
        created=machine.time,
        ended=machine.ended,
        message=machine.user_template.text("ERROR") or machine.user_template.text("SCHED_MESSAGE") or "",
        life=list(machine.life),
        history=list(machine.history),
    )


def _addresses(nic: Mapping[str, str]) -> Sequence[str]:
    return [nic[name] for name in ("IP", "IP6", "IP6_GLOBAL") if nic.get(name)]


def _capacity(template: Template) -> tuple[str, str]:
    memory = template.text("MEMORY") or ""
    return template.text("CPU") or "", words.mebibytes(int(memory)) if memory.isdecimal() else memory


def _rule(rule: Mapping[str, str]) -> str:
    names = ("RULE_TYPE", "PROTOCOL", "RANGE", "NETWORK_ID", "IP", "SIZE", "ICMP_TYPE")
    return " ".join(rule[name] for name in names if rule.get(name))


def _state(name: str) -> Cell:
    return Cell(name, words.tone(name))
