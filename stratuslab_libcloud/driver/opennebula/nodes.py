"""Machines of today's OpenNebula as Libcloud's nodes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from libcloud.compute.base import NodeDriver, NodeImage, NodeLocation
from libcloud.compute.types import NodeState

from stratuslab_libcloud.driver.nodes import LocatedNode, addresses_in
from stratuslab_libcloud.driver.opennebula.addresses import addresses_of
from stratuslab_libcloud.driver.states import STATE_OF_STATUS

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.machine import Disk, Nic, VirtualMachine
    from stratuslab_libcloud.driver.opennebula.extra import DiskExtra, NicExtra, NodeExtra
    from stratuslab_libcloud.driver.opennebula.sizes import OpenNebulaSize


class OpenNebulaNode(LocatedNode):
    """A machine as it was when the cloud was asked about it; ask again with `ex_get_node`.

    :ivar location: the `NodeLocation` where it is
    :ivar extra: see `NodeExtra`
    """

    extra: NodeExtra  # type: ignore[assignment]  # narrower than Libcloud's
    size: OpenNebulaSize
    created_at: datetime | None

    def __init__(
        self,
        machine: VirtualMachine,
        location: NodeLocation,
        size: OpenNebulaSize,
        image: NodeImage | None,
        driver: NodeDriver,
    ) -> None:
        public_ips, private_ips = addresses_of(machine)
        super().__init__(
            location,
            id=str(machine.id),
            name=machine.name,
            state=STATE_OF_STATUS.get(machine.status, NodeState.UNKNOWN),
            public_ips=public_ips,
            private_ips=private_ips,
            driver=driver,
            size=size,
            image=image,
            extra=_node_extra(machine, location),
            created_at=machine.started,
        )

    def addresses_for(self, interface: str, *, ipv4_only: bool) -> list[str]:
        """The addresses of a kind; private ones will do where there are no public ones, which many clouds do not have.

        :param interface: ``public_ips`` or ``private_ips``
        :param ipv4_only: whether those of IPv6 do not count
        """
        wanted = addresses_in(self, interface, ipv4_only=ipv4_only)
        return wanted or addresses_in(self, "private_ips", ipv4_only=ipv4_only)


def labels_in(template: Any) -> list[str]:
    """The labels of a machine or an image, which OpenNebula separates by commas."""
    text = template.get("LABELS", "")
    return [label.strip() for label in text.split(",") if label.strip()] if isinstance(text, str) else []


def _node_extra(machine: VirtualMachine, location: NodeLocation) -> NodeExtra:
    template = machine.user_template
    extra: NodeExtra = {
        "location": str(location.id),
        "state": machine.state_name,
        "lcm_state": machine.lcm_state_name,
        "error": machine.error,
        "sched_message": template.get("SCHED_MESSAGE") or None,
        "host": machine.host,
        "owner": machine.owner,
        "group": machine.group,
        "cpu": machine.cpu_share,
        "vcpu": machine.cpu,
        "memory": machine.memory,
        "networks": [nic.network for nic in machine.nics],
        "macs": [nic.mac for nic in machine.nics],
        "labels": labels_in(template),
        "locked": machine.is_locked,
        "mark": machine.mark,
        "ended_at": machine.ended.isoformat() if machine.ended else None,
        "monitored_cpu": machine.monitored_cpu,
        "monitored_memory": machine.monitored_memory,
    }
    if machine.is_full:
        context = machine.context or {}
        extra["nics"] = [_nic_extra(nic) for nic in machine.nics]
        extra["disks"] = [_disk_extra(disk) for disk in machine.disks]
        extra["context"] = {name: value for name, value in context.items() if name != "PASSWORD"}
        extra["template_id"] = None if machine.template_id is None else str(machine.template_id)
        extra["user_template"] = dict(template)
    return extra


def _nic_extra(nic: Nic) -> NicExtra:
    return {
        "nic_id": nic.nic_id,
        "network_id": None if nic.network_id is None else str(nic.network_id),
        "network": nic.network,
        "mac": nic.mac,
        "ip": nic.ip or None,
        "ipv6": list(nic.ipv6),
        "parent": nic.parent or None,
        "security_groups": [group for group in nic.security_groups.split(",") if group],
    }


def _disk_extra(disk: Disk) -> DiskExtra:
    return {
        "disk_id": disk.disk_id,
        "image_id": None if disk.image_id is None else str(disk.image_id),
        "image": disk.image or None,
        "type": disk.kind,
        "size": disk.size,
        "device": disk.target or None,
    }
