"""The command ``stratus-describe-instance``: shows virtual machines."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from stratus_commands import options, running, tables
from stratus_commands.connection import Connection, connect, settings_of
from stratus_commands.failures import FAILED, UsageError
from stratus_commands.output import ALL, Output, has_colours, print_error
from stratus_commands.parsing import CommandParser, Given
from stratus_commands.port_translation import ports_of, translation_of
from stratus_commands.tables import Column, Row

if TYPE_CHECKING:
    from stratuslab_libcloud.config.settings import Settings
    from stratuslab_libcloud.driver.nodes import LocatedNode

NAME = "stratus-describe-instance"

_GREEN, _RED = 32, 31

COLUMNS = (
    Column("id", "id", 4),
    Column("state", "state", 10, {"Running": _GREEN, "Failed": _RED, "Failure": _RED}),
    Column("vcpu", "vcpu", 5),
    Column("memory", "memory", 10),
    Column("cpu", "cpu%", 5),
    Column("host", "host/ip", 24),
    Column("name", "name"),
)
"""What 14.06 shows; memory is in KiB, and like the CPU it is what was measured last."""

_PORTS = Column("ports", "pat(VM:GW)", 16)
_FOR_PROGRAMS = (*COLUMNS, *(Column(name, name) for name in ("ip", "network", "ports", "error")))
_OF_SITES = (Column("site", "site"), Column("user", "user"))
_SITE = ("endpoint", "username", "password")
_SECONDS = "5"
_ALL_ATTRIBUTES = 3
_INVALID = "Invalid State"
_PLACED = "Pending"
"""A machine of OpenNebula that is about to become something, of which 14.06 knew nothing to say."""
_STATES = {"LCM_INIT": _INVALID, "CLEANUP": "Delete"}
"""What 14.06 calls the states that it does not call by OpenNebula's name."""


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "[vm-id ...]",
        "Provides information about the virtual machines with the given identifiers, or about all virtual machines if "
        "no identifier is given.",
        f"{prog} --format json",
    )
    options.add_config(parser)
    options.add_format(parser)
    parser.add_argument(
        "-n", dest="names", action="store_false", help="Don't do reverse DNS resolution - print IPs of instances."
    )
    parser.add_argument(
        "-m",
        dest="sites",
        action="store_true",
        help="Print state of virtual machines on multiple sites. 'endpoints' should be set in the user configuration "
        "file.",
    )
    parser.add_argument("vm_ids", nargs="*", metavar="vm-id", help="the machines to show")
    options.add_port_translation(parser)
    options.add_endpoint(parser)
    options.add_credentials(parser)
    return parser


def run(arguments: Namespace) -> int:
    """Show the machines.

    :return: the exit status: 1 if a site cannot be asked
    """
    if arguments.sites and settings_of(arguments).find("endpoints"):  # else there is one site, as in 14.06
        return _describe_sites(arguments)
    with connect(arguments) as connection:
        nodes = _nodes(connection, arguments.vm_ids)
        listing = _listing(connection, nodes, arguments)
    _print(listing, arguments)
    if Output(arguments).level >= _ALL_ATTRIBUTES and len(arguments.vm_ids) == 1:
        _print_all_attributes(nodes[0])
    return 0


class _Listing(NamedTuple):
    columns: Sequence[Column]
    rows: list[Row]


def _nodes(connection: Connection, vm_ids: Sequence[str]) -> Sequence[LocatedNode]:
    driver = connection.driver
    if vm_ids:
        return [driver.ex_get_node(vm_id, connection.section) for vm_id in vm_ids]
    return driver.list_nodes_in_location(connection.section)


