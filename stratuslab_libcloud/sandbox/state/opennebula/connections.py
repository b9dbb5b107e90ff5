"""The NICs of machines: connected to networks, as the documents have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stratuslab_libcloud.sandbox.state.opennebula.errors import InvalidTemplateError
from stratuslab_libcloud.sandbox.state.opennebula.machine import Machine
from stratuslab_libcloud.sandbox.state.opennebula.networks import Network
from stratuslab_libcloud.sandbox.state.opennebula.objects import Pool, Right
from stratuslab_libcloud.sandbox.state.opennebula.users import User, Users

_REQUESTED = ("IP", "IP6", "MAC")


class Connections:
    """Connects machines to networks, and disconnects them."""

    def __init__(self, networks: Pool[Network], users: Users) -> None:
        self._networks = networks
        self._users = users

    def connect_all(
        self,
        user: User,
        machine: Machine,
        nics: Iterable[Mapping[str, str]],
        aliases: Iterable[Mapping[str, str]],
    ) -> None:
        """Connect a new machine.

        :raises RefusedError: if one of its NICs cannot be had; it has none, then
        """
        try:
            for nic in nics:
                if nic:
                    self.connect(user, machine, nic)
            for alias in aliases:
                if alias:
                    self.connect_alias(user, machine, alias)
        except BaseException:
            self.disconnect_all(machine)
            raise

    def connect(self, user: User, machine: Machine, wanted: Mapping[str, str]) -> dict[str, str]:
        """Give a machine one more NIC.

        :raises RefusedError: if it cannot have it
        """
        number = machine.next_nic_id
        nic = {**wanted, "NIC_ID": str(number), "NAME": wanted.get("NAME") or f"NIC{number}"}
        if wanted.get("NETWORK_MODE", "").lower() != "auto":
            nic = self._lease(self._find(user, wanted), machine, nic)
        machine.next_nic_id += 1
        machine.nics.append(nic)
        return nic

    def connect_alias(self, user: User, machine: Machine, wanted: Mapping[str, str]) -> dict[str, str]:
        """Give one of a machine's NICs one more address.

        :raises RefusedError: if it cannot have it
        """
        parent = next((nic for nic in machine.nics if nic["NAME"] == wanted.get("PARENT")), None)
        if parent is None:
            raise InvalidTemplateError(f"NIC_ALIAS[PARENT = {wanted.get('PARENT', '')}]. Parent NIC doesn't exist.")
        number = machine.next_nic_id
        siblings = [alias for alias in machine.aliases if alias["PARENT_ID"] == parent["NIC_ID"]]
        alias = {
            **wanted,
            "NIC_ID": str(number),
            "NAME": f"{parent['NAME']}_ALIAS{number}",
            "ALIAS_ID": str(max((int(sibling["ALIAS_ID"]) for sibling in siblings), default=-1) + 1),
            "PARENT_ID": parent["NIC_ID"],
        }
        alias = self._lease(self._find(user, wanted), machine, alias)
        machine.next_nic_id += 1
        machine.aliases.append(alias)
        _note_aliases(machine, parent)
        return alias

    def connect_automatic(self, machine: Machine) -> None:
        """Connect the NICs whose network the scheduler chooses."""
        for position, nic in enumerate(machine.nics):
            if nic.get("NETWORK_MODE", "").lower() == "auto" and "NETWORK_ID" not in nic:
                machine.nics[position] = self._lease(next(iter(self._networks)), machine, nic)

    def disconnect(self, machine: Machine, nic: dict[str, str]) -> None:
        """Take a NIC or an alias from a machine; aliases go with their NIC."""
        if nic in machine.aliases:
            machine.aliases.remove(nic)
            parent = next(parent for parent in machine.nics if parent["NIC_ID"] == nic["PARENT_ID"])
            _note_aliases(machine, parent)
        else:
            for alias in [alias for alias in machine.aliases if alias["PARENT_ID"] == nic["NIC_ID"]]:
                machine.aliases.remove(alias)
                self._release(machine, alias)
            machine.nics.remove(nic)
        self._release(machine, nic)

    def disconnect_all(self, machine: Machine) -> None:
        """Let a machine that is no more have no leases; its document keeps the addresses."""
        for nic in (*machine.nics, *machine.aliases):
            self._release(machine, nic)

    def _lease(self, network: Network, machine: Machine, nic: Mapping[str, str]) -> dict[str, str]:
        wanted = next((nic[name] for name in _REQUESTED if nic.get(name)), "")
        attributes = network.connect(machine.id, wanted)
        if attributes is None:
            raise InvalidTemplateError(f"Cannot get IP/MAC lease from virtual network {network.id}.")
        groups = dict.fromkeys([*attributes["SECURITY_GROUPS"].split(","), *nic.get("SECURITY_GROUPS", "").split(",")])
        return {
            **nic,
            **attributes,
            "SECURITY_GROUPS": ",".join(group for group in groups if group),
            "TARGET": f"one-{machine.id}-{nic['NIC_ID']}",
        }

    def _release(self, machine: Machine, nic: Mapping[str, str]) -> None:
        network = self._networks.get(int(nic["NETWORK_ID"])) if "NETWORK_ID" in nic else None
        if network is not None:
            network.disconnect(nic, machine.id)

    def _find(self, user: User, wanted: Mapping[str, str]) -> Network:
        if "NETWORK_ID" in wanted:
            number = wanted["NETWORK_ID"]
            network = self._networks.get(int(number)) if number.isdecimal() else None
            if network is None:
                raise InvalidTemplateError(f"Virtual network with ID: {number} does not exist")
        else:
            network = self._named(user, wanted)
        self._networks.authorize(user, network, Right.USE)
        return network

    def _named(self, user: User, wanted: Mapping[str, str]) -> Network:
        owner: User | None = user
        if "NETWORK_UNAME" in wanted:
            owner = next((u for u in self._users if u.name == wanted["NETWORK_UNAME"]), None)
        elif wanted.get("NETWORK_UID", "").isdecimal():
            owner = next((u for u in self._users if u.id == int(wanted["NETWORK_UID"])), None)
        network = self._networks.named(owner, wanted.get("NETWORK", "")) if owner else None
        if network is None:
            raise InvalidTemplateError(
                f"User {owner.id if owner else -1} does not own a network with name: {wanted.get('NETWORK', '')} . "
                "Set NETWORK_UNAME or NETWORK_UID of owner in NIC."
            )
        return network


def _note_aliases(machine: Machine, parent: dict[str, str]) -> None:
    numbers = [alias["NIC_ID"] for alias in machine.aliases if alias["PARENT_ID"] == parent["NIC_ID"]]
    parent.pop("ALIAS_IDS", None)
    if numbers:
        parent["ALIAS_IDS"] = ",".join(numbers)
