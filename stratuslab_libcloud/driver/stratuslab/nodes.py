"""Machines of a StratusLab cloud as Libcloud's nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING

from libcloud.compute.base import NodeDriver, NodeImage, NodeLocation
from libcloud.compute.types import NodeState

from stratuslab_libcloud.client.stratuslab.proxy import user_name
from stratuslab_libcloud.driver.nodes import LocatedNode
from stratuslab_libcloud.driver.states import STATE_OF_STATUS
from stratuslab_libcloud.driver.stratuslab.node_notes import read_notes

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.machine import VirtualMachine
    from stratuslab_libcloud.driver.stratuslab.extra import NodeExtra
    from stratuslab_libcloud.driver.stratuslab.sizes import StratusLabSize

PUBLIC_NETWORK = "public"
PRIVATE_NETWORKS = frozenset({"local", "private"})


class StratusLabNode(LocatedNode):
    """A machine as it was when the cloud was asked about it; ask again with `ex_get_node`.

    :param known_name: the name of an image, if it is known
    :ivar location: the `NodeLocation` where it is
    :ivar extra: see `NodeExtra`
    """

    extra: NodeExtra  # type: ignore[assignment]  # narrower than Libcloud's
    size: StratusLabSize
    created_at: datetime | None

    def __init__(
        self,
        machine: VirtualMachine,
        location: NodeLocation,
        size: StratusLabSize,
        driver: NodeDriver,
        known_name: Callable[[str], str | None],
    ) -> None:
        public_ips, private_ips = _addresses(machine)
        super().__init__(
            location,
            id=str(machine.id),
            name=machine.name,
            state=STATE_OF_STATUS.get(machine.status, NodeState.UNKNOWN),
            public_ips=public_ips,
            private_ips=private_ips,
            driver=driver,
            size=size,
            image=_image_of(machine, driver, known_name),
            extra=_node_extra(machine, location),
            created_at=machine.started,
        )

    @property
    def host(self) -> str | None:
        """The physical machine it runs on. Asks the cloud when that was not known yet.

        :return: None while the machine has not been placed
        :raises StratusLabError: when the cloud cannot be asked
        """
        if self.extra["host"] is None:
            details = self.driver.ex_get_node(self)
            self.extra["host"] = details.extra["host"]
        return self.extra["host"]


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


def _image_of(machine: VirtualMachine, driver: NodeDriver, known_name: Callable[[str], str | None]) -> NodeImage | None:
    image_id = machine.image_id
    if image_id is None:
        return None
    return NodeImage(
        id=image_id, name=known_name(image_id) or image_id, driver=driver, extra={"source": machine.disks[0].source}
    )


def _node_extra(machine: VirtualMachine, location: NodeLocation) -> NodeExtra:
    notes = read_notes(machine.context)
    return {
        "location": str(location.id),
        "host": machine.host,
        "vcpu": machine.cpu,
        "networks": [nic.network for nic in machine.nics],
        "macs": [nic.mac for nic in machine.nics],
        "owner": user_name(machine.owner),
        "group": machine.group,
        "state": machine.state_name,
        "lcm_state": machine.lcm_state_name,
        "error": machine.error,
        "mark": machine.mark,
        "ended_at": machine.ended.isoformat() if machine.ended else None,
        "monitored_cpu": machine.monitored_cpu,
        "monitored_memory": machine.monitored_memory,
        "metadata": dict(notes.metadata),
        "tags": dict(notes.tags) if isinstance(notes.tags, Mapping) else list(notes.tags),
        "key_name": notes.key_name,
        "save_as": notes.save_as,
    }
