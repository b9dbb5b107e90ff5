"""The command ``stratus-attach-volume``: puts volumes into a running machine."""

from __future__ import annotations

import sys
from argparse import Namespace

from stratus_commands import options, running, volumes
from stratus_commands.connection import connect
from stratus_commands.failures import FAILED
from stratus_commands.parsing import CommandParser

NAME = "stratus-attach-volume"

_MOST_MACHINES = 10


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "volume-uuid",
        "Attach a persistent volume (disk) to a running virtual machine. The volume-uuid argument is the unique "
        "identifier of the volume (disk) to attach; there may be several.",
        f"{prog} --instance 42 0a1b2c3d-0000-4000-8000-0123456789ab",
    )
    options.add_config(parser)
    volumes.add_instance(parser, "to which the volumes are attached")
    volumes.add_service(parser)
    return parser


def run(arguments: Namespace) -> int:
    """Attach the volumes, up to the first that cannot be attached; one that too many machines use is told.

    :return: the exit status
    """
    volumes.check_given(arguments, "attach")
    status = 0
    with connect(arguments) as connection:
        driver = connection.driver
        node = driver.ex_get_node(arguments.instance, connection.section)
        for written in arguments.uuids:
            volume = volumes.find(connection, written)
            if volumes.machines_that_use(volume) >= _MOST_MACHINES:
                print(f"DISK {volume.id}: Disk not available", flush=True)
                status = FAILED
                continue
            driver.attach_volume(node, volume)
            print(f"ATTACHED {volume.id} in VM {node.id} on /dev/{volumes.device_in(volume, node)}", flush=True)
    return status


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
