"""The command ``stratus-run-instance``: starts virtual machines."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from stratus_commands import machine_options, options, running, starting, tables
from stratus_commands.connection import Connection, choose, connect, settings_of
from stratus_commands.failures import UsageError
from stratus_commands.output import Output
from stratus_commands.parsing import CommandParser, Given
from stratus_commands.tables import Column, Row

if TYPE_CHECKING:
    from stratuslab_libcloud.driver.nodes import LocatedNode

NAME = "stratus-run-instance"

_STARTED = tuple(Column(name, name) for name in ("id", "name", "network", "ip"))
_TYPES = tuple(Column(name, name) for name in ("name", "cpu", "ram", "swap", "default"))
_OF_A_NEW_IMAGE = {
    "author": "--author",
    "author_email": "--author-email",
    "image_version": "--image-version",
    "title": "--title",
    "comment": "--comment",
}


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "image",
        "Defines and starts a virtual machine instance. The image argument is the Marketplace ID or persistent volume "
        "UUID to start.",
        f"{prog} --type m1.large --vm-name web BN1EEkPiBx87_uLj2-sdybSI-Xb",
    )
    options.add_config(parser)
    options.add_format(parser)
    parser.add_argument("image", nargs="*", help="what to start")
    machine_options.add_start(parser)
    machine_options.add_machine(parser)
    return parser


def run(arguments: Namespace) -> int:
    """Start the machines.

    :raises UsageError: an argument cannot be used
    :raises LibcloudError: some machines were not started
    """
    if arguments.list_types:
        _list_types(arguments)
        return 0
    if len(arguments.image) != 1:
        raise UsageError("Please specify the machine image to start")
    starting.check_arguments(arguments)
    output = Output(arguments, prints_steps=not arguments.format)
    with connect(arguments, _name_of_saved(arguments)) as connection:
        order = starting.prepare(connection, arguments.image[0], arguments)
        _warn(connection, arguments, output)
        nodes = starting.start(connection, order, output, arguments.output or _ids_file(connection))
    if arguments.format:
        print(tables.as_format(arguments.format, _STARTED, [_row(node) for node in nodes]))
    return 0


def _list_types(arguments: Namespace) -> None:
    """Show the instance types; the default one has a star."""
    from stratuslab_libcloud.config import DEFAULT_INSTANCE_TYPE

    chosen = choose(arguments)
    found = chosen.settings.find("instance_type") or chosen.settings.find("default_instance_type")
    default = found.text.lower() if found else DEFAULT_INSTANCE_TYPE
    types = sorted(chosen.configuration.instance_types())
    if arguments.format:
        rows: list[Row] = [{**kind._asdict(), "default": kind.name == default} for kind in types]
        print(tables.as_format(arguments.format, _TYPES, rows))
        return
    print(f" {'Type':10}{'CPU':>10}{'RAM':>10}{'SWAP':>10}")
    for kind in types:
        cpu, ram, swap = f"{kind.cpu} CPU", f"{kind.ram} MB", f"{kind.swap} MB"
        print(f"{'*' if kind.name == default else ' '} {kind.name:10} {cpu:>10} {ram:>10} {swap:>10}")
    print()


def _name_of_saved(arguments: Namespace) -> dict[str, Given]:
    """The name of a machine that becomes an image, by which the cloud knew when it was started.

    :raises UsageError: something about the new image is not said
    """
    from stratuslab_libcloud.config import values

    settings = settings_of(arguments)
    if not settings.read("save_disk", values.truth):
        return {}
    missing = [option for key, option in _OF_A_NEW_IMAGE.items() if settings.find(key) is None]
    if missing and "save_disk" in arguments.settings:
        raise UsageError(f"--save needs {', '.join(_OF_A_NEW_IMAGE.values())} as well; missing: {', '.join(missing)}")
    import time

    return {"vm_name": Given("--save", time.strftime("creator: %Y-%m-%dT%H:%M:%SZ", time.gmtime()))}


def _ids_file(connection: Connection) -> str | None:
    configured = connection.settings.find("out_vm_ids_file")
    return configured.text if configured else None


def _warn(connection: Connection, arguments: Namespace, output: Output) -> None:
    if arguments.notify:
        print("--notify changes nothing: nobody is notified", file=sys.stderr)
    if connection.is_opennebula:
        return
    from stratuslab_libcloud.client.stratuslab.identifiers import is_image_id

    machine = connection.stratuslab.machine
    if is_image_id(arguments.image[0]) and (machine.saved_image or not machine.check_image_url):
        output.warning("Image availability check is disabled.")


def _row(node: LocatedNode) -> Row:
    return {
        "id": int(node.id),
        "name": node.name,
        "network": starting.network_of(node).lower(),
        "ip": starting.address_of(node),
    }


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
