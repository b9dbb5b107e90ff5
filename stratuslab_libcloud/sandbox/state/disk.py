"""Persistent disks and mounts as StratusLab's storage service keeps them: records only; `disks` has the rules."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import Enum


class DiskType(Enum):
    """What a disk is for: machines start from machine images; live images are copies of origins."""

    MACHINE_IMAGE_ORIGIN = "MACHINE_IMAGE_ORIGIN"
    MACHINE_IMAGE_LIVE = "MACHINE_IMAGE_LIVE"
    DATA_IMAGE_ORIGIN = "DATA_IMAGE_ORIGIN"
    DATA_IMAGE_LIVE = "DATA_IMAGE_LIVE"
    DATA_IMAGE_RAW_READONLY = "DATA_IMAGE_RAW_READONLY"
    DATA_IMAGE_RAW_READ_WRITE = "DATA_IMAGE_RAW_READ_WRITE"


class Visibility(Enum):
    """Whether others may read a disk."""

    PRIVATE = "PRIVATE"
    PUBLIC = "PUBLIC"


@dataclass(frozen=True)
class DiskFields:
    """What a user can set for a disk; None for what stays as it is.

    :param size: GiB
    :param identifier: of the Marketplace, or ``snapshot:`` and the uuid of the origin
    :param quarantine: when a disk was taken from a machine that is gone
    """

    size: int | None = None
    owner: str | None = None
    group: str | None = None
    visibility: Visibility | None = None
    tag: str | None = None
    quarantine: str | None = None
    identifier: str | None = None
    type: DiskType | None = None
    seed: bool | None = None

    def apply_to(self, disk: Disk) -> Disk:
        """The disk with these values."""
        given = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}
        return replace(disk, **given)


@dataclass(frozen=True)
class Disk:
    """A persistent disk; see `DiskFields`.

    :param created: seconds since 1970
    :param content: what it was filled with when it was created
    """

    uuid: str
    created: float
    owner: str
    size: int
    group: str = ""
    visibility: Visibility = Visibility.PRIVATE
    tag: str = ""
    quarantine: str = ""
    identifier: str = ""
    type: DiskType = DiskType.DATA_IMAGE_RAW_READ_WRITE
    seed: bool = False
    content: bytes = b""

    @property
    def snapshot_identifier(self) -> str:
        """The identifier of copies of this disk."""
        return f"snapshot:{self.uuid}"


@dataclass(frozen=True)
class Mount:
    """A disk in a machine.

    :param vm_id: the machine's number, as the client wrote it
    :param device: such as ``vdz``; ``static`` for a disk that the machine started with
    """

    disk: str
    vm_id: str
    node: str
    device: str

    @property
    def id(self) -> str:
        """The name that the service gives it."""
        return f"{self.disk}_{self.vm_id}"
