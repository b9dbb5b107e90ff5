"""``one.vn.*``, ``one.vnpool.*`` and ``one.secgroup*``: networks and security groups."""

from __future__ import annotations

from typing import ClassVar

from stratuslab_libcloud.sandbox.compute.xmlrpc import Parameters
from stratuslab_libcloud.sandbox.opennebula.documents import Documents
from stratuslab_libcloud.sandbox.opennebula.methods import MethodGroup, Table, listed
from stratuslab_libcloud.sandbox.opennebula.network_xml import security_group_xml
from stratuslab_libcloud.sandbox.opennebula.object_xml import pool_xml
from stratuslab_libcloud.sandbox.state.opennebula.cloud import OpenNebula
from stratuslab_libcloud.sandbox.state.opennebula.machine import Machine, VmState
from stratuslab_libcloud.sandbox.state.opennebula.objects import Right
from stratuslab_libcloud.sandbox.state.opennebula.security_groups import SecurityGroup
from stratuslab_libcloud.sandbox.state.opennebula.users import User


class NetworkMethods(MethodGroup):
    """The methods, over a cloud's state."""

    def __init__(self, cloud: OpenNebula, documents: Documents) -> None:
        self._cloud = cloud
        self._documents = documents.networks

    def _info(self, user: User, parameters: Parameters) -> str:
        number, _ = parameters.number(), parameters.boolean(False)
        network = self._cloud.networks.find(user, number)
        own = {machine.id for machine in self._cloud.machines.pool if machine.allows(user, Right.USE)}
        return self._documents.full(network, own)

    def _pool_info(self, user: User, parameters: Parameters) -> str:
        return pool_xml("VNET_POOL", map(self._documents.full, listed(self._cloud.networks, user, parameters)))

    def _group_info(self, user: User, parameters: Parameters) -> str:
        number, _ = parameters.number(), parameters.boolean(False)
        return self._group(self._cloud.security_groups.find(user, number))

    def _group_pool_info(self, user: User, parameters: Parameters) -> str:
        groups = listed(self._cloud.security_groups, user, parameters)
        return pool_xml("SECURITY_GROUP_POOL", map(self._group, groups))

    def _group(self, group: SecurityGroup) -> str:
        machines = [machine.id for machine in self._cloud.machines.pool if _is_in(machine, str(group.id))]
        return security_group_xml(group, machines)

    table: ClassVar[Table] = {
        "one.vn.info": _info,
        "one.vnpool.info": _pool_info,
        "one.secgroup.info": _group_info,
        "one.secgrouppool.info": _group_pool_info,
    }


def _is_in(machine: Machine, group: str) -> bool:
    nics = (*machine.nics, *machine.aliases)
    return machine.state != VmState.DONE and any(group in nic.get("SECURITY_GROUPS", "").split(",") for nic in nics)
