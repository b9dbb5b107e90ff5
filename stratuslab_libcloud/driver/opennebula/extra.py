"""What ``extra`` of OpenNebula's nodes, sizes, images and volumes contains, key by key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict


class NicExtra(TypedDict):
    """A network interface of a node.

    :param nic_id: its number in the machine
    :param network: the network's name
    :param ipv6: its addresses that others can reach
    :param parent: the name of the interface that it is an alias of
    :param security_groups: ids
    """

    nic_id: int | None
    network_id: str | None
    network: str
    mac: str
    ip: str | None
    ipv6: list[str]
    parent: str | None
    security_groups: list[str]


class DiskExtra(TypedDict):
    """A disk of a node.

    :param disk_id: its number in the machine
    :param image_id: of the image that it was made from
    :param image: that image's name
    :param type: OpenNebula's TYPE, such as ``FILE``
    :param size: MiB
    :param device: such as ``vda``
    """

    disk_id: int | None
    image_id: str | None
    image: str | None
    type: str
    size: int | None
    device: str | None


class _DescribedNode(TypedDict):
    location: str
    state: str
    lcm_state: str
    error: str | None
    sched_message: str | None
    host: str | None
    owner: str
    group: str
    cpu: float | None
    vcpu: int
    memory: int | None
    networks: list[str]
    macs: list[str]
    labels: list[str]
    locked: bool
    mark: str | None
    ended_at: str | None
    monitored_cpu: float | None
    monitored_memory: int | None


class NodeExtra(_DescribedNode, total=False):
    """Of a node. `nics`, `disks`, `context`, `template_id` and `user_template` are not there in lists, which are
    shorter; those of ``ssh_`` are there after `deploy_node`.

    :param location: the id of its location
    :param state: OpenNebula's STATE, by its name
    :param lcm_state: OpenNebula's LCM_STATE, by its name; it says more while the state is ``ACTIVE``
    :param error: the cloud's own words about a failure
    :param sched_message: why the scheduler has not placed it yet
    :param host: the physical machine it runs on, or ran on last; None before it was placed
    :param owner: the user's name
    :param group: the user's group
    :param cpu: the share of physical CPUs
    :param vcpu: virtual CPUs
    :param memory: MiB
    :param networks: of each network interface
    :param macs: of each network interface
    :param locked: whether actions on it are forbidden until it is unlocked
    :param mark: by which the driver finds what it has created
    :param ended_at: ISO 8601, in UTC; None while it has not ended
    :param monitored_cpu: percent of one physical CPU that it used when it was last measured
    :param monitored_memory: KiB of memory that it used then
    :param context: CONTEXT, without a password
    :param template_id: of the template that it was made from
    :param user_template: USER_TEMPLATE
    :param ssh_host: the address at which it was reached
    :param ssh_port: the port
    :param ssh_username: who logged in
    """

    nics: list[NicExtra]
    disks: list[DiskExtra]
    context: dict[str, Any]
    template_id: str | None
    user_template: dict[str, Any]
    ssh_host: str
    ssh_port: int
    ssh_username: str


class SizeExtra(TypedDict):
    """Of a size.

    :param cpu: the share of physical CPUs
    :param vcpu: virtual CPUs
    """

    cpu: float
    vcpu: int


class ImageExtra(TypedDict, total=False):
    """Of an image or of a VM template. Both have `location`, `kind`, `owner`, `description` and `labels`; a template
    has `memory`, `cpu`, `vcpu` and `user_inputs` besides, and an image has the rest.

    :param location: the id of its location
    :param kind: ``image`` or ``template``
    :param type: OpenNebula's TYPE, such as ``OS``
    :param state: such as ``READY``
    :param size: MiB
    :param persistent: whether it keeps what a machine writes
    :param created: ISO 8601, in UTC
    :param error: the cloud's own words about a failure
    :param mark: by which the driver finds what it has created
    :param memory: MiB
    :param cpu: the share of physical CPUs
    :param vcpu: virtual CPUs
    :param user_inputs: USER_INPUTS: what must be given for a machine
    """

    location: str
    kind: str
    owner: str
    description: str
    labels: list[str]
    type: str
    state: str
    size: int
    persistent: bool
    datastore_id: str | None
    datastore: str
    group: str
    created: str | None
    error: str | None
    mark: str | None
    memory: int | None
    cpu: float | None
    vcpu: int | None
    user_inputs: Mapping[str, Any]


class Attachment(TypedDict):
    """A machine that uses a volume.

    :param node_id: the machine
    :param device: what the volume is called there; None where it was not asked
    """

    node_id: str
    device: str | None


class VolumeExtra(TypedDict):
    """Of a volume.

    :param location: the id of its location
    :param state: OpenNebula's, such as ``READY``
    :param size: MiB
    :param created: ISO 8601, in UTC
    :param attachments: the machines that use it
    :param snapshots: how many it has
    :param error: the cloud's own words about a failure
    :param mark: by which the driver finds what it has created
    """

    location: str
    state: str
    size: int
    datastore_id: str | None
    datastore: str
    owner: str
    group: str
    created: str | None
    attachments: list[Attachment]
    snapshots: int
    labels: list[str]
    error: str | None
    mark: str | None
