"""The configuration as records: one CloudConfig for each section, and its parts."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Password(NamedTuple):
    """A user name and a password: for HTTP Basic authentication, and in each XML-RPC call.

    :param username: the user's name
    :param password: in clear text; ``repr()`` leaves it out
    """

    username: str
    password: str

    def __repr__(self) -> str:
        return f"Password(username={self.username!r})"


class SessionPassword(NamedTuple):
    """What a user is known by at OpenNebula itself: a part of each XML-RPC call, and nothing of HTTP's.

    :param username: the user's name
    :param password: in clear, or a token; it is left out of representations
    """

    username: str
    password: str

    def __repr__(self) -> str:
        return f"SessionPassword(username={self.username!r})"


class Certificate(NamedTuple):
    """A TLS client certificate. A proxy certificate is one file for both.

    :param certificate: the PEM file of the certificate
    :param key: the PEM file of its private key, which must have no passphrase
    """

    certificate: Path
    key: Path


Credentials = Password | SessionPassword | Certificate


class ServiceConfig(NamedTuple):
    """Where one service of a cloud is and how to speak to it.

    :param url: the base URL, with ``/pswd`` or ``/cert`` where it belongs; no trailing slash, no credentials
    :param credentials: None for the Marketplace, which needs none
    :param verify: True or False; a CA bundle or folder; None to use Libcloud's settings
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


class SavedImage(NamedTuple):
    """What the image is called that is made of a machine's root disk when the machine is shut down.

    :param title: of the new image
    :param comment: its description
    :param author: the name of its creator
    :param author_email: where the cloud tells that it is there
    :param version: of the image
    :param marketplace: where its metadata goes; '' for that of the machine's own image, or the site's
    """

    title: str = ""
    comment: str = ""
    author: str = ""
    author_email: str = ""
    version: str = ""
    marketplace: str = ""


class MachineOptions(NamedTuple):
    """The options of a new machine, unless the call has others; they become a part of its template.

    :param instance_type: the name of the default size
    :param network: ``public``, ``local`` or ``private``
    :param address: the IP address to request
    :param disks_bus: ``ide``, ``scsi`` or ``virtio``; None to use the image's
    :param qcow: whether the root disk is qcow2, also if the image's entry has another format
    :param persistent_disk: the uuid of a disk to attach at the start
    :param readonly_disk: the Marketplace identifier or the URL of a read-only data image
    :param volatile_disk: MiB of an additional empty disk that is deleted with the machine
    :param cpu_amount: share of physical CPUs, at most the number of virtual CPUs
    :param requirements: an OpenNebula expression that a host must satisfy
    :param kernel: a kernel on the host to boot instead of the image's
    :param ramdisk: the ramdisk for it
    :param raw_data: text for the hypervisor, or the name of a file that contains it
    :param vnc_port: -1 for any
    :param vnc_listen: the IP address on which the VNC server listens
    :param template_file: a template with ``%(name)s`` for the values, instead of the built-in one
    :param saved_image: what is made of the root disk at the shutdown; None to save nothing
    :param context_method: ``one`` or ``cloud-init``
    :param context_file: a file of ``key=value`` lines for the contextualization
    :param context_data: the same, separated by ``#``
    :param cloud_init: ``mimetype,file`` pairs separated by ``#``
    :param expand_variables: whether OpenNebula replaces ``$NAME`` and the like in `context_file`, `context_data` and
        `requirements`
    :param check_image_url: whether an image that is given by its URL is checked before it is used
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
    template_file: Path | None = None
    saved_image: SavedImage | None = None
    context_method: str = "one"
    context_file: Path | None = None
    context_data: str | None = None
    cloud_init: str | None = None
    expand_variables: bool = False
    check_image_url: bool = True


class PortTranslation(NamedTuple):
    """A gateway through which machines of the local network can be reached (StratusLab's PAT).

    :param service_url: the CGI script that says which port of the gateway leads to which machine
    :param gateway_host: the host to connect to; IPv6 without brackets
    """

    service_url: str
    gateway_host: str


class CloudConfig(NamedTuple):
    """All that the file and the environment say about one cloud.

    :param section: the section's name, which is the location's ID
    :param file: the name of the file, for messages
    :param name: the location's name for people
    :param country: where it is
    :param compute: the compute service (one-proxy); its URL is that of the XML-RPC
    :param disks: the persistent disk service (pdisk); ``/disks`` is under its URL
    :param marketplace: the Marketplace; ``/metadata`` is under its URL
    :param disks_source: the disk service in a machine's template, written as the user wrote it
    :param public_key_file: SSH key that is put into new machines
    :param private_key_file: SSH key to log in to them
    :param key_pairs_directory: where Libcloud's key pairs are files
    :param machine: the options of new machines
    :param port_translation: None if machines are reached at their own addresses
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
    key_pairs_directory: Path
    machine: MachineOptions
    port_translation: PortTranslation | None


class OpenNebulaConfig(NamedTuple):
    """All that is set for one cloud of today's OpenNebula.

    :param section: the section's name, which is the location's id
    :param file: the name of the file, for messages
    :param name: the name of the location, as it is shown
    :param country: where it is
    :param compute: the daemon's XML-RPC
    :param public_key_file: goes into new machines; None to leave it to the keys that the cloud has of the user
    :param private_key_file: opens them
    :param key_pairs_directory: where Libcloud's key pairs are files
    """

    section: str
    file: str
    name: str
    country: str
    compute: ServiceConfig
    public_key_file: Path | None
    private_key_file: Path
    key_pairs_directory: Path

    @property
    def session(self) -> str:
        """The session string, the first parameter of each call."""
        credentials = self.compute.credentials
        return f"{credentials.username}:{credentials.password}" if isinstance(credentials, SessionPassword) else ""


AnyCloudConfig = CloudConfig | OpenNebulaConfig


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
    """A location as it is shown to people.

    :param name: the location's name
    :param country: where it is; ``unknown`` if the file does not say it
    """

    name: str
    country: str
