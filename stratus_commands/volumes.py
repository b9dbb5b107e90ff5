"""What the commands for volumes share: their options, and volumes by the ids that a user types."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from stratus_commands import options
from stratus_commands.connection import Connection, connect, settings_of
from stratus_commands.failures import CommandError, UsageError
from stratus_commands.parsing import CommandParser, Given

if TYPE_CHECKING:
    from libcloud.compute.base import Node, StorageVolume

_LONGEST_TAG = 40
_NUMBER = re.compile(r"[0-9]{1,18}")


def add_service(parser: CommandParser) -> None:
    """Where the volumes are, and who the user is."""
    options.add_pdisk(parser)
    options.add_endpoint(parser)
    options.add_credentials(parser)


def connect_to_disks(arguments: Namespace) -> Connection:
    """The cloud whose disk service is meant; where it is is enough, if the compute service is not needed.

    :raises CommandError: that is not known either
    :raises ConfigurationError: the file cannot be read, or has no such section
    """
    settings = settings_of(arguments)
    disks = settings.find("pdisk_endpoint")
    if settings.find("endpoint"):
        return connect(arguments)
    if disks is None:
        raise CommandError("Missing persistent disk endpoint. Please provide --pdisk-endpoint or --endpoint")
    return connect(arguments, {"endpoint": Given("--pdisk-endpoint", disks.text)})


def add_visibility(parser: CommandParser, default: str | None) -> None:
    """Who may see a volume.

    :param default: without one of the options
    """
    parser.add_argument(
        "--private",
        dest="visibility",
        action="store_const",
        const="private",
        default=default,
        help="only you can see, use and delete it" + (" (default)" if default else ""),
    )
    parser.add_argument(
        "--public",
        dest="visibility",
        action="store_const",
        const="public",
        help="anyone can see it and use it, but not delete it",
    )


def add_instance(parser: CommandParser, what: str) -> None:
    """Which machine, and which volumes.

    :param what: is done to the volumes
    """
    parser.add_argument(
        "-i", "--instance", type=int, default=0, metavar="VM_ID", help=f"the machine (default: 0) {what}"
    )
    parser.add_argument("uuids", nargs="*", metavar="volume-uuid", help="the volumes")


def checked_tag(tag: str | None, refusal: type[Exception] = UsageError) -> str | None:
    """A tag that is not too long.

    :param refusal: raised if it is: of one command 14.06 called this wrong usage, of another one a failure
    """
    if tag is not None and len(tag) > _LONGEST_TAG:
        raise refusal(f"Tags must have at most {_LONGEST_TAG} characters")
    return tag


def checked_id(connection: Connection, written: str) -> str:
    """The id of a volume: a UUID in any of its spellings, or a number of OpenNebula's.

    :raises CommandError: it is neither
    """
    if connection.is_opennebula:
        if not _NUMBER.fullmatch(written):
            raise CommandError(f"{written} is not the ID of a volume: OpenNebula's are numbers")
        return written
    import uuid

    try:
        return str(uuid.UUID(written))
    except ValueError:
        raise CommandError(f"Invalid UUID {written}") from None


def find(connection: Connection, written: str) -> StorageVolume:
    """A volume as it is now.

    :raises CommandError: that cannot be the id of one
    :raises NotFoundError: there is none
    """
    return connection.driver.ex_get_volume(checked_id(connection, written), connection.section)


def named(connection: Connection, written: str) -> StorageVolume:
    """A volume of which only its id is known; nothing is asked.

    :raises CommandError: that cannot be the id of one
    """
    from libcloud.compute.base import StorageVolume

    extra = {"location": connection.section}
    return StorageVolume(checked_id(connection, written), "", 0, connection.driver, extra=extra)


def machines_that_use(volume: StorageVolume) -> int:
    """How many machines have a volume."""
    return len(_attachments(volume))


def device_in(volume: StorageVolume, node: Node) -> str | None:
    """What a volume is called in a machine; None if that is not known."""
    said_of_volume = (each["device"] for each in _attachments(volume) if each["node_id"] == str(node.id))
    said_of_machine = (disk["device"] for disk in node.extra.get("disks", ()) if disk["image_id"] == volume.id)
    return next(filter(None, (*said_of_volume, *said_of_machine)), None)


def _attachments(volume: StorageVolume) -> Sequence[Mapping[str, str]]:
    """The machines that use a volume of which all is known."""
    return (volume.extra or {}).get("attachments") or ()


def check_given(arguments: Namespace, purpose: str) -> None:
    """See that a machine and volumes are named.

    :param purpose: such as ``attach``
    :raises CommandError: they are not
    """
    if arguments.instance < 0:
        raise CommandError(f"Please provide a VM ID: a number from 0 on, of the machine to {purpose} disks")
    if not arguments.uuids:
        raise CommandError(f"Please provide at least one persistent disk UUID to {purpose}")
