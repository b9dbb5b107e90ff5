"""Datastores: where images, files and the disks of machines are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from stratuslab_libcloud.sandbox.state.opennebula.objects import PoolObject


class DatastoreType(IntEnum):
    """What a datastore is for."""

    IMAGE = 0
    SYSTEM = 1
    FILE = 2


@dataclass(eq=False, kw_only=True)
class Datastore(PoolObject):
    """A datastore.

    :param total: MB
    :param enabled: whether new disks may be placed there; only of system datastores
    """

    type: DatastoreType
    ds_mad: str = "dummy"
    tm_mad: str = "dummy"
    total: int = 1_000_000
    enabled: bool = True
