"""Images of OpenNebula: what machines start from, and volumes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from stratuslab_libcloud.client.opennebula.machine import MARK_ATTRIBUTE
from stratuslab_libcloud.client.opennebula.xml_values import (
    attributes,
    child,
    integer,
    is_yes,
    moment,
    object_id,
    read_pool,
    texts,
)

TYPES = ("OS", "CDROM", "DATABLOCK", "KERNEL", "RAMDISK", "CONTEXT", "BACKUP", "FILESYSTEM")
"""The names of TYPE by number."""

STATES = (
    *("INIT", "READY", "USED", "DISABLED", "LOCKED", "ERROR", "CLONE", "DELETE"),
    *("USED_PERS", "LOCKED_USED", "LOCKED_USED_PERS"),
)
"""The names of STATE by number."""


class ImageSnapshot(NamedTuple):
    """A snapshot of an image.

    :param id: its number among those of the image
    :param name: '' if it was given none
    :param date: when it was made, in UTC
    :param size: MiB
    :param is_active: whether the image goes on from it
    """

    id: int
    name: str
    date: datetime | None
    size: int | None
    is_active: bool


class Image(NamedTuple):
    """What the cloud said about an image at one moment.

    :param id: its ID
    :param owner: the user's name
    :param kind: TYPE, one of ``TYPES``
    :param state: STATE, one of ``STATES``
    :param size: MiB
    :param is_persistent: whether a machine works on the image itself, and not on a copy
    :param datastore_id: where it is stored
    :param machines: IDs of the machines that use it, also of those of other users
    :param registered: when it was registered, in UTC
    :param template: its attributes
    """

    id: int
    name: str
    owner: str
    group: str
    kind: str
    state: str
    size: int
    is_persistent: bool
    datastore_id: int | None
    datastore: str
    machines: tuple[int, ...]
    registered: datetime | None
    template: dict[str, Any]
    snapshots: tuple[ImageSnapshot, ...]

    @property
    def mark(self) -> str | None:
        """By which its creator can find it."""
        mark = self.template.get(MARK_ATTRIBUTE)
        return mark if isinstance(mark, str) and mark else None

    @property
    def error(self) -> str | None:
        """The cloud's own message about a failure."""
        return self.template.get("ERROR") or None


def read_images(chunks: Iterable[str]) -> list[Image]:
    """Read ``IMAGE`` elements, alone or in an ``IMAGE_POOL``.

    :raises UnreadableDocumentError: when the document is not well formed
    """
    return read_pool(chunks, "IMAGE", "IMAGE_POOL", _image_of)


def _image_of(element: Element) -> Image | None:
    values = texts(element)
    image_id = object_id(values.get("ID"))
    if image_id is None:
        return None
    users = (object_id(each.text) for each in child(element, "VMS").findall("ID"))
    return Image(
        id=image_id,
        name=values.get("NAME") or "",
        owner=values.get("UNAME") or "",
        group=values.get("GNAME") or "",
        kind=_name(TYPES, values.get("TYPE"), "TYPE"),
        state=_name(STATES, values.get("STATE"), "STATE"),
        size=integer(values.get("SIZE")) or 0,
        is_persistent=is_yes(values.get("PERSISTENT")),
        datastore_id=object_id(values.get("DATASTORE_ID")),
        datastore=values.get("DATASTORE") or "",
        machines=tuple(machine for machine in users if machine is not None),
        registered=moment(values.get("REGTIME")),
        template=attributes(child(element, "TEMPLATE")),
        snapshots=tuple(filter(None, map(_snapshot_of, child(element, "SNAPSHOTS").findall("SNAPSHOT")))),
    )


def _snapshot_of(element: Element) -> ImageSnapshot | None:
    values = texts(element)
    snapshot_id = object_id(values.get("ID"))
    if snapshot_id is None:
        return None
    return ImageSnapshot(
        id=snapshot_id,
        name=values.get("NAME") or "",
        date=moment(values.get("DATE")),
        size=integer(values.get("SIZE")),
        is_active=is_yes(values.get("ACTIVE")),
    )


def _name(names: tuple[str, ...], text: str | None, what: str) -> str:
    number = integer(text)
    return names[number] if number is not None and 0 <= number < len(names) else f"{what}_{text}"