def _describe_sites(arguments: Namespace) -> int:
    """The machines at each of the ``endpoints`` of the configuration; one that does not answer is told."""
    if arguments.vm_ids:
        raise UsageError("-m shows all machines of several sites")
    status = 0
    rows: list[Row] = []
    for site in _sites(arguments):
        try:
            with connect(arguments, site) as connection:
                listing = _listing(connection, _nodes(connection, ()), arguments)
        except Exception as error:
            if not running.is_told_in_words(error):
                raise
            print_error(f"{site['endpoint'].text}: {error}")
            status = FAILED
            continue
        endpoint, user = site["endpoint"].text, site["username"].text
        rows += [{"site": endpoint, "user": user, **row} for row in listing.rows]
        if not arguments.format:
            print(f"::: {endpoint} : {user} :::", end="")
            _print(listing, arguments)
    if arguments.format:
        print(tables.as_format(arguments.format, (*_OF_SITES, *_FOR_PROGRAMS), rows))
    return status


def _sites(arguments: Namespace) -> Iterator[dict[str, Given]]:
    """What is written for each site in ``endpoints``: its endpoint, a user's name and a password."""
    settings = settings_of(arguments)
    written = settings.find("endpoints")
    for line in filter(str.strip, written.text.splitlines() if written else ()):
        words = line.split()
        if len(words) != len(_SITE):
            raise UsageError("Each line of 'endpoints' in the user configuration file is: endpoint username password")
        site = {key: Given(f"'{key}' in 'endpoints'", word) for key, word in zip(_SITE, words, strict=True)}
        yield {**site, "request_timeout": Given("endpoint_timeout", _seconds(settings))}


def _seconds(settings: Settings) -> str:
    found = settings.find("endpoint_timeout")
    return found.text if found else _SECONDS


def _listing(connection: Connection, nodes: Sequence[LocatedNode], arguments: Namespace) -> _Listing:
    rows: list[Row] = [_row(node) for node in nodes]
    if connection.is_opennebula:
        for row in rows:
            row["state"] = _PLACED if row["state"] == _INVALID else row["state"]
    columns: Sequence[Column] = COLUMNS
    if translation_of(connection):
        columns = (*COLUMNS[:-1], _PORTS, COLUMNS[-1])
        translated = ports_of(connection, arguments.vm_ids)
        for row in rows:
            pairs = translated.get(str(row["id"]), {})
            row["ports"] = [f"{own}:{gateway}" for own, gateway in pairs.items()]
    if arguments.names:
        from stratus_commands.host_names import names_of

        names = names_of(str(row["ip"]) for row in rows if row["ip"])
        for row in rows:
            row["host"] = names.get(str(row["ip"]), row["ip"])
    return _Listing(columns, rows)


def _row(node: LocatedNode) -> Row:
    extra = node.extra
    used = extra["monitored_cpu"]
    ip = (node.private_ips + node.public_ips)[-1:]
    return {
        "id": int(node.id),
        "state": _state(extra["lcm_state"] if extra["state"] == "ACTIVE" else extra["state"]),
        "vcpu": extra["vcpu"],
        "memory": extra["monitored_memory"],
        "cpu": int(used) if used is not None and used.is_integer() else used,
        "host": ip[0] if ip else None,
        "name": node.name,
        "ip": ip[0] if ip else None,
        "network": extra["networks"][-1] if extra["networks"] else None,
        "ports": [],
        "error": extra["error"],
    }


def _state(status: str) -> str:
    return _STATES.get(status) or status.title()


def _print(listing: _Listing, arguments: Namespace) -> None:
    columns, rows = listing
    if arguments.format:
        print(tables.as_format(arguments.format, _FOR_PROGRAMS, rows))
        return
    for row in rows:
        if row["state"] == _INVALID:
            print("Invalid state: None")  # as 14.06 said for a machine that is about to become something
    header, *lines = tables.as_columns(columns, rows, coloured=has_colours(sys.stdout))
    print(header)
    for row, line in zip(rows, lines, strict=True):
        print(line)
        if row["error"] and Output(arguments).level >= ALL:
            print(" " * COLUMNS[0].width + tables.printable(str(row["error"]).strip()))


def _print_all_attributes(node: LocatedNode) -> None:
    print("-" * 25)
    print(f"{node.id} (all attributes)")
    for name, value in sorted(node.extra.items()):
        print(f"  {name} = {value}")


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
