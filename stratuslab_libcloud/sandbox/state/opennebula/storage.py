"""The disks of machines: made of what a template asks for, as the documents have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from string import ascii_lowercase

from stratuslab_libcloud.sandbox.state.opennebula.disk_snapshots import DiskSnapshots
from stratuslab_libcloud.sandbox.state.opennebula.errors import InvalidTemplateError
from stratuslab_libcloud.sandbox.state.opennebula.image import Image, ImageState, ImageType
from stratuslab_libcloud.sandbox.state.opennebula.images import Images
from stratuslab_libcloud.sandbox.state.opennebula.machine import Machine
from stratuslab_libcloud.sandbox.state.opennebula.objects import Right
from stratuslab_libcloud.sandbox.state.opennebula.release import Release610
from stratuslab_libcloud.sandbox.state.opennebula.users import User, Users


class Storage:
    """Gives disks to machines, and takes them back."""

    def __init__(self, images: Images, users: Users, release: Release610) -> None:
        self._images = images
        self._users = users
        self._release = release

    def give_all(self, user: User, machine: Machine, wanted: Iterable[Mapping[str, str]]) -> None:
        """Give a new machine its disks.

        :raises RefusedError: if it cannot have one of them; it has none, then
        """
        try:
            for number, disk in enumerate(disk for disk in wanted if disk):
                self.give(user, machine, disk, f"DISK {number}: ", waits=True)
        except BaseException:
            self.take_all(machine)
            raise

    def give(
        self, user: User, machine: Machine, wanted: Mapping[str, str], where: str = "", *, waits: bool = False
    ) -> dict[str, str]:
        """Give a machine one more disk.

        :param where: the beginning of what is wrong with it
        :param waits: the machine can wait for an image that is locked
        :raises RefusedError: if it cannot have it
        """
        image = self._find_image(user, wanted, where)
        disk = self._image_disk(machine, image, wanted, where) if image else self._volatile_disk(wanted, where)
        disk["DISK_ID"] = str(machine.next_disk_id)
        disk["TARGET"] = self._target(machine, wanted.get("TARGET", ""), disk["DEV_PREFIX"])
        if image is not None:
            self._acquire(image, machine, disk, where, waits)
        machine.next_disk_id += 1
        machine.disks.append(disk)
        return disk

    def take(self, machine: Machine, disk: dict[str, str]) -> None:
        """Take a disk from a machine."""
        machine.disks.remove(disk)
        image = self.image_of(disk)
        if image is not None and all(other.get("IMAGE_ID") != disk["IMAGE_ID"] for other in machine.disks):
            self._images.release(image, machine.id)
        machine.disk_snapshots.pop(int(disk["DISK_ID"]), None)

    def take_all(self, machine: Machine) -> None:
        """Let no image be in use by a machine that is no more; its document keeps the disks."""
        for disk in machine.disks:
            image = self.image_of(disk)
            if image is not None:
                self._images.release(image, machine.id)

    def image_of(self, disk: Mapping[str, str]) -> Image | None:
        """The image that a disk was made of; None if there is none, or it is gone."""
        return self._images.pool.get(int(disk["IMAGE_ID"])) if "IMAGE_ID" in disk else None

    def use_images(self, machine: Machine) -> bool | None:
        """Whether a machine that waits for images can go on; None if it never can."""
        images = [image for image in map(self.image_of, machine.disks) if image is not None]
        if any(image.state == ImageState.ERROR for image in images):
            return None
        if any(image.state == ImageState.LOCKED for image in images):
            return False
        for image, disk in zip(images, (d for d in machine.disks if "IMAGE_ID" in d), strict=True):
            self._images.use(image)
            disk["IMAGE_STATE"] = str(int(image.state))
        return True

    @staticmethod
    def context_target(machine: Machine) -> str:
        """The device of the disk with the context: the first that is free."""
        return _next_target(machine, "hd")

    def _find_image(self, user: User, wanted: Mapping[str, str], where: str) -> Image | None:
        if "IMAGE_ID" in wanted:
            number = wanted["IMAGE_ID"]
            image = self._images.pool.get(int(number)) if number.isdecimal() else None
            if image is None:
                raise InvalidTemplateError(f"{where}Image with ID: {number} does not exist")
        elif "IMAGE" in wanted:
            image = self._named_image(user, wanted, where)
        else:
            return None
        self._images.pool.authorize(user, image, Right.USE)
        return image

    def _named_image(self, user: User, wanted: Mapping[str, str], where: str) -> Image:
        owner: User | None = user
        if "IMAGE_UNAME" in wanted:
            owner = next((u for u in self._users if u.name == wanted["IMAGE_UNAME"]), None)
        elif wanted.get("IMAGE_UID", "").isdecimal():
            owner = next((u for u in self._users if u.id == int(wanted["IMAGE_UID"])), None)
        image = self._images.pool.named(owner, wanted["IMAGE"]) if owner else None
        if image is None:
            raise InvalidTemplateError(
                f"{where}User {owner.id if owner else -1} does not own an image with name: {wanted['IMAGE']} . "
                "Set IMAGE_UNAME or IMAGE_UID of owner in DISK."
            )
        return image

    def _acquire(self, image: Image, machine: Machine, disk: dict[str, str], where: str, waits: bool) -> None:
        try:
            self._images.acquire(image, machine.id, waits=waits)
        except InvalidTemplateError as problem:
            raise InvalidTemplateError(f"{where}{problem}") from None
        disk["IMAGE_STATE"] = str(int(image.state))
        if image.persistent and image.snapshots is not None:
            machine.disk_snapshots[int(disk["DISK_ID"])] = image.snapshots

    def _image_disk(self, machine: Machine, image: Image, wanted: Mapping[str, str], where: str) -> dict[str, str]:
        size = wanted.get("SIZE", "")
        if size and image.persistent:
            raise InvalidTemplateError(f"{where}SIZE attribute is not supported for persistent image [{image.id}].")
        if size and (not size.isdecimal() or int(size) < image.size):
            raise InvalidTemplateError(
                f"{where}SIZE of {size}MB is less than the image [{image.id}] size of {image.size}MB."
            )
        disk = {
            **wanted,
            **self._release.disk_extras,
            "ALLOW_ORPHANS": "NO",
            "CLONE": "NO" if image.persistent else "YES",
            "CLONE_TARGET": "SYSTEM",
            "CLUSTER_ID": "0",
            "DATASTORE": image.datastore.name,
            "DATASTORE_ID": str(image.datastore.id),
            "DISK_SNAPSHOT_TOTAL_SIZE": "0",
            "DEV_PREFIX": wanted.get("DEV_PREFIX") or image.template.text("DEV_PREFIX") or "sd",
            "DISK_TYPE": "FILE",
            "DRIVER": image.template.text("DRIVER") or image.format,
            "FORMAT": image.format,
            "IMAGE": image.name,
            "IMAGE_ID": str(image.id),
            "LN_TARGET": "NONE",
            "ORIGINAL_SIZE": str(image.size),
            "READONLY": "YES" if image.type == ImageType.CDROM else "NO",
            "SAVE": "YES" if image.persistent else "NO",
            "SIZE": size or str(image.size),
            "SOURCE": "dummy_path",
            "TM_MAD": image.datastore.tm_mad,
            "TYPE": "CDROM" if image.type == ImageType.CDROM else "FILE",
        }
        if image.persistent:
            disk["PERSISTENT"] = "YES"
        return disk

    @staticmethod
    def _volatile_disk(wanted: Mapping[str, str], where: str) -> dict[str, str]:
        if wanted.get("TYPE", "").lower() not in ("fs", "swap"):
            raise InvalidTemplateError(f"{where}Unknown disk type: {wanted.get('TYPE', '')}")
        if not wanted.get("SIZE", "").isdecimal():
            raise InvalidTemplateError(f"{where}SIZE attribute must be a positive integer value.")
        return {
            **wanted,
            "DEV_PREFIX": wanted.get("DEV_PREFIX", "sd"),
            "DISK_SNAPSHOT_TOTAL_SIZE": "0",
            "DISK_TYPE": "FILE",
            "FORMAT": wanted.get("FORMAT", "raw"),
            "TYPE": wanted["TYPE"].lower(),
        }

    @staticmethod
    def _target(machine: Machine, wanted: str, prefix: str) -> str:
        if not wanted:
            return _next_target(machine, prefix)
        if wanted in _targets(machine):
            raise InvalidTemplateError(f"Target {wanted} is already in use.")
        return wanted


def snapshots_of(machine: Machine, disk_id: int) -> DiskSnapshots:
    """The snapshots of one of a machine's disks."""
    return machine.disk_snapshots.setdefault(disk_id, DiskSnapshots())


def _targets(machine: Machine) -> set[str]:
    context = {machine.context_disk[1]} if machine.context_disk else set()
    return {disk["TARGET"] for disk in machine.disks} | context


def _next_target(machine: Machine, prefix: str) -> str:
    used = _targets(machine)
    return next(target for letter in ascii_lowercase if (target := f"{prefix}{letter}") not in used)
