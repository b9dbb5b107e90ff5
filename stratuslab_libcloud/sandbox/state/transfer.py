"""The disks that machines start with: copies of images, and persistent disks.

As StratusLab's transfer drivers do it (``TMCloneCache``): the root disk is a copy of an image, made in the disk service
from an origin that is kept there; disks named ``pdisk:<endpoint>/<uuid>`` are used as they are. All of them are
registered as mounted, with the device ``static``. When the machine has ended, its root disk stays, quarantined; of one
that was to be saved, an image is made before (``TMSaveCache``).
"""

from __future__ import annotations

import hashlib
import logging
import math
import re
from collections.abc import Callable
from datetime import datetime, timezone

from stratuslab_libcloud.sandbox.state.clock import Clock
from stratuslab_libcloud.sandbox.state.disk import Disk, DiskFields, DiskType, Visibility
from stratuslab_libcloud.sandbox.state.disks import Disks
from stratuslab_libcloud.sandbox.state.entries import Entries, Entry, ImageBehaviour
from stratuslab_libcloud.sandbox.state.errors import DriverError, RefusedError
from stratuslab_libcloud.sandbox.state.identifiers import image_identifier
from stratuslab_libcloud.sandbox.state.saved_image import SavedImage, is_to_be_saved
from stratuslab_libcloud.sandbox.state.users import DISK_SERVICE_USER
from stratuslab_libcloud.sandbox.state.vm import Machine

_log = logging.getLogger(__name__)

_PDISK_PREFIX = "pdisk:"
_IMAGE_URL = re.compile(r"(?P<marketplace>.*)/metadata/(?P<identifier>[A-Za-z0-9_-]{27})(?:/[^/]+/[^/]+)?/?")
_URL_SCHEME = re.compile(r"[a-z]+://")
_DATA_TYPES = (DiskType.DATA_IMAGE_RAW_READONLY, DiskType.DATA_IMAGE_RAW_READ_WRITE)
_GIGABYTE = 10**9


