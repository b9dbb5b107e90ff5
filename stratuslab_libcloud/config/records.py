"""What the configuration says, as records: one CloudConfig a section, and all that is in it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Password(NamedTuple):
    """What a user is known by: HTTP Basic authentication to the proxies, and part of each XML-RPC call.

    :param username: the user's name
    :param password: in clear; it is left out of representations
    """

    username: str
    password: str

    def __repr__(self) -> str:
        return f"Password(username={self.username!r})"


class Certificate(NamedTuple):
    """What a user is known by: a TLS client certificate. A proxy certificate is one file for both.

    :param certificate: the PEM file of the certificate
    :param key: the PEM file of its private key, which must have no passphrase
    """

    certificate: Path
    key: Path


Credentials = Password | Certificate


class ServiceConfig(NamedTuple):
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


class MachineOptions(NamedTuple):
    """What a new machine gets unless the call says otherwise; `client.blueprint` makes a template of it.

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
    :param kernel: a kernel on the host to boot instead of the image's
    :param ramdisk: the ramdisk for it
    :param raw_data: text for the hypervisor, or the name of a file that has it
    :param vnc_port: -1 for any
    :param vnc_listen: the IP address that the VNC server listens at
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


class PortTranslation(NamedTuple):
    """A gateway through which machines of the local network are reached (StratusLab's PAT).

    :param service_url: the CGI script that knows which gateway port leads to which machine
    :param gateway_host: the host to connect to; IPv6 without brackets
    """

    service_url: str
    gateway_host: str


class CloudConfig(NamedTuple):
    """All that the file and the environment say about one cloud.

    :param section: the section's name, which is the location's id
    :param file: the name of the file, for messages
    :param name: how people call the location
    :param country: where it is
    :param compute: the compute service (one-proxy); its address is that of the XML-RPC
    :param disks: the persistent disk service (pdisk); ``/disks`` is under its address
    :param marketplace: the Marketplace; ``/metadata`` is under its address
    :param disks_source: how the disk service is named in a machine's template: as the user wrote it
    :param public_key_file: goes into new machines
    :param private_key_file: opens them
    :param machine: what new machines get
    :param port_translation: None where machines are reached at their own addresses
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


class InstanceType(NamedTuple):
    """A machine size.

    :param name: in lower case
    :param cpu: virtual CPUs
    :param ram: MiB of memory
    :param swap: MiB of swap; 0 is possible
    """

    name: str
    cpu: int
    ram: int
    swap: int


class Place(NamedTuple):
    """How a location is shown to people.

    :param name: the location's name
    :param country: where it is; ``unknown`` where the file does not say
    """

    name: str
    country: str
