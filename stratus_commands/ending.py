"""Ending machines, as ``stratus-kill-instance`` and ``stratus-shutdown-instance`` do."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING

from stratus_commands import options
from stratus_commands.connection import connect
from stratus_commands.failures import CommandError, UsageError
from stratus_commands.output import Output
from stratus_commands.parsing import CommandParser

if TYPE_CHECKING:
    from stratus_commands.connection import Connection
    from stratuslab_libcloud.driver.nodes import LocatedNode


def add_options(parser: CommandParser) -> None:
    """Which machines are ended, and where."""
    options.add_config(parser)
    parser.add_argument("-i", "--input", metavar="FILE", help="file containing line separated vm-ids")
    parser.add_argument("vm_ids", nargs="*", metavar="vm-id", help="the machines")
    options.add_endpoint(parser)
    options.add_credentials(parser)


def end_machines(arguments: Namespace, operation: str, end: Callable[[Connection, LocatedNode], object]) -> None:
    """End machines, one after the other.

    :param operation: its name, for people
    :param end: ends one
    :raises UsageError: no machine is named
    :raises CommandError: the file of their IDs cannot be read
    :raises LibcloudError: a machine cannot be ended; those after it are not
    """
    if not (arguments.vm_ids or arguments.input):
        raise UsageError("Missing vm-id or input file (-i/--input)")
    vm_ids = _ids_in(arguments.input) if arguments.input else arguments.vm_ids
    output = Output(arguments)
    with connect(arguments) as connection:
        for vm_id in vm_ids:
            output.verbose(f'Sending "{operation}" request for instance {vm_id}.')
            end(connection, connection.driver.ex_get_node(vm_id, connection.section))
    output.verbose(f'"{operation}" {len(vm_ids)} VM{"s" if len(vm_ids) > 1 else ""}: {", ".join(vm_ids)}')


def _ids_in(file: str) -> list[str]:
    """The IDs in a file, each on a line; the file comes before IDs as arguments, as in 14.06."""
    from pathlib import Path

    try:
        vm_ids = Path(file).read_text(encoding="utf-8").split()
    except UnicodeDecodeError:
        raise CommandError(f"{file} is not a file of vm-ids") from None
    if not vm_ids:
        raise CommandError(f"{file} contains no vm-id")
    return vm_ids