class TransferManager:
    """Gives machines the disks that their templates name.

    :param is_own_marketplace: whether a URL is that of this cloud's Marketplace; images of others are
        accepted unchecked, since a sandbox connects to no other computer
    :param make_entry: the Marketplace's entry of a new image
    """

    def __init__(
        self,
        *,
        clock: Clock,
        disks: Disks,
        entries: Entries,
        is_own_marketplace: Callable[[str], bool],
        make_entry: Callable[[SavedImage], Entry],
    ) -> None:
        self._clock = clock
        self._disks = disks
        self._entries = entries
        self._is_own_marketplace = is_own_marketplace
        self._make_entry = make_entry
        self._origins: dict[str, str] = {}

    def prepare(self, machine: Machine) -> None:
        """Get the disks of a machine ready.

        :raises DriverError: if it is not possible to use a disk
        """
        try:
            for number, disk in enumerate(machine.disks):
                self._prepare(machine, disk.get("SOURCE", ""), is_root=number == 0)
        except RefusedError as problem:
            raise DriverError(f"Error executing image transfer script: {problem}") from None

    def boot(self, machine: Machine) -> None:
        """Start a machine from its root disk.

        :raises DriverError: if the image does not boot
        """
        error = self.behaviour_of(machine).boot_error
        if error:
            raise DriverError(f"Error deploying virtual machine: {error}")

    def save(self, machine: Machine) -> None:
        """Make an image of a machine that has shut down, if it was to be saved.

        :raises DriverError: if it has no root disk of its own
        """
        if not is_to_be_saved(machine):
            return
        root = self._root_disk(machine)
        if root is None:
            raise DriverError("Error executing image transfer script: there is no root disk to be saved")
        self.release(machine)
        # A machine that has run has changed its disk, so its image is another one than that which it came from.
        digest = hashlib.sha1(root.content + root.uuid.encode(), usedforsecurity=False).digest()
        wanted = DiskFields(owner=machine.owner.name, identifier=image_identifier(digest))
        origin = self._disks.copy_or_rebase(DISK_SERVICE_USER, root.uuid)
        disk = self._disks.change(DISK_SERVICE_USER, origin.uuid, wanted)
        self._publish(SavedImage(disk, self._base(machine), machine))

    def release(self, machine: Machine) -> None:
        """Detach all disks from a machine that has ended."""
        for mount in self._disks.mounts_of_machine(str(machine.id)):
            disk = self._disks.get(mount.disk)
            self._disks.detach(DISK_SERVICE_USER, mount.disk, mount.id)
            if disk is not None and disk.identifier.startswith("snapshot:"):
                now = datetime.fromtimestamp(self._clock.now(), timezone.utc)
                self._disks.change(
                    DISK_SERVICE_USER,
                    mount.disk,
                    DiskFields(owner=DISK_SERVICE_USER, quarantine=f"{now:%Y-%m-%d %H:%M:%S.%f}"),
                )

    def behaviour_of(self, machine: Machine) -> ImageBehaviour:
        """The behaviour of the image that a machine was started from."""
        return self._entries.behaviour(_image_of(machine))

    def _root_disk(self, machine: Machine) -> Disk | None:
        mounted = (self._disks.get(mount.disk) for mount in self._disks.mounts_of_machine(str(machine.id)))
        return next((disk for disk in mounted if disk and disk.type == DiskType.MACHINE_IMAGE_LIVE), None)

    def _base(self, machine: Machine) -> Entry | None:
        return self._entries.latest_on(_image_of(machine))

    def _publish(self, image: SavedImage) -> None:
        marketplace = image.wishes.get("NEWIMAGE_MARKETPLACE", "").rstrip("/")
        if marketplace and not self._is_own_marketplace(marketplace):
            _log.warning("a sandbox connects to no other computer: %s is not told of %s", marketplace, image.identifier)
            return
        entry = self._make_entry(image)
        self._entries.add(entry)
        self._entries.set_behaviour(image.identifier, self.behaviour_of(image.machine))
        author = image.wishes.get("CREATOR_EMAIL")
        _log.info("machine %s is image %s now; a cloud would write to %s", image.machine.id, image.identifier, author)

    def _prepare(self, machine: Machine, source: str, *, is_root: bool) -> None:
        image = _IMAGE_URL.fullmatch(source)
        if source.startswith(_PDISK_PREFIX):
            self._use_disk(machine, source.rpartition("/")[2], is_root=is_root)
        elif image and self._entries.knows(image["identifier"]):
            self._use_image(machine, image["identifier"])
        elif image and self._is_own_marketplace(image["marketplace"]):
            raise RefusedError(f"no metadata for image {image['identifier']} at {image['marketplace']}")
        elif source and _URL_SCHEME.match(source) is None:
            raise RefusedError(f"the source '{source}' is neither an image of a Marketplace nor a disk")

    def _use_image(self, machine: Machine, identifier: str) -> None:
        error = self._entries.behaviour(identifier).prolog_error
        if error:
            raise RefusedError(error)
        origin = self._origin(identifier)
        may_copy = origin.owner in (machine.owner.name, DISK_SERVICE_USER)
        if not may_copy and origin.visibility == Visibility.PRIVATE:
            raise RefusedError(f"disk ({origin.uuid}) of image {identifier} is private")
        copy = self._disks.copy_or_rebase(DISK_SERVICE_USER, origin.uuid)
        # OpenNebula's name of the user, which is not the disk service's where it had to be encoded.
        self._disks.change(DISK_SERVICE_USER, copy.uuid, DiskFields(owner=machine.owner.name))
        self._mount(machine, copy)

    def _origin(self, identifier: str) -> Disk:
        origin = self._disks.get(self._origins.get(identifier, ""))
        if origin is None or origin.identifier != identifier:
            origin = self._disks.with_identifier(identifier) or self._import(identifier)
            self._origins[identifier] = origin.uuid
        return origin

    def _import(self, identifier: str) -> Disk:
        size = max(entry.size for entry in self._entries if entry.identifier == identifier)
        return self._disks.create(
            DISK_SERVICE_USER,
            DiskFields(
                size=max(1, math.ceil(size / _GIGABYTE)),
                identifier=identifier,
                type=DiskType.MACHINE_IMAGE_ORIGIN,
            ),
        )

    def _use_disk(self, machine: Machine, disk_uuid: str, *, is_root: bool) -> None:
        disk = self._disks.find(machine.owner.account, disk_uuid)
        if not is_root:
            if disk.type not in _DATA_TYPES:
                raise RefusedError(f"disk ({disk.uuid}) is a machine image, not a data disk")
        elif disk.type != DiskType.MACHINE_IMAGE_LIVE:
            raise RefusedError(f"disk ({disk.uuid}) is not a live machine image")
        elif self._disks.mounts(disk.uuid):
            raise RefusedError(f"disk ({disk.uuid}) is already mounted")
        self._mount(machine, disk)

    def _mount(self, machine: Machine, disk: Disk) -> None:
        self._disks.attach(
            DISK_SERVICE_USER,
            disk.uuid,
            node=machine.history[-1].host.name,
            vm_id=str(machine.id),
            register_only=True,
        )


def _image_of(machine: Machine) -> str:
    """The identifier of the image that a machine was started from; empty if it was none of a Marketplace."""
    source = machine.disks[0].get("SOURCE", "") if machine.disks else ""
    match = _IMAGE_URL.fullmatch(source)
    return match["identifier"] if match else ""
