"""Datastores of a cloud of today's OpenNebula: where images are stored."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from xml.etree.ElementTree import Element

from stratuslab_libcloud.client.opennebula.daemon import Daemon
from stratuslab_libcloud.client.opennebula.xml_values import integer, object_id, read_pool, texts

IMAGE_DATASTORE = "IMAGE"
TYPES = (IMAGE_DATASTORE, "SYSTEM", "FILE", "BACKUP")
"""The names of TYPE by number."""


class Datastore(NamedTuple):
    """A datastore.

    :param id: its ID
    :param kind: one of `TYPES`; images are in those of the first
    :param is_enabled: whether it takes new images
    :param free: MiB; 0 also if it was never measured
    :param total: MiB
    :param transfer: TM_MAD, how images come to the hosts
    """

    id: int
    name: str
    kind: str
    is_enabled: bool
    free: int
    total: int
    transfer: str


class Datastores:
    """The datastores of one cloud.

    :param daemon: the cloud's daemon
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def datastores(self) -> list[Datastore]:
        """Ask for the datastores that the user may use, in the order of their IDs."""
        found = self._daemon.call("one.datastorepool.info", read=_read_datastores, repeatable=True)
        return sorted(found, key=lambda datastore: datastore.id)


def _read_datastores(chunks: Iterable[str]) -> list[Datastore]:
    return read_pool(chunks, "DATASTORE", "DATASTORE_POOL", _datastore_of)


def _datastore_of(element: Element) -> Datastore | None:
    values = texts(element)
    datastore_id, kind = object_id(values.get("ID")), integer(values.get("TYPE")) or 0
    if datastore_id is None:
        return None
    return Datastore(
        id=datastore_id,
        name=values.get("NAME") or "",
        kind=TYPES[kind] if 0 <= kind < len(TYPES) else f"TYPE_{kind}",
        is_enabled=not integer(values.get("STATE")),
        free=integer(values.get("FREE_MB")) or 0,
        total=integer(values.get("TOTAL_MB")) or 0,
        transfer=values.get("TM_MAD") or "",
    )
