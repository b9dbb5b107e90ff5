"""The Libcloud objects that StratusLab adds something to, and how the client's records become them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from libcloud.compute.base import Node, NodeDriver, NodeImage, NodeLocation, NodeSize, StorageVolume
from libcloud.compute.types import NodeState, StorageVolumeState

from stratuslab_libcloud.client.stratuslab.identifiers import is_image_id, number_in

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.machine import VirtualMachine
    from stratuslab_libcloud.client.stratuslab.disk import Disk, Mount
    from stratuslab_libcloud.client.stratuslab.entries import Image
    from stratuslab_libcloud.config import InstanceType
    from stratuslab_libcloud.driver.stratuslab.driver import StratusLabNodeDriver

STATE_OF_STATUS = {
    "INIT": NodeState.PENDING,
    "PENDING": NodeState.PENDING,
    "HOLD": NodeState.PENDING,
    "STOPPED": NodeState.STOPPED,
    "SUSPENDED": NodeState.SUSPENDED,
    "DONE": NodeState.TERMINATED,
    "FAILED": NodeState.ERROR,
    "POWEROFF": NodeState.STOPPED,
    "UNDEPLOYED": NodeState.STOPPED,
    "LCM_INIT": NodeState.STARTING,
    "PROLOG": NodeState.STARTING,
    "BOOT": NodeState.STARTING,
    "RUNNING": NodeState.RUNNING,
    "MIGRATE": NodeState.MIGRATING,
    "SAVE_STOP": NodeState.STOPPING,
    "SAVE_SUSPEND": NodeState.STOPPING,
    "SAVE_MIGRATE": NodeState.MIGRATING,
    "PROLOG_MIGRATE": NodeState.MIGRATING,
    "PROLOG_RESUME": NodeState.STARTING,
    "EPILOG_STOP": NodeState.STOPPING,
    "EPILOG": NodeState.STOPPING,
    "SHUTDOWN": NodeState.STOPPING,
    "CANCEL": NodeState.STOPPING,
    "FAILURE": NodeState.ERROR,
    "CLEANUP": NodeState.STOPPING,
    "UNKNOWN": NodeState.UNKNOWN,
}
"""Libcloud's word for each of OpenNebula's: by LCM_STATE while a machine is active, else by STATE."""

PUBLIC_NETWORK = "public"
PRIVATE_NETWORKS = frozenset({"local", "private"})


class StratusLabNode(Node):
    """A machine as it was when the cloud was asked about it; ask again with `ex_get_node_details`.

    :ivar location: the `NodeLocation` where it is
    """

    def __init__(
        self, machine: VirtualMachine, location: NodeLocation, size: NodeSize, driver: StratusLabNodeDriver
    ) -> None:
        public_ips, private_ips = _addresses(machine)
        super().__init__(
            id=str(machine.id),
            name=machine.name,
            state=STATE_OF_STATUS.get(machine.status, NodeState.UNKNOWN),
            public_ips=public_ips,
            private_ips=private_ips,
            driver=driver,
            size=size,
            image=_image_of(machine, driver),
            extra=_node_extra(machine, location),
            created_at=machine.started,
        )
        self.location = location

    @property
    def host(self) -> str | None:
        """The physical machine it runs on. Asks the cloud when that was not known yet.

        :return: None while the machine has not been placed
        :raises StratusLabError: when the cloud can not be asked
        """
        if self.extra["host"] is None:
            self.extra["host"] = self.driver.ex_get_node_details(self).extra["host"]
        host: str | None = self.extra["host"]
        return host

    def get_uuid(self) -> str:
        """A number for this machine that no other has: unlike Libcloud's own it contains the location."""
        identity = f"{self.id}:{self.driver.type}:{self.location.id}"
        return hashlib.sha1(identity.encode(), usedforsecurity=False).hexdigest()


class StratusLabSize(NodeSize):
    """An instance type. `disk` is its swap in MiB, as it has always been in this driver.

    :ivar cpu: virtual CPUs
    """

    def __init__(self, instance_type: InstanceType, driver: StratusLabNodeDriver) -> None:
        super().__init__(
            id=instance_type.name,
            name=instance_type.name,
            ram=instance_type.ram,
            disk=instance_type.swap,
            bandwidth=0,
            price=0.0,
            driver=driver,
            extra={"cpu": instance_type.cpu, "swap": instance_type.swap},
        )
        self.cpu = instance_type.cpu


