"""The options of commands that start machines."""

from __future__ import annotations

import argparse

from stratus_commands import options
from stratus_commands.parsing import CommandParser, add_setting

_MIB_IN_GIB = 1024

_NEW_IMAGE = (
    (
        "author_email",
        "--author-email",
        "EMAIL",
        "Email address of the author of the new image. After image is saved a notification is sent with further "
        "instructions.",
    ),
    ("author", "--author", "NAME", "Author of the new image"),
    ("image_version", "--image-version", "VERSION", "Version for the new image."),
    ("title", "--title", "TEXT", "Title of the new image"),
    ("comment", "--comment", "TEXT", "Description of the new image"),
    (
        "marketplace_endpoint_newimage",
        "--marketplace-endpoint-newimage",
        "URL",
        "Marketplace to register the new image manifest in. No default. If not provided, either base image Marketplace "
        "or defined by cloud site will be used.",
    ),
)


def add_machine(parser: CommandParser) -> None:
    """What a machine is like; where the cloud is and who the user is included."""
    group = parser.add_argument_group("Machine")
    add_setting(
        group,
        "user_public_key_file",
        "-k",
        "--key",
        metavar="FILE",
        help="SSH public key(s) (.pub) to log on the machine. Default STRATUSLAB_KEY, then the first of "
        "~/.ssh/id_ed25519.pub, id_ecdsa.pub and id_rsa.pub. In case of multiple keys, concatenate them to the file.",
    )
    add_setting(
        group,
        "instance_type",
        "-t",
        "--type",
        metavar="TYPE",
        help="instance type to start (see --list-types for default)",
    )
    group.add_argument(
        "--list-type", dest="list_types", action="store_true", help="list available instance types (deprecated)"
    )
    group.add_argument("-l", "--list-types", action="store_true", help="list available instance types")
    add_setting(group, "vm_cpu", "--cpu", metavar="CPU", help="number of CPU cores")
    add_setting(group, "vm_ram", "--ram", metavar="RAM", help="RAM in megabytes")
    add_setting(group, "vm_swap", "--swap", metavar="SWAP", help="swap space in megabytes")
    _add_context(parser)
    _add_hypervisor(parser)
    options.add_marketplace(parser)
    options.add_endpoint(parser)
    options.add_credentials(parser)


def add_start(parser: CommandParser) -> None:
    """How many machines are started, in which network and with which disks."""
    group = parser.add_argument_group("Start")
    add_setting(
        group,
        "instance_number",
        "-n",
        "--number",
        metavar="INT",
        type=int,
        help="number of machines to start (default 1)",
    )
    group.add_argument("-o", "--output", metavar="FILE", help="save vm-id to a file")
    add_setting(
        group,
        "vm_name",
        "--vm-name",
        metavar="NAME",
        help="name of VM. If not given, a default name will be assigned by cloud layer.",
    )
    group.add_argument("--notify", metavar="MSGRECIPIENTS", help="accepted, and without effect, as in release 14.06")
    add_network(parser)
    add_disks(parser)
    options.add_pdisk(parser)
    _add_new_image(parser)


def _add_context(parser: CommandParser) -> None:
    group = parser.add_argument_group("Contextualization")
    add_setting(
        group,
        "extra_context_file",
        "--context-file",
        metavar="FILE",
        help="extra context file with one key=value per line",
    )
    add_setting(
        group,
        "extra_context_data",
        "--context",
        metavar="CONTEXT",
        help="extra context string, key=value pairs (separate by #)",
    )
    add_setting(
        group,
        "default_context_method",
        "--context-method",
        metavar="METHOD",
        help="default contextualization method (one or cloud-init)",
    )
    add_setting(
        group, "cloud_init", "--cloud-init", metavar="PAIRS", help="mimetype,file pairs (separate by #), for cloud-init"
    )


