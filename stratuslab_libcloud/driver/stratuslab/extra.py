"""What ``extra`` of StratusLab's nodes, sizes, images and volumes contains, key by key."""

from __future__ import annotations

from typing import TypedDict


class _DescribedNode(TypedDict):
    location: str
    host: str | None
    vcpu: int
    networks: list[str]
    macs: list[str]
    owner: str
    group: str
    state: str
    lcm_state: str
    error: str | None
    mark: str | None
    ended_at: str | None
    monitored_cpu: float | None
    monitored_memory: int | None
    metadata: dict[str, str]
    tags: dict[str, str] | list[str]
    key_name: str | None
    save_as: str | None


class NodeExtra(_DescribedNode, total=False):
    """Of a node; those of ``ssh_`` are there after `deploy_node`.

    :param location: the id of its location
    :param host: the physical machine it runs on, or ran on last; None before it was placed
    :param vcpu: virtual CPUs
    :param networks: of each network interface, such as ``public``
    :param macs: of each network interface
    :param owner: the user's name
    :param group: the user's group
    :param state: OpenNebula's STATE, by its name
    :param lcm_state: OpenNebula's LCM_STATE, by its name; it says more while the state is ``ACTIVE``
    :param error: the cloud's own words about a failure
    :param mark: by which the driver finds what it has created
    :param ended_at: ISO 8601, in UTC; None while it has not ended
    :param monitored_cpu: percent of one physical CPU that it used when it was last measured
    :param monitored_memory: KiB of memory that it used then
    :param metadata: what ``ex_metadata`` was
    :param tags: what ``ex_tags`` was
    :param key_name: what ``ex_keyname`` was
    :param save_as: the title of the image that is made of it when it is shut down
    :param ssh_host: the address at which it was reached
    :param ssh_port: the port
    :param ssh_username: who logged in
    """

    ssh_host: str
    ssh_port: int
    ssh_username: str


class SizeExtra(TypedDict):
    """Of a size.

    :param cpu: virtual CPUs
    :param swap: MiB
    """

    cpu: int
    swap: int


class ImageExtra(TypedDict):
    """Of an image of the Marketplace: what its endorser says of it; a text is empty where the entry says nothing.

    :param architecture: such as ``x86_64``
    :param format: ``raw`` or ``qcow2``
    :param kind: ``machine`` or ``disk``
    :param tag: a name that its endorser gave it
    :param created: when the image was made, as the entry writes it
    :param valid_until: as the entry writes it
    :param size: bytes, uncompressed
    :param checksums: hexadecimal, by the algorithm's name, such as ``SHA-1``
    :param locations: URLs
    :param endorser: the e-mail address of the person whose entry this is
    :param endorsers: the e-mail addresses of all who endorsed the image
    :param endorsed: when, as the entry writes it
    :param disk_bus: ``ide``, ``scsi`` or ``virtio``
    :param inbound_ports: the ports on which a machine made from it can be reached
    """

    os: str
    os_version: str
    architecture: str
    version: str
    format: str
    kind: str
    title: str
    description: str
    tag: str
    created: str
    valid_until: str
    size: int | None
    checksums: dict[str, str]
    locations: list[str]
    compression: str
    creator: str
    publisher: str
    hypervisor: str
    endorser: str
    endorsers: list[str]
    endorsed: str
    disk_bus: str
    inbound_ports: list[int]


class Attachment(TypedDict):
    """A machine that uses a volume.

    :param node_id: the machine
    :param device: what the volume is called there, such as ``vdb``
    """

    node_id: str
    device: str


class VolumeExtra(TypedDict):
    """Of a volume.

    :param location: the id of its location
    :param state: ``available`` or ``in-use``: OpenStack's words
    :param owner: the user's name
    :param use_count: how many machines use it
    :param marketplace_id: of the image that it is a copy of
    :param snapshot_of: the volume that it is a copy-on-write copy of, as the root disks of machines are
    :param mark: by which the driver finds what it has created
    :param quarantine: until when the service keeps it from being used
    :param type: such as ``DATA_IMAGE_RAW_READ_WRITE``; None where the service was not asked, as in a plain list
    :param visibility: ``PRIVATE`` or ``PUBLIC``; None where the service was not asked
    :param attachments: the machines that use it; None where the service was not asked
    """

    location: str
    state: str
    owner: str
    use_count: int
    marketplace_id: str | None
    snapshot_of: str | None
    mark: str | None
    quarantine: str | None
    type: str | None
    visibility: str | None
    attachments: list[Attachment] | None