class StratusLabImage(NodeImage):
    """An image that the Marketplace lists.

    :ivar entry: what its endorser says of it, as the client library has it
    """

    def __init__(self, entry: Image, driver: StratusLabNodeDriver) -> None:
        name = entry.title or entry.description.partition("\n")[0].strip() or entry.identifier
        super().__init__(id=entry.identifier, name=name, driver=driver, extra=_image_extra(entry))
        self.entry = entry


class StratusLabVolume(StorageVolume):
    """A persistent disk.

    :ivar location: the `NodeLocation` where it is
    """

    def __init__(
        self,
        disk: Disk,
        location: NodeLocation,
        driver: NodeDriver,
        mounts: Iterable[Mount] | None = None,
    ) -> None:
        super().__init__(
            id=disk.uuid,
            name=disk.tag,
            size=disk.size,
            driver=driver,
            state=StorageVolumeState.INUSE if disk.users else StorageVolumeState.AVAILABLE,
            extra=_volume_extra(disk, location, mounts),
        )
        self.location = location


def number_of(node: Node | str | int) -> int:
    """The number of a machine, which is a node's id.

    :raises InvalidArgumentError: when it is no number
    """
    return number_in(str(node.id if isinstance(node, Node) else node))


def attachment(mount: Mount) -> dict[str, str]:
    """What `volume.extra['attachments']` says of one machine that uses the volume."""
    return {"node_id": str(mount.machine), "device": mount.device}


def location_of(thing: Any, default: str) -> str:
    """The id of the location in which a node or a volume is, also of a plain Libcloud object."""
    location = getattr(thing, "location", None)
    if isinstance(location, NodeLocation):
        return str(location.id)
    return str((thing.extra or {}).get("location") or default)


def _addresses(machine: VirtualMachine) -> tuple[list[str], list[str]]:
    """Public and private addresses, by the kind of network that each belongs to."""
    public: list[str] = []
    private: list[str] = []
    for nic in machine.nics:
        if nic.ip:
            (private if _is_private(nic.network, nic.ip) else public).append(nic.ip)
    return public, private


def _is_private(network: str, ip: str) -> bool:
    if network == PUBLIC_NETWORK:
        return False
    if network in PRIVATE_NETWORKS:
        return True
    try:
        address = ip_address(ip)
    except ValueError:
        return True
    return address.is_private and not address.is_loopback


def _image_of(machine: VirtualMachine, driver: StratusLabNodeDriver) -> NodeImage | None:
    image_id = machine.image_id
    if image_id is None:
        return None
    return NodeImage(id=image_id, name=image_id, driver=driver, extra={"source": machine.disks[0].source})


def _node_extra(machine: VirtualMachine, location: NodeLocation) -> dict[str, Any]:
    return {
        "location": str(location.id),
        "host": machine.host,
        "networks": [nic.network for nic in machine.nics],
        "macs": [nic.mac for nic in machine.nics],
        "owner": machine.owner,
        "group": machine.group,
        "state": machine.state_name,
        "lcm_state": machine.lcm_state_name,
        "error": machine.error,
        "mark": machine.mark,
        "ended_at": machine.ended.isoformat() if machine.ended else None,
    }


def _image_extra(entry: Image) -> dict[str, Any]:
    return {
        "os": entry.os,
        "os_version": entry.os_version,
        "architecture": entry.arch,
        "version": entry.version,
        "format": entry.format,
        "kind": entry.kind or entry.type,
        "title": entry.title,
        "description": entry.description,
        "tag": entry.tag,
        "created": entry.created,
        "valid_until": entry.valid,
        "size": entry.size,
        "checksums": dict(entry.checksums),
        "locations": list(entry.locations),
        "compression": entry.compression,
        "creator": entry.creator,
        "publisher": entry.publisher,
        "hypervisor": entry.hypervisor,
        "endorser": entry.endorser,
        "endorsed": entry.endorsed,
        "disk_bus": entry.disks_bus,
        "inbound_ports": list(entry.inbound_ports),
    }


def _volume_extra(disk: Disk, location: NodeLocation, mounts: Iterable[Mount] | None) -> dict[str, Any]:
    extra: dict[str, Any] = {
        "location": str(location.id),
        "owner": disk.owner,
        "use_count": disk.users,
        "marketplace_id": disk.identifier if is_image_id(disk.identifier) else None,
        "snapshot_of": disk.snapshot_of,
        "mark": disk.mark,
        "quarantine": disk.quarantine or None,
    }
    if disk.kind or disk.visibility:
        extra["type"] = disk.kind
        extra["visibility"] = disk.visibility
    if mounts is not None:
        extra["attachments"] = [attachment(mount) for mount in mounts]
    return extra