def _add_hypervisor(parser: CommandParser) -> None:
    group = parser.add_argument_group("Hypervisor")
    add_setting(
        group,
        "vm_requirements",
        "--vm-requirements",
        metavar="REQUIREMENTS",
        help="Advanced requirements for VM placement. Available values depend on the cloud configuration. e.g. "
        "--vm-requirements 'CLUSTER = \\\"test\\\" & MAGICNUMBER = 42'",
    )
    add_setting(
        group,
        "vm_template_file",
        "--vm-template-file",
        metavar="FILE",
        help="VM template file, with %%(name)s for the values. Default a built-in template",
    )
    add_setting(
        group,
        "vm_cpu_amount",
        "--vm-cpu-amount",
        metavar="CPU",
        type=float,
        help="Percentage of CPU divided by 100 required for the Virtual Machine. Half a processor is written 0.5. No "
        "default. If not provided, CPU value from predefined instance types is used.",
    )
    _add_devices(group)


def _add_devices(group: argparse._ArgumentGroup) -> None:
    add_setting(
        group,
        "vnc_port",
        "--vnc-port",
        metavar="PORT",
        type=int,
        help="VNC port number. Note for KVM it's the real one, not the VNC port. So for VNC port 0 you should specify "
        "5900, for port 1 is 5901 and so on.",
    )
    add_setting(group, "vnc_listen", "--vnc-listen", metavar="ADDRESS", help="IP to listen on")
    add_setting(
        group,
        "vm_disks_bus",
        "--vm-disks-bus",
        metavar="BUSTYPE",
        help="VM disks bus type defined for all disks: ide, scsi or virtio. Overrides 'disks-bus' element value "
        "defined in image manifest. If the latter is not set, by default ide is assumed.",
    )


def add_network(parser: CommandParser) -> None:
    """In which network a machine is."""
    group = parser.add_argument_group("Network")
    add_setting(
        group,
        "is_local_ip",
        "--local-ip",
        flag="true",
        help="By default, virtual machines are assigned a public IP address. With this option, a local address is "
        "provided, which means that it will not be reachable from the outside, but will be reachable from other "
        "instances in the same data-center.",
    )
    add_setting(
        group,
        "is_private_ip",
        "--private-ip",
        flag="true",
        help="By default, virtual machines are assigned a public IP address. With this option, a private address is "
        "provided, which means that it will not be reachable anywhere. This is useful for instances that initiate the "
        "connection to other machines.",
    )
    group.add_argument(
        "--network",
        action="append",
        metavar="NAME",
        help="network to be in, by its name or ID, on an OpenNebula cloud; can be given several times",
    )
    add_setting(group, "specific_address_request", "--address", metavar="IP", help="request a specific ip address")


def add_disks(parser: CommandParser) -> None:
    """Which further disks a machine has."""
    group = parser.add_argument_group("Disks")
    add_setting(
        group,
        "extra_disk_size",
        "--volatile-disk",
        metavar="INT",
        type=_mebibytes,
        help="volatile data disk size in GB",
    )
    add_setting(group, "persistent_disk_uuid", "--persistent-disk", metavar="UUID", help="persistent disk UUID")
    add_setting(group, "readonly_disk_id", "--readonly-disk", metavar="ID", help="marketplace readonly disk image ID")
    add_setting(
        group,
        "use_qcow_disk_format",
        "--qcow-disk-format",
        flag="true",
        help="launch instance from an image in qcow2 disk format. Only used when image is provided as URL. When image "
        "is given by ID, disk format is inferred from the image metadata.",
    )
    add_setting(
        group,
        "no_check_image_url",
        "--no-check-image-url",
        flag="true",
        help="Turn off image availability check. Do not check if the location URLs in the image metadata exist.",
    )


def add_new_image(parser: CommandParser, condition: str = "") -> argparse._ArgumentGroup:
    """What is said of the image that becomes of a machine.

    :param condition: what the help of each option begins with
    :return: the group, for more
    """
    group = parser.add_argument_group("New image")
    for key, option, metavar, help in _NEW_IMAGE:
        add_setting(group, key, option, metavar=metavar, help=condition + help)
    return group


def _add_new_image(parser: CommandParser) -> None:
    group = add_new_image(parser, "Used with --save option. ")
    add_setting(group, "save_disk", "--save", flag="true", help="save image after VM shutdown")


def _mebibytes(gibibytes: str) -> int:
    return int(gibibytes) * _MIB_IN_GIB
