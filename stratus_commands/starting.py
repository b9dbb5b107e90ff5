"""Starting machines, as ``stratus-run-instance`` and the commands that stand on it do."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any, NamedTuple

from stratus_commands.failures import CommandError, UsageError
from stratus_commands.progress import progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from libcloud.compute.base import NodeImage, NodeSize

    from stratus_commands.connection import Connection
    from stratus_commands.output import Output
    from stratuslab_libcloud import StratusLabNodeDriver
    from stratuslab_libcloud.driver.nodes import LocatedNode

_MOST = 10000
_MAX_MOUNTS = 10
_TEMPLATE = "template-"

_ONLY_STRATUSLAB = (
    *("default_context_method", "cloud_init", "vnc_port", "vnc_listen", "vm_template_file", "vm_disks_bus", "vm_swap"),
    *("is_local_ip", "is_private_ip", "specific_address_request", "extra_disk_size", "readonly_disk_id"),
    *("use_qcow_disk_format", "no_check_image_url", "save_disk"),
)
"""The settings that an OpenNebula has nothing for; as options they are refused there."""


class Order(NamedTuple):
    """What is to be started.

    :param number: how many machines
    :param name: of each; '' lets the cloud give them names
    :param size: None for the default
    :param options: further arguments of the driver's ``create_node``
    """

    number: int
    name: str
    image: NodeImage
    size: NodeSize | None
    options: dict[str, Any]


def check_arguments(arguments: Namespace) -> None:
    """Refuse what can be seen to be wrong without a cloud.

    :raises UsageError: an option has a value that is not possible
    """
    given = arguments.settings
    if "extra_context_file" in given:
        from pathlib import Path

        if not Path(given["extra_context_file"].text).is_file():
            raise UsageError("Extra context file does not exist")
    if "vnc_listen" in given:
        from ipaddress import ip_address

        try:
            ip_address(given["vnc_listen"].text)
        except ValueError:
            raise UsageError("VNC listen IP is not valid") from None


def prepare(connection: Connection, image: str, arguments: Namespace) -> Order:
    """Look at all that is needed, as far as this is possible before anything is started.

    :param image: a Marketplace identifier, also with an endorser and a date, a volume's UUID, a URL, or another text
        that the cloud knows; on an OpenNebula an image's ID, or ``template-`` and a template's
    :raises UsageError: an option is not for this kind of cloud
    :raises CommandError: the persistent disk cannot be attached to so many machines
    :raises LibcloudError: the image, the key or a value cannot be used
    """
    from stratuslab_libcloud.config import values

    read = connection.settings.read
    number = read("instance_number", values.whole_number(0, _MOST), 1)
    name = read("vm_name", values.verbatim, "")
    if connection.is_opennebula:
        found = _image(connection, image)
        size = _size(connection, is_template=image.startswith(_TEMPLATE))
        # OpenNebula's machines have to have a name.
        return Order(number, name or str(found.name), found, size, _opennebula_options(connection, arguments))
    if arguments.network:
        raise UsageError("--network is only for OpenNebula; StratusLab has --local-ip and --private-ip")
    size = _size(connection)
    _check_key(connection)
    found = _image(connection, image.partition("/")[0] if _is_full_identifier(image) else image)
    _check_disks(connection, number)
    # What 14.06 did not check is told, and goes to the cloud.
    unchecked: dict[str, Any] = {"ex_check_key": False}
    if _is_url(image) or _is_another_text(image):  # the one was looked at already, the other cannot be
        unchecked["ex_check_image_url"] = False
    return Order(number, name, found, size, unchecked)


def start(connection: Connection, order: Order, output: Output, ids_file: str | None) -> list[LocatedNode]:
    """Start the machines, each exactly once, and say so; those that were started are said also if others were not.

    :param ids_file: the name of a file for the IDs, if one is wanted
    :raises LibcloudError: some were not started
    """
    from stratuslab_libcloud.errors import PartialSuccessError

    output.title("Starting machine(s)")
    if not connection.is_opennebula:
        _check_files(connection)
    output.step(f"Starting {order.number} {'machines' if order.number > 1 else 'machine'}")
    output.verbose(f"on endpoint: {connection.config.compute.url}")
    try:
        nodes = _in_order(_create(connection, order, output))
    except PartialSuccessError as error:
        _tell(_in_order(error.nodes), output, ids_file)
        raise
    _tell(nodes, output, ids_file)
    output.step("Done!")
    return nodes


def network_of(node: LocatedNode) -> str:
    """The network of a new machine, as it is shown: such as ``Public``."""
    networks = node.extra["networks"]
    return str(networks[-1]).title() if networks else "No"


def address_of(node: LocatedNode) -> str:
    """The address of a new machine; '' if it has none."""
    return ([*node.private_ips, *node.public_ips] or [""])[-1]


def _create(connection: Connection, order: Order, output: Output) -> list[LocatedNode]:
    driver, where = connection.driver, connection.section
    if order.number == 1:
        return [driver.create_node(order.name, order.size, order.image, where, **order.options)]
    names = [order.name] * order.number
    with progress(output) as show:
        return list(driver.ex_create_nodes(names, order.size, order.image, where, ex_progress=show, **order.options))


def _tell(nodes: Sequence[LocatedNode], output: Output, ids_file: str | None) -> None:
    for number, node in enumerate(nodes, 1):
        if output.is_quiet:
            output.result(f"{node.id}, {address_of(node)}")
        else:
            output.step(f"Machine {number} (vm ID: {node.id})")
            output.detail(f"{network_of(node)} ip: {address_of(node)}")
    if ids_file:
        from pathlib import Path

        Path(ids_file).write_text("\n".join(node.id for node in nodes))


def _in_order(nodes: Sequence[Any]) -> list[LocatedNode]:
    """Machines that do not differ, in the order of their IDs."""
    return sorted(nodes, key=lambda node: int(node.id))


def _image(connection: Connection, image: str) -> NodeImage:
    from libcloud.compute.base import NodeImage

    from stratuslab_libcloud.client.stratuslab.identifiers import is_disk_id

    # The cloud says whether a machine can start from it.
    if not connection.is_opennebula and (is_disk_id(image) or _is_another_text(image)):
        return NodeImage(image, image, connection.driver)
    if not connection.is_opennebula and _is_url(image) and connection.stratuslab.machine.check_image_url:
        image = _lasting_url(connection, image)
    return connection.driver.get_image(image, connection.section)


def _is_url(image: str) -> bool:
    return image.lower().startswith("http")


def _lasting_url(connection: Connection, url: str) -> str:
    """The URL of an image that is there, or where it has moved."""
    from contextlib import closing

    from stratuslab_libcloud.client import Cloud

    with closing(Cloud(connection.stratuslab)) as cloud:
        return cloud.marketplace.lasting_url(url)


def _is_another_text(image: str) -> bool:
    """Whether a text is none of what images are named by; it may be a file that the cloud knows."""
    from stratuslab_libcloud.client.stratuslab.identifiers import is_disk_id, is_image_id, is_image_url

    return bool(image) and not (is_disk_id(image) or is_image_id(image) or is_image_url(image))


def _is_full_identifier(image: str) -> bool:
    """Whether an image is named as the Marketplace names an entry: identifier, endorser and date."""
    from stratuslab_libcloud.client.stratuslab.identifiers import is_image_id

    return is_image_id(image.partition("/")[0])


def _size(connection: Connection, *, is_template: bool = False) -> NodeSize | None:
    from stratuslab_libcloud.config import DEFAULT_INSTANCE_TYPE, values

    read = connection.settings.read
    cpu, ram = (read(key, values.whole_number(1, 1 << 30)) for key in ("vm_cpu", "vm_ram"))
    swap = read("vm_swap", values.whole_number(0, 1 << 30))
    chosen = read("instance_type", values.verbatim)
    if is_template and not (chosen or cpu or ram):
        return None
    configured = None if connection.is_opennebula else connection.stratuslab.machine.instance_type
    base = connection.driver.ex_get_size((chosen or configured or DEFAULT_INSTANCE_TYPE).lower())
    if cpu is None and ram is None and swap is None:
        return base
    from libcloud.compute.base import NodeSize

    extra = {**base.extra, **({"cpu": cpu, "vcpu": cpu} if cpu else {}), **({} if swap is None else {"swap": swap})}
    return NodeSize(base.id, base.name, ram or base.ram, base.disk, base.bandwidth, base.price, base.driver, extra)


def _opennebula_options(connection: Connection, arguments: Namespace) -> dict[str, Any]:
    from stratuslab_libcloud.client.opennebula.contextualization import configured_pairs
    from stratuslab_libcloud.config import MachineOptions, values

    for key in _ONLY_STRATUSLAB:
        if key in arguments.settings:
            option = arguments.settings[key].option
            raise UsageError(f"{option} is only for StratusLab, and section '{connection.section}' is an OpenNebula")
    read = connection.settings.read
    context = configured_pairs(
        MachineOptions(
            context_file=read("extra_context_file", values.path),
            context_data=read("extra_context_data", values.verbatim),
        )
    )
    volume = read("persistent_disk_uuid", values.verbatim)
    options = {
        "networks": arguments.network,
        "ex_context": context or None,
        "ex_cpu": read("vm_cpu_amount", values.positive_number),
        "ex_placement": read("vm_requirements", values.with_plain_quotes),
        "ex_volumes": [volume] if volume else None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _check_key(connection: Connection) -> None:
    from stratuslab_libcloud.client.opennebula.contextualization import read_public_keys

    read_public_keys(connection.stratuslab.public_key_file)


def _check_disks(connection: Connection, number: int) -> None:
    """Whether the disks that are to be attached are there, and may be attached so often."""
    from stratuslab_libcloud.config import values

    machine = connection.stratuslab.machine
    driver: StratusLabNodeDriver = connection.driver  # type: ignore[assignment]  # of this kind of cloud
    if machine.persistent_disk:
        used = driver.ex_get_volume(machine.persistent_disk, connection.section).extra["use_count"]
        most = connection.settings.read("max_mounts", values.whole_number(0, _MOST), _MAX_MOUNTS)
        if number > most - used:
            attached = f"it is already mounted ({used} of {most} times)"
            raise CommandError(f"disk {machine.persistent_disk} cannot be attached to {number} machine(s); {attached}")
    if machine.readonly_disk:
        driver.get_image(machine.readonly_disk, connection.section)


def _check_files(connection: Connection) -> None:
    """Read the contextualization and the template, so that a mistake is told before a machine is announced."""
    from stratuslab_libcloud.client.opennebula import contextualization

    machine = connection.stratuslab.machine
    contextualization.configured_pairs(machine)
    contextualization.cloud_init_pairs(*contextualization.parse_parts(machine.cloud_init or ""))
    if machine.template_file:
        contextualization.read_text(machine.template_file, "vm_template_file")
