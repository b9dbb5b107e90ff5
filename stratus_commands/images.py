"""What the commands for images share: what is known of an image, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from stratus_commands.connection import Connection, connect, settings_of
from stratus_commands.parsing import Given
from stratus_commands.tables import Column, Row

if TYPE_CHECKING:
    from argparse import Namespace

    from libcloud.compute.base import NodeImage

_NOWHERE = Given("endpoint", "nowhere.invalid")
_NOBODY = {"username": Given("username", "nobody"), "password": Given("password", "none")}

COLUMNS = tuple(
    Column(name, name)
    for name in (
        "id",
        "title",
        "os",
        "os_version",
        "architecture",
        "version",
        "kind",
        "format",
        "created",
        "valid_until",
        "creator",
        "endorser",
        "size",
        "description",
    )
)
"""Of the formats for programs; a size is in bytes, and in MiB on an OpenNebula."""

ALL_COLUMNS = (
    *COLUMNS,
    *(
        Column(name, name)
        for name in (
            "tag",
            "compression",
            "locations",
            "publisher",
            "hypervisor",
            "checksums",
            "disk_bus",
            "inbound_ports",
            "endorsed",
        )
    ),
)
"""Those of one image."""


def connect_to_marketplace(arguments: Namespace) -> Connection:
    """The cloud whose Marketplace is meant. The Marketplace asks nobody who they are: where the configuration does not
    say what the other services need, something else stands in its place.

    :raises ConfigurationError: the file cannot be read, or has no such section
    """
    find = settings_of(arguments).find
    missing = {} if find("endpoint") else {"endpoint": _NOWHERE}
    kind = find("kind")
    if not (kind and kind.text == "opennebula") and not (find("pem_certificate") or find("password")):
        missing.update(_NOBODY)
    return connect(arguments, missing)


def row_of(image: NodeImage) -> Row:
    """What is known of an image; a text is empty where an entry of the Marketplace says nothing, and None where there
    is no such thing."""
    extra: Mapping[str, Any] = image.extra
    row: dict[str, Any] = {column.name: extra.get(column.name) for column in ALL_COLUMNS}
    if "title" in extra:
        return {**row, "id": image.id}
    # An image of an OpenNebula.
    return {
        **row,
        "id": image.id,
        "title": image.name,
        "description": extra["description"] or image.name,
        "creator": extra["owner"],
    }


def in_short(row: Row) -> Iterator[str]:
    """The lines of an image in a list."""
    yield f"Description: {_text(row, 'description')}"
    yield f"ID: {row['id']}"
    yield _system(row)
    yield f"Creator: {_text(row, 'creator')}"
    yield f"Created at: {_moment(row, 'created')}"
    yield "####\n"


def in_full(row: Row) -> Iterator[str]:
    """All lines of an image."""
    yield f"Description: {_text(row, 'description')}"
    yield f"ID: {row['id']}"
    yield f"Creator: {_text(row, 'creator')}"
    yield f"Created at: {_moment(row, 'created')}"
    yield f"Validity: {_moment(row, 'valid_until')}"
    yield _system(row)
    yield f"Version: {_text(row, 'version')}"
    yield f"Compression: {_text(row, 'compression')}"
    locations: Any = row["locations"]
    yield f"Location: {locations[0] if locations else ''}"
    for name in ("format", "publisher", "hypervisor", "endorser"):
        yield f"{name.title()}: {_text(row, name)}"
    checksums: Any = row["checksums"] or {}
    yield from (f"{algorithm} {value}" for algorithm, value in checksums.items())
    yield "####\n"


def _text(row: Row, name: str) -> str:
    """A text as 14.06 shows it: ``None`` for one that is empty."""
    value = row[name]
    return "" if value is None else str(value) or "None"


def _system(row: Row) -> str:
    return f"OS: {_text(row, 'os')} {_text(row, 'os_version')} | Arch: {_text(row, 'architecture')}"


def _moment(row: Row, name: str) -> str:
    """Date and time as 14.06 shows them: as a list of Python's."""
    return str(str(row[name] or "").rstrip("Z").split("T"))
