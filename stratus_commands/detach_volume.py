"""The command ``stratus-detach-volume``: takes volumes out of a machine."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from stratus_commands import options, running, volumes
from stratus_commands.connection import Connection, connect
from stratus_commands.failures import FAILED
from stratus_commands.parsing import CommandParser

if TYPE_CHECKING:
    from libcloud.compute.base import Node

NAME = "stratus-detach-volume"


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "volume-uuid ...",
        "Detach one or more persistent volumes (disks) from a virtual machine. The volume-uuid arguments are the "
        "unique identifiers of volumes to detach.",
        f"{prog} --instance 42 0a1b2c3d-0000-4000-8000-0123456789ab",
    )
    options.add_config(parser)
    volumes.add_instance(parser, "from which the volumes are detached")
    volumes.add_service(parser)
    return parser


def run(arguments: Namespace) -> int:
    """Detach the volumes, each of them, although others cannot be.

    :return: the exit status: 1 if one could not be detached
    """
    volumes.check_given(arguments, "detach")
    with connect(arguments) as connection:
        node = connection.driver.ex_get_node(arguments.instance, connection.section)
        uuids = [volumes.checked_id(connection, written) for written in arguments.uuids]
        detached = [_detach(connection, node, uuid) for uuid in uuids]
    return 0 if all(detached) else FAILED


def _detach(connection: Connection, node: Node, uuid: str) -> bool:
    """Detach one volume.

    :return: whether it is detached
    """
    from libcloud.common.types import LibcloudError

    try:
        volume = volumes.find(connection, uuid)
        device = volumes.device_in(volume, node)
        connection.driver.detach_volume(volume, ex_node=node)
    except LibcloudError as error:
        print(f"DISK {uuid}: {error}", flush=True)
        return False
    print(f"DETACHED {uuid} from VM {node.id} on /dev/{device}", flush=True)
    return True


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
