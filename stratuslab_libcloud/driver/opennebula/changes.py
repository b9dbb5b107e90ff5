"""Changes of a machine that are done when its document says so: capacity and network interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from libcloud.compute.base import NodeSize

from stratuslab_libcloud.client.opennebula.machine_changes import Change
from stratuslab_libcloud.config import values
from stratuslab_libcloud.driver.arguments import checked, parsed
from stratuslab_libcloud.driver.opennebula.nics import nics
from stratuslab_libcloud.errors import ConflictError, InvalidArgumentError

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.cloud import OpenNebulaCloud
    from stratuslab_libcloud.client.opennebula.machine import VirtualMachine

_LARGEST = 2**31 - 1


def capacity(size: Any, memory: Any, cpu: Any, vcpu: Any) -> dict[str, Any]:
    """MEMORY, CPU and VCPU, those that are given.

    :raises InvalidArgumentError: when a value is not possible, or none is given
    """
    found: dict[str, Any] = {}
    if size is not None:
        found = {"MEMORY": checked(NodeSize, size).ram}
        share = getattr(size, "cpu", None) or (size.extra or {}).get("cpu")
        cores = getattr(size, "vcpu", None) or (size.extra or {}).get("vcpu")
        found |= {"CPU": share} if share else {}
        found |= {"VCPU": cores} if cores else {}
    found |= {"MEMORY": memory} if memory is not None else {}
    found |= {"CPU": cpu} if cpu is not None else {}
    found |= {"VCPU": vcpu} if vcpu is not None else {}
    if not found:
        raise InvalidArgumentError("a new capacity is needed: a size, ex_memory, ex_cpu or ex_vcpu")
    whole = values.whole_number(1, _LARGEST)
    return {
        name: f"{parsed(name, value, values.positive_number):g}" if name == "CPU" else parsed(name, value, whole)
        for name, value in found.items()
    }


def resize(cloud: OpenNebulaCloud, machine_id: int, wanted: dict[str, Any], limit: float) -> VirtualMachine:
    """Change the capacity of a machine.

    :param wanted: as `capacity` returns it
    :param limit: seconds
    """

    def is_so(machine: VirtualMachine) -> bool:
        now = {"MEMORY": machine.memory, "CPU": f"{machine.cpu_share or 0:g}", "VCPU": machine.cpu}
        return all(now[name] == value for name, value in wanted.items())

    change = Change(
        cloud.compute,
        machine_id,
        "one.vm.resize",
        "get another capacity",
        lambda seconds: cloud.compute.start_resize(machine_id, wanted, seconds),
        is_so,
        limit,
    )
    return change.make()[0]


def attach_nic(cloud: OpenNebulaCloud, machine_id: int, network: Any, limit: float) -> VirtualMachine:
    """Put a machine into another network.

    :param limit: seconds
    """
    [nic] = nics(cloud, [network], None)
    name = "NIC_ALIAS" if "PARENT" in nic else "NIC"
    before = {each.nic_id for each in cloud.compute.machine(machine_id).nics}
    change = Change(
        cloud.compute,
        machine_id,
        "one.vm.attachnic",
        "get another network interface",
        lambda seconds: cloud.compute.start_attach_nic(machine_id, {name: nic}, seconds),
        lambda machine: bool({each.nic_id for each in machine.nics} - before),
        limit,
    )
    return change.make()[0]


def detach_nic(cloud: OpenNebulaCloud, machine_id: int, nic_id: Any, limit: float) -> VirtualMachine:
    """Take a network interface out of a machine.

    :param limit: seconds
    :raises ConflictError: when it has none of this number
    """
    number = parsed("nic_id", nic_id, values.whole_number(0, _LARGEST)) or 0
    there = {each.nic_id for each in cloud.compute.machine(machine_id).nics if each.nic_id is not None}
    if number not in there:
        raise ConflictError(
            f"machine {machine_id} has no network interface {number}; it has {sorted(there)}",
            cloud.compute.asked("one.vm.detachnic"),
        )
    change = Change(
        cloud.compute,
        machine_id,
        "one.vm.detachnic",
        "lose the network interface",
        lambda seconds: cloud.compute.start_detach_nic(machine_id, number, seconds),
        lambda machine: number not in {each.nic_id for each in machine.nics},
        limit,
    )
    return change.make()[0]
