"""A StratusLab cloud on the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from stratuslab_libcloud.sandbox.state.entries import DEPRECATED, EXPIRED, VALID, Entry, timestamp
from stratuslab_libcloud.sandbox.state.state import State
from stratuslab_libcloud.sandbox.state.users import DISK_SERVICE_USER, opennebula_name
from stratuslab_libcloud.sandbox.state.vm import Machine, VmState
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

_NETWORKS = ("public", "local", "private")


class StratusLabView(CloudView):
    """Looks at a StratusLab cloud.

    :param addresses: of its services, by name
    """

    title = "StratusLab"

    def __init__(self, state: State, addresses: Mapping[str, str]) -> None:
        self._state = state
        self.addresses = addresses

    def look(self) -> Contents:
        """What the cloud holds now."""
        with self._state.lock:
            return Contents(
                now=self._state.clock.now(),
                next_step=self._state.steps.next_at,
                machines=[_machine(machine) for machine in reversed(list(self._state.machines))],
                tables=[self._volumes(), self._images(), self._networks(), self._leases(), self._users()],
            )

    def _volumes(self) -> Table:
        disks = self._state.disks
        users_first = sorted(disks, key=lambda disk: disk.owner == DISK_SERVICE_USER)
        return Table(
            "volumes",
            "Volumes",
            (
                Column("Tag", "name"),
                Column("Identifier", "code"),
                Column("Size", "number"),
                Column("Owner"),
                Column("Kind"),
                Column("Attached to", "code"),
            ),
            [
                Row(
                    disk.uuid,
                    cells(
                        disk.tag,
                        disk.uuid,
                        f"{disk.size} GiB",
                        disk.owner,
                        f"{disk.type.value.lower().replace('_', ' ')}, {disk.visibility.value.lower()}",
                        [machine_link(m.vm_id, f"{m.vm_id} as {m.device}") for m in disks.mounts(disk.uuid)],
                    ),
                )
                for disk in users_first
            ],
            "There are no volumes.",
        )

    def _images(self) -> Table:
        now = timestamp(self._state.clock.now())
        entries = sorted(self._state.entries, key=lambda entry: entry.created, reverse=True)
        return Table(
            "images",
            "Images of the Marketplace",
            (
                Column("Title", "name"),
                Column("Identifier", "code"),
                Column("System"),
                Column("Size", "number"),
                Column("Endorsed by"),
                Column("State", "state"),
            ),
            [
                Row(
                    "-".join(entry.key),
                    cells(
                        entry.title or "",
                        entry.identifier,
                        " ".join(filter(None, (entry.os, entry.os_version, entry.os_arch))),
                        words.mebibytes(entry.size / 2**20),
                        entry.email,
                        _entry_state(entry, now),
                    ),
                )
                for entry in entries
            ],
            "The Marketplace has no images.",
        )

    def _networks(self) -> Table:
        networks = [self._state.networks[name] for name in _NETWORKS]
        leased = Counter(nic["NETWORK"] for machine in self._connected() for nic in machine.nics)
        return Table(
            "networks",
            "Networks",
            (
                Column("Number", "number"),
                Column("Name", "name"),
                Column("Addresses", "code"),
                Column("Leased", "number"),
            ),
            [
                Row(network.name, cells(network.number, network.name, network.addresses, leased[network.name]))
                for network in networks
            ],
            "",
        )

    def _leases(self) -> Table:
        return Table(
            "leases",
            "Leases",
            (Column("Address", "code"), Column("Network"), Column("Machine"), Column("MAC address", "code")),
            [
                Row(nic["IP"], cells(nic["IP"], nic["NETWORK"], machine_link(machine.id), nic["MAC"]))
                for machine in self._connected()
                for nic in machine.nics
            ],
            "No address is leased.",
        )

    def _users(self) -> Table:
        machines = Counter(machine.owner.account for machine in self._state.machines if machine.state != VmState.DONE)
        disks = Counter(disk.owner for disk in self._state.disks)
        numbers = {account: number for number, account in enumerate(self._state.users.accounts())}
        names = dict.fromkeys([*self._state.accounts.users, *numbers])
        return Table(
            "users",
            "Users",
            (
                Column("Number", "number"),
                Column("Name", "name"),
                Column("In OpenNebula", "code"),
                Column("Machines", "number"),
                Column("Volumes", "number"),
            ),
            [
                Row(name, cells(numbers.get(name, ""), name, opennebula_name(name), machines[name], disks[name]))
                for name in names
            ],
            "",
        )

    def _connected(self) -> list[Machine]:
        return [machine for machine in self._state.machines if machine.connected]


def _machine(machine: Machine) -> MachineRow:
    error = next(iter(machine.template.vectors("ERROR")), {})
    return MachineRow(
        id=machine.id,
        name=machine.name,
        owner=machine.owner.account,
        state=machine.exact_state.name,
        addresses=[nic["IP"] for nic in machine.nics],
        host=machine.history[-1].host.name if machine.history and not machine.history[-1].end else "",
        cpu=machine.template.text("CPU") or "",
        memory=_whole(machine.template.text("MEMORY")),
        created=machine.created,
        ended=machine.ended,
        message=error.get("MESSAGE", ""),
        life=list(machine.life),
        history=list(machine.history),
    )


def _whole(text: str | None) -> int:
    try:
        return int(float(text or 0))
    except (ValueError, OverflowError):
        return 0


def _entry_state(entry: Entry, now: str) -> Cell:
    state = next((state for state in (VALID, DEPRECATED, EXPIRED) if entry.has_status(state, now)), "")
    return Cell(state, words.tone(state))
