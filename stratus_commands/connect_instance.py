"""The command ``stratus-connect-instance``: a session on a virtual machine, over SSH."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from stratus_commands import options, running
from stratus_commands.connection import Connection, connect
from stratus_commands.failures import CommandError, UsageError
from stratus_commands.output import Output
from stratus_commands.parsing import CommandParser, add_setting
from stratus_commands.port_translation import ports_of, translation_of

if TYPE_CHECKING:
    from stratus_commands.secure_shell import Target

NAME = "stratus-connect-instance"
_SSH = 22
_KEY = "user_private_key_file"


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "vm-id",
        "Connects to the given virtual machine via SSH. Retries the connection while the machine does not answer. The "
        "vm-id argument is the virtual machine identifier. The exit status is that of the session.",
        f"{prog} 7",
    )
    options.add_config(parser)
    add_setting(
        parser,
        _KEY,
        "-k",
        "--key",
        metavar="FILE",
        help="SSH private key file to log on the machine. Default the private half of the configured public key.",
    )
    parser.add_argument("vm_ids", nargs="*", metavar="vm-id", help="the machines, one after the other")
    options.add_port_translation(parser)
    options.add_endpoint(parser)
    options.add_credentials(parser)
    return parser


def run(arguments: Namespace) -> int:
    """Run a session on each of the machines.

    :return: the exit status of the last session; 255 when there was none
    :raises UsageError: no machine is named, or the key that is named is not there
    """
    from pathlib import Path

    from stratus_commands.secure_shell import run_session

    if not arguments.vm_ids:
        raise UsageError("Please specify the vm-id of the machine to connect to")
    key = arguments.settings.get(_KEY)
    if key and not Path(key.text).expanduser().is_file():
        raise UsageError(f"Private key `{key.text}` does not exist")
    status = 0
    with connect(arguments) as connection:
        for target in [_target(connection, vm_id) for vm_id in arguments.vm_ids]:
            Output(arguments).verbose(f"Calling: {' '.join(target.command())}")
            status = run_session(target)
    return status


def _target(connection: Connection, vm_id: str) -> Target:
    """Where the machine's SSH is: at its own address, or at a port of the gateway.

    :raises CommandError: the machine has no address, or has one no longer: it may be another machine's by now
    """
    from libcloud.compute.types import NodeState

    from stratus_commands.secure_shell import Target

    node = connection.driver.ex_get_node(vm_id, connection.section)
    if node.state in (NodeState.TERMINATED, NodeState.ERROR):
        raise CommandError(f"machine {vm_id} has {'ended' if node.state == NodeState.TERMINATED else 'failed'}")
    host, port = ([*node.private_ips, *node.public_ips] or [""])[-1], _SSH
    translation = translation_of(connection)
    gateway_port = ports_of(connection, [vm_id]).get(vm_id, {}).get(_SSH) if translation else None
    if translation and gateway_port:
        host, port = translation.gateway_host, gateway_port
    if not host:
        raise CommandError(f"machine {vm_id} has no address")
    return Target(host, port, str(connection.config.private_key_file))


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
