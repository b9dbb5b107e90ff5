"""What machines' disks are made of: persistent disks, for as long as the machines have them.

As StratusLab's transfer drivers do it (``TMCloneCache``): disks named ``pdisk:<endpoint>/<uuid>`` in a template are
registered as mounted, with the device ``static``, when the machine is prepared.
"""

from __future__ import annotations

from .disks import Disk, Disks, DiskType
from .errors import RefusedError, StartError
from .records import Machine
from .users import DISK_SERVICE_USER

_PDISK_PREFIX = "pdisk:"
_DATA_TYPES = (DiskType.DATA_IMAGE_RAW_READONLY, DiskType.DATA_IMAGE_RAW_READ_WRITE)


class DiskMedia:
    """Gives machines the disks that their templates name."""

    def __init__(self, disks: Disks) -> None:
        self._disks = disks

    def prepare(self, machine: Machine) -> None:
        """
        :raises StartError: if a disk can not be had
        """
        for number, disk in enumerate(machine.disks):
            source = disk.get("SOURCE", "")
            if source.startswith(_PDISK_PREFIX):
                self._mount(machine, source.rpartition("/")[2], is_root=number == 0)

    def boot(self, machine: Machine) -> None:
        """
        :raises StartError: if nothing can be booted from the disks
        """

    def release(self, machine: Machine) -> None:
        """Take all disks out of a machine that is no longer."""
        for mount in self._disks.mounts_of_machine(str(machine.id)):
            self._disks.detach(DISK_SERVICE_USER, mount.disk, mount.id)

    def _mount(self, machine: Machine, disk_uuid: str, *, is_root: bool) -> None:
        try:
            disk = self._disks.find(machine.owner.account, disk_uuid)
            self._check_use(disk, is_root=is_root)
            self._disks.attach(
                DISK_SERVICE_USER,
                disk_uuid,
                node=machine.history[-1].host.name,
                vm_id=str(machine.id),
                register_only=True,
            )
        except RefusedError as problem:
            raise StartError(f"Error executing image transfer script: {problem}") from None

    def _check_use(self, disk: Disk, *, is_root: bool) -> None:
        if not is_root:
            if disk.type not in _DATA_TYPES:
                raise RefusedError(f"disk ({disk.uuid}) is a machine image, not a data disk")
        elif disk.type != DiskType.MACHINE_IMAGE_LIVE:
            raise RefusedError(f"disk ({disk.uuid}) is not a live machine image")
        elif self._disks.mounts(disk.uuid):
            raise RefusedError(f"disk ({disk.uuid}) is already mounted")
