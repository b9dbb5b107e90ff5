"""Networks and security groups in OpenNebula's XML."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from stratuslab_libcloud.sandbox.compute.template_xml import cdata, template_xml, vector_xml
from stratuslab_libcloud.sandbox.opennebula.object_xml import identity_xml, ids_xml, lock_xml, permissions_xml
from stratuslab_libcloud.sandbox.state.opennebula.networks import AddressRange, Network
from stratuslab_libcloud.sandbox.state.opennebula.security_groups import SecurityGroup

_MACHINE = 0x1000000000
"""What the numbers of machines have in front where addresses are counted."""


class NetworkXml:
    """Writes networks as 6.10 does."""

    network_extras = ""

    def full(self, network: Network, shown: Collection[int] | None = None) -> str:
        """A network.

        :param shown: the machines whose addresses are shown; None for a list, which only counts them
        """
        machines = sorted({machine for addresses in network.ranges for machine in addresses.leases.values()})
        used = sum(len(addresses.leases) for addresses in network.ranges)
        template = network.template.copy()
        for name, value in (("BRIDGE", network.bridge), ("BRIDGE_TYPE", "linux"), ("VN_MAD", "dummy")):
            template.replace(name, value)
        for name in ("OUTER_VLAN_ID", "PHYDEV", "VLAN_ID"):
            template.replace(name, "")
        return (
            f"<VNET>{identity_xml(network)}{lock_xml(network.lock)}{permissions_xml(network)}"
            f"<CLUSTERS><ID>0</ID></CLUSTERS><BRIDGE>{cdata(network.bridge)}</BRIDGE>"
            "<BRIDGE_TYPE><![CDATA[linux]]></BRIDGE_TYPE><STATE><![CDATA[1]]></STATE>"
            f"<PREV_STATE><![CDATA[1]]></PREV_STATE><PARENT_NETWORK_ID/>{self.network_extras}"
            "<VN_MAD><![CDATA[dummy]]></VN_MAD><PHYDEV/><VLAN_ID/><OUTER_VLAN_ID/>"
            "<VLAN_ID_AUTOMATIC>0</VLAN_ID_AUTOMATIC><OUTER_VLAN_ID_AUTOMATIC>0</OUTER_VLAN_ID_AUTOMATIC>"
            f"<USED_LEASES>{used}</USED_LEASES><VROUTERS></VROUTERS>{_updates_xml(machines)}{template_xml(template)}"
            f"<AR_POOL>{''.join(self._range(addresses, shown) for addresses in network.ranges)}</AR_POOL></VNET>"
        )

    def _range(self, addresses: AddressRange, shown: Collection[int] | None) -> str:
        values = {
            "AR_ID": str(addresses.id),
            "IP": str(addresses.ip or ""),
            "IP6": str(addresses.ip6 or ""),
            "GLOBAL_PREFIX": addresses.global_prefix,
            "ULA_PREFIX": addresses.ula_prefix,
            "PREFIX_LENGTH": addresses.prefix_length,
            "MAC": addresses.mac.to_bytes(6, "big").hex(":"),
            "SIZE": str(addresses.size),
            "TYPE": addresses.type,
            **self._range_extras(addresses),
        }
        values = {name: value for name, value in values.items() if value}
        if shown is None:
            values["ALLOCATED"] = "".join(f" {i} {_MACHINE | m}" for i, m in sorted(addresses.leases.items()))
            return f"<AR>{vector_xml(values)}</AR>"
        return f"<AR>{vector_xml(values)}{_leases_xml(addresses, shown)}</AR>"

    def _range_extras(self, addresses: AddressRange) -> dict[str, str]:
        return {}


class NetworkXml74(NetworkXml):
    """Writes networks as 7.4 does."""

    network_extras = "<TEMPLATE_ID/>"

    def _range_extras(self, addresses: AddressRange) -> dict[str, str]:
        return {"NEXT_INDEX": str(addresses.next_index), "SHARED": "NO"}


def security_group_xml(group: SecurityGroup, machines: Iterable[int]) -> str:
    """A security group.

    :param machines: that have it
    """
    return (
        f"<SECURITY_GROUP>{identity_xml(group)}{permissions_xml(group)}{_updates_xml(machines)}"
        f"{template_xml(group.template)}</SECURITY_GROUP>"
    )


def _updates_xml(machines: Iterable[int]) -> str:
    return (
        f"{ids_xml('UPDATED_VMS', machines)}<OUTDATED_VMS></OUTDATED_VMS><UPDATING_VMS></UPDATING_VMS>"
        "<ERROR_VMS></ERROR_VMS>"
    )


def _leases_xml(addresses: AddressRange, shown: Collection[int]) -> str:
    size = addresses.size - 1
    ends = {f"{name}_END": value for name, value in addresses.addresses(size).items() if name in ("IP", "IP6", "MAC")}
    leases = "".join(
        f"<LEASE>{vector_xml({**addresses.addresses(index), 'VM': str(machine)})}</LEASE>"
        for index, machine in sorted(addresses.leases.items())
        if machine in shown
    )
    return f"{vector_xml(ends)}<USED_LEASES>{len(addresses.leases)}</USED_LEASES><LEASES>{leases}</LEASES>"
