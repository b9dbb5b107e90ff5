"""What the configuration says, as frozen records: one CloudConfig a section, and all that is in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Password:
    """A user's name and password."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Certificate:
    """A client certificate and its private key, in PEM files; a proxy certificate is one file for both."""

    certificate: Path
    key: Path


Credentials = Password | Certificate


@dataclass(frozen=True)
class ServiceConfig:
    """Where one service of a cloud is and how it is spoken to.

    :param url: the base address, with ``/pswd`` or ``/cert`` in its place; no trailing slash, no credentials
    :param credentials: None for the Marketplace, which asks for none
    :param verify: True or False; a CA bundle or folder; None to leave it to Libcloud's settings
    :param timeout: seconds that a whole call may take
    :param connections: how many connections may be open at once
    :param max_answer: bytes that an answer may have
    """

    url: str
    credentials: Credentials | None
    verify: bool | Path | None
    timeout: float
    connections: int
    max_answer: int


@dataclass(frozen=True)
class MachineOptions:
    """What a new machine gets unless the call says otherwise; `client.template` writes it down.

    :param instance_type: the name of the default size
    :param network: ``public``, ``local`` or ``private``
    :param address: the IP address to ask for
    :param disks_bus: ``ide``, ``scsi`` or ``virtio``; None for what the image says
    :param qcow: whether the root disk is qcow2, whatever the image says
    :param persistent_disk: the uuid of a disk to start with
    :param readonly_disk: the Marketplace identifier of a read-only data image
    :param volatile_disk: MiB of an additional empty disk that goes with the machine
    :param cpu_amount: share of physical CPU, at most the number of virtual ones
    :param requirements: an OpenNebula expression that a host must satisfy
    :param raw_data: text for the hypervisor, or the name of a file that has it
    :param vnc_port: -1 for any
    :param context_method: ``one`` or ``cloud-init``
    :param context_file: a file of ``key=value`` lines for the contextualization
    :param context_data: the same, separated by ``#``
    :param cloud_init: ``mimetype,file`` pairs separated by ``#``
    :param check_image_url: whether an image given as a URL is looked at before it is used
    """

    instance_type: str = "m1.small"
    network: str = "public"
    address: str | None = None
    disks_bus: str | None = None
    qcow: bool = False
    persistent_disk: str | None = None
    readonly_disk: str | None = None
    volatile_disk: int | None = None
    cpu_amount: float | None = None
    requirements: str | None = None
    kernel: str | None = None
    ramdisk: str | None = None
    raw_data: str | None = None
    vnc_port: int = -1
    vnc_listen: str | None = None
    context_method: str = "one"
    context_file: Path | None = None
    context_data: str | None = None
    cloud_init: str | None = None
    check_image_url: bool = True


@dataclass(frozen=True)
class PortTranslation:
    """A gateway through which machines of the local network are reached.

    :param service_url: the service that knows which gateway port leads to which machine
    :param gateway_host: the host to connect to
    """

    service_url: str
    gateway_host: str


@dataclass(frozen=True)
class CloudConfig:
    """All that the file and the environment say about one cloud.

    :param section: the section's name, which is the location's id
    :param file: the name of the file, for messages
    :param public_key_file: goes into new machines
    :param private_key_file: opens them
    :param disks_source: how the disk service is named in a machine's template, as the user wrote it
    """

    section: str
    file: str
    name: str
    country: str
    compute: ServiceConfig
    disks: ServiceConfig
    marketplace: ServiceConfig
    disks_source: str
    public_key_file: Path
    private_key_file: Path
    machine: MachineOptions
    port_translation: PortTranslation | None


@dataclass(frozen=True)
class InstanceType:
    """A machine size: virtual CPUs, memory and swap in MiB."""

    name: str
    cpu: int
    ram: int
    swap: int


@dataclass(frozen=True)
class Place:
    """How a location is shown to people.

    :param name: the location's name
    :param country: where it is; ``unknown`` when nobody said
    """

    name: str
    country: str
