"""Images as OpenNebula keeps them: records only; `images` has the rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from stratuslab_libcloud.sandbox.state.opennebula.datastores import Datastore
from stratuslab_libcloud.sandbox.state.opennebula.disk_snapshots import DiskSnapshots
from stratuslab_libcloud.sandbox.state.opennebula.objects import PoolObject
from stratuslab_libcloud.sandbox.state.opennebula.quotas import Amounts
from stratuslab_libcloud.sandbox.state.template import Template


class ImageType(IntEnum):
    """What an image is."""

    OS = 0
    CDROM = 1
    DATABLOCK = 2
    KERNEL = 3
    RAMDISK = 4
    CONTEXT = 5
    BACKUP = 6


class ImageState(IntEnum):
    """What an image is doing."""

    INIT = 0
    READY = 1
    USED = 2
    DISABLED = 3
    LOCKED = 4
    ERROR = 5
    CLONE = 6
    DELETE = 7
    USED_PERS = 8
    LOCKED_USED = 9
    LOCKED_USED_PERS = 10


@dataclass(eq=False, kw_only=True)
class Image(PoolObject):
    """An image.

    :param size: MB
    :param modified: when it was last written, in seconds since 1970
    :param machines: the numbers of the machines that use it
    :param clones: how many copies of it are being made
    :param cloning_id: the image that it is being copied from; -1 if it is not
    """

    type: ImageType
    datastore: Datastore
    size: int
    persistent: bool = False
    format: str = "raw"
    path: str = ""
    state: ImageState = ImageState.LOCKED
    template: Template = field(default_factory=Template)
    modified: float = 0
    machines: dict[int, None] = field(default_factory=dict)
    clones: int = 0
    cloning_id: int = -1
    snapshots: DiskSnapshots | None = None

    def amounts(self) -> Amounts:
        """What it takes of its owner's quotas."""
        return Amounts().add("DATASTORE", str(self.datastore.id), {"IMAGES": 1, "SIZE": self.size})
