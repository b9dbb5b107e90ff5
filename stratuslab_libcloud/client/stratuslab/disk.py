"""Persistent disks as their service describes them in JSON, in which every value is a string."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from stratuslab_libcloud.client.marks import is_mark

SMALLEST_DISK = 1
LARGEST_DISK = 1024
"""Sizes in GiB that the service allows (ServiceConfiguration.java)."""

ORIGIN = "MACHINE_IMAGE_ORIGIN"
LIVE = "MACHINE_IMAGE_LIVE"
TYPES = (
    ORIGIN,
    LIVE,
    "DATA_IMAGE_ORIGIN",
    "DATA_IMAGE_LIVE",
    "DATA_IMAGE_RAW_READONLY",
    "DATA_IMAGE_RAW_READ_WRITE",
)
"""What the service calls the types of disks (DiskType.java): a machine starts from an origin, and its disk is live."""

_SNAPSHOT = "snapshot:"
_POSSIBLE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\Z")


class Mount(NamedTuple):
    """A disk that is attached to a machine; the device is ``static`` when the machine was started with the disk."""

    machine: int
    device: str


class Disk(NamedTuple):
    """A persistent disk.

    :param size: GiB
    :param users: how many machines use it, or how many copies of it exist
    :param identifier: of the Marketplace entry it was made from, ``snapshot:`` and a uuid, or a mark
    :param kind: one of the service's types, such as ``DATA_IMAGE_RAW_READ_WRITE``; only known of a single disk
    :param visibility: ``PUBLIC`` or ``PRIVATE``; only known of a single disk
    """

    uuid: str
    tag: str
    size: int
    owner: str
    users: int
    identifier: str
    quarantine: str
    kind: str | None
    visibility: str | None

    @property
    def snapshot_of(self) -> str | None:
        """The disk that this one is a copy-on-write copy of, such as a running machine's root disk is."""
        return self.identifier.removeprefix(_SNAPSHOT) if self.identifier.startswith(_SNAPSHOT) else None

    @property
    def is_root_of_a_machine(self) -> bool:
        """Whether it is the root disk of a machine that has not ended."""
        return self.snapshot_of is not None and self.users > 0

    @property
    def mark(self) -> str | None:
        """By which its creator can find it, if this package created it."""
        return self.identifier if is_mark(self.identifier) else None


def disk_of(item: Any) -> Disk | None:
    """Make a disk from its JSON; None when it has no usable uuid and size."""
    if not isinstance(item, Mapping):
        return None
    uuid, size = _string(item, "uuid"), _number(item.get("size"))
    if not is_possible_id(uuid) or size is None:
        return None
    return Disk(
        uuid=uuid,
        tag=_string(item, "tag"),
        size=size,
        owner=_string(item, "owner"),
        users=_number(item.get("count")) or 0,
        identifier=_string(item, "identifier"),
        quarantine=_string(item, "quarantine"),
        kind=_string(item, "type") or None,
        visibility=_string(item, "visibility") or None,
    )


def mount_of(item: Any) -> Mount | None:
    """Make a mount from its JSON; None when it has no usable machine ID."""
    if not isinstance(item, Mapping):
        return None
    machine = _number(item.get("vmId"))
    return None if machine is None else Mount(machine, _string(item, "device"))


def is_possible_id(text: str) -> bool:
    """Whether a text can be a disk's ID in a path; another text could be part of another path."""
    return bool(_POSSIBLE_ID.match(text))


def _string(item: Mapping[str, Any], key: str) -> str:
    """A text without lone surrogates, which JSON can contain, and which nothing can write."""
    value = item.get(key)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _number(value: Any) -> int | None:
    """A number as the service writes it: a string, with a separator of thousands that depends on its locale."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        return None
    digits = re.sub(r"[,.'\s]", "", value)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None
