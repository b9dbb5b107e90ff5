"""Persistent disks and their mounts: the rules of StratusLab's storage service."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from stratuslab_libcloud.sandbox.state.clock import Clock
from stratuslab_libcloud.sandbox.state.disk import Disk, DiskFields, DiskType, Mount, Visibility
from stratuslab_libcloud.sandbox.state.errors import (
    DiskBusyError,
    DiskRefusedError,
    InvalidDiskError,
    NoSuchDiskError,
    NoSuchMountError,
    StorageBackendError,
)
from stratuslab_libcloud.sandbox.state.lock import StateLock
from stratuslab_libcloud.sandbox.state.users import DISK_SERVICE_USER

MIN_SIZE, MAX_SIZE = 1, 1024
_DEVICES = tuple(f"vd{letter}" for letter in "zyxwvutsrqponmlkjihgfedcba")
STATIC_DEVICE = "static"


class Disks:
    """All disks and mounts of a cloud.

    :param can_attach: whether a machine, by its number, runs on a host, by its name, so that a disk can be attached
    """

    def __init__(self, *, lock: StateLock, clock: Clock, can_attach: Callable[[str, str], bool]) -> None:
        self._lock = lock
        self._clock = clock
        self._can_attach = can_attach
        self._disks: dict[str, Disk] = {}
        self._mounts: dict[str, Mount] = {}
        self._mounts_by_machine: dict[str, dict[str, Mount]] = {}

    # Disks

    def owned_by(self, user: str) -> Sequence[Disk]:
        """A user's own disks, newest first; everybody's for the superuser."""
        with self._lock:
            disks = [disk for disk in self._disks.values() if _may_edit(user, disk)]
        disks.reverse()
        return sorted(disks, key=lambda disk: disk.created, reverse=True)

    def find(self, user: str, disk_uuid: str) -> Disk:
        """The disk, if the user may see it.

        :raises NoSuchDiskError: if there is none
        :raises DiskRefusedError: if it is another user's and private
        """
        disk = self.get(disk_uuid)
        if disk is None:
            raise NoSuchDiskError(f"disk ({disk_uuid}) does not exist")
        if not _may_view(user, disk):
            raise DiskRefusedError(f"insufficient access rights to view disk ({disk_uuid})")
        return disk

    def get(self, disk_uuid: str) -> Disk | None:
        """The disk, without a check of rights; None if there is none."""
        with self._lock:
            return self._disks.get(disk_uuid)

    def with_identifier(self, identifier: str) -> Disk | None:
        """A disk with this identifier, without a check of rights; None if there is none."""
        with self._lock:
            return next((disk for disk in self._disks.values() if disk.identifier == identifier), None)

    def use_counts(self) -> Callable[[Disk], int]:
        """How often each disk is in use now: copied if it is a machine image's origin, mounted otherwise."""
        with self._lock:
            copies = Counter(disk.identifier for disk in self._disks.values())
            mounts = Counter(mount.disk for mount in self._mounts.values())

        def count(disk: Disk) -> int:
            if disk.type == DiskType.MACHINE_IMAGE_ORIGIN:
                return copies[disk.snapshot_identifier]
            return mounts[disk.uuid]

        return count

    def create(self, user: str, wanted: DiskFields, content: bytes = b"") -> Disk:
        """Make a disk.

        :raises DiskRefusedError: if its identifier is in use
        :raises InvalidDiskError: if its size is not permitted
        """
        with self._lock:
            if wanted.identifier and any(d.identifier == wanted.identifier for d in self._disks.values()):
                raise DiskRefusedError("Disk already registered")
            if wanted.size is None or not MIN_SIZE <= wanted.size <= MAX_SIZE:
                raise InvalidDiskError(f"Size must be an integer between {MIN_SIZE} and {MAX_SIZE}")
            return self._store(wanted.apply_to(self._new_disk(user, wanted.size)), content)

    def fill(self, disk_uuid: str, content: bytes) -> None:
        """Put the contents of an image on a new disk."""
        with self._lock:
            self._disks[disk_uuid] = replace(self._disks[disk_uuid], content=content)

    def change(self, user: str, disk_uuid: str, changes: DiskFields) -> Disk:
        """Change a disk. Users who may see it may change it, as in the real service.

        :raises NoSuchDiskError: if there is none
        :raises DiskRefusedError: if the user may not see it
        """
        with self._lock:
            disk = changes.apply_to(self.find(user, disk_uuid))
            self._disks[disk_uuid] = disk
        return disk

    def copy_or_rebase(self, user: str, disk_uuid: str) -> Disk:
        """Make a live copy of a machine image's origin, or a new origin from a live copy.

        :raises NoSuchDiskError: if there is none
        :raises DiskRefusedError: if the user may not see it
        :raises DiskBusyError: if it is neither an origin nor a live copy
        """
        with self._lock:
            disk = self.find(user, disk_uuid)
            if disk.type == DiskType.MACHINE_IMAGE_ORIGIN:
                # It has no owner until the machine that it is for sets one.
                return self._store(
                    replace(
                        self._new_disk("", disk.size),
                        identifier=disk.snapshot_identifier,
                        type=DiskType.MACHINE_IMAGE_LIVE,
                    ),
                    disk.content,
                )
            if disk.type == DiskType.MACHINE_IMAGE_LIVE:
                return self._store(
                    replace(self._new_disk(user, disk.size), type=DiskType.MACHINE_IMAGE_ORIGIN, seed=True),
                    disk.content,
                )
        raise DiskBusyError(f"Invalid disk state: {disk.type.value}. Cannot create copy or save as new image.")

    def delete(self, user: str, disk_uuid: str) -> None:
        """Remove a disk that is not in use.

        :raises NoSuchDiskError: if there is none
        :raises DiskRefusedError: if it is not the user's own
        :raises DiskBusyError: if it is mounted
        """
        with self._lock:
            if not _may_edit(user, self.find(user, disk_uuid)):
                raise DiskRefusedError(f"insufficient rights to delete disk ({disk_uuid})")
            if self.mounts(disk_uuid):
                raise DiskBusyError(f"disk ({disk_uuid}) is in use and can't be deleted")
            del self._disks[disk_uuid]

    # Mounts

    def mounts(self, disk_uuid: str) -> Sequence[Mount]:
        """The mounts of a disk, by device.

        :raises NoSuchDiskError: if there is no such disk
        """
        with self._lock:
            self._require(disk_uuid, "Unknown disk")
            mounts = [mount for mount in self._mounts.values() if mount.disk == disk_uuid]
        return sorted(mounts, key=lambda mount: mount.device)

    def mount(self, mount_id: str) -> Mount:
        """One mount.

        :raises NoSuchMountError: if there is none
        """
        with self._lock:
            if mount_id not in self._mounts:
                raise NoSuchMountError(f"mount ({mount_id}) does not exist")
            return self._mounts[mount_id]

    def attach(self, user: str, disk_uuid: str, *, node: str, vm_id: str, register_only: bool) -> Mount:
        """Attach a disk to a machine, at the first free device from ``vdz`` down.

        :param register_only: only note that the machine has the disk
        :raises NoSuchDiskError: if there is no such disk
        :raises DiskBusyError: if the machine has no device left
        :raises DiskRefusedError: if the user may not see the disk, or the machine has it already
        :raises StorageBackendError: if the machine does not run on that host
        """
        with self._lock:
            disk = self._require(disk_uuid, "Unknown disk")
            mount = Mount(disk_uuid, vm_id, node, STATIC_DEVICE if register_only else self._free_device(vm_id))
            if not _may_view(user, disk):
                raise DiskRefusedError("Not enough rights to attach disk")
            if mount.id in self._mounts:
                raise DiskRefusedError(f"Mount already exists for: {vm_id} and {disk_uuid}")
            if not register_only and not self._can_attach(vm_id, node):
                raise StorageBackendError(f"error: failed to get domain 'one-{vm_id}' on {node}")
            self._add_mount(mount)
        return mount

    def detach(self, user: str, disk_uuid: str, mount_id: str) -> Mount:
        """Detach a disk from a machine.

        :raises NoSuchDiskError: if there is no such disk
        :raises DiskRefusedError: if the user may not see it
        :raises NoSuchMountError: if there is no such mount
        """
        with self._lock:
            if not _may_view(user, self._require(disk_uuid, "unknown disk")):
                raise DiskRefusedError("insufficient rights to detach disk")
            mount = self.mount(mount_id)
            del self._mounts[mount_id]
            del self._mounts_by_machine[mount.vm_id][mount_id]
        return mount

    def mounts_of_machine(self, vm_id: str) -> Sequence[Mount]:
        """All disks in one machine."""
        with self._lock:
            return list(self._mounts_by_machine.get(vm_id, {}).values())

    def restore(self, disks: Iterable[Disk], mounts: Iterable[Mount]) -> None:
        """Add the disks and mounts of an earlier run."""
        with self._lock:
            self._disks.update((disk.uuid, disk) for disk in disks)
            for mount in mounts:
                self._add_mount(mount)

    def __iter__(self) -> Iterator[Disk]:
        return iter(self.owned_by(DISK_SERVICE_USER))

    def __len__(self) -> int:
        return len(self._disks)

    def _require(self, disk_uuid: str, complaint: str) -> Disk:
        if disk_uuid not in self._disks:
            raise NoSuchDiskError(f"{complaint}: {disk_uuid}")
        return self._disks[disk_uuid]

    def _free_device(self, vm_id: str) -> str:
        taken = {mount.device for mount in self.mounts_of_machine(vm_id)}
        for device in _DEVICES:
            if device not in taken:
                return device
        raise DiskBusyError("no free devices available")

    def _add_mount(self, mount: Mount) -> None:
        self._mounts[mount.id] = mount
        self._mounts_by_machine.setdefault(mount.vm_id, {})[mount.id] = mount

    def _new_disk(self, owner: str, size: int) -> Disk:
        return Disk(str(uuid.uuid4()), self._clock.now(), owner, size)

    def _store(self, disk: Disk, content: bytes) -> Disk:
        disk = replace(disk, content=content)
        self._disks[disk.uuid] = disk
        return disk


def _may_edit(user: str, disk: Disk) -> bool:
    return user in (disk.owner, DISK_SERVICE_USER)


def _may_view(user: str, disk: Disk) -> bool:
    return _may_edit(user, disk) or disk.visibility == Visibility.PUBLIC
