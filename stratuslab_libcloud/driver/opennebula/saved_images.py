"""Images made from disks of machines, and copies of images."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from stratuslab_libcloud.client.exactly_once import create_named
from stratuslab_libcloud.client.interruption import told
from stratuslab_libcloud.client.marks import new_mark
from stratuslab_libcloud.client.opennebula.machine import MARK_ATTRIBUTE
from stratuslab_libcloud.client.opennebula.machine_changes import Change
from stratuslab_libcloud.config import values
from stratuslab_libcloud.driver.arguments import parsed, text
from stratuslab_libcloud.errors import ConflictError, UnknownOutcomeError

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.cloud import OpenNebulaCloud
    from stratuslab_libcloud.client.opennebula.image import Image

_LARGEST = 2**31 - 1


def told_of(cloud: OpenNebulaCloud, name: str) -> AbstractContextManager[None]:
    """For a ``with`` within which an image is made: an interruption says that it may be there."""
    place = cloud.config.section
    return told(lambda: f"interrupted while image {name!r} was made at location '{place}': list_images() may show it")


def save(cloud: OpenNebulaCloud, machine_id: int, disk_id: Any, name: str, limit: float) -> int:
    """Copy a disk of a machine to a new image.

    :param disk_id: None for the root disk
    :param limit: seconds
    :return: the image's ID
    :raises ConflictError: when the machine has no such disk, or its state does not permit it
    """
    number = parsed("ex_disk_id", disk_id, values.whole_number(0, _LARGEST))
    if number is None:
        number = _root_disk(cloud, machine_id)
    change = Change(
        cloud.compute,
        machine_id,
        "one.vm.disksaveas",
        "save its disk",
        lambda seconds: cloud.compute.start_save_as(machine_id, number, name, seconds),
        lambda _: change.was_accepted or _saved_from(cloud, machine_id, name) is not None,
        limit,
    )
    image_id = change.make()[1]
    if image_id is None:
        image_id = _saved_from(cloud, machine_id, name)
    if image_id is None:
        raise UnknownOutcomeError(
            f"the reply to saving a disk of machine {machine_id} was lost; look for an image {name!r}",
            cloud.compute.asked("one.vm.disksaveas"),
            name,
        )
    return image_id


def copy(cloud: OpenNebulaCloud, image_id: int, name: str, datastore_id: int | None) -> int:
    """Copy an image, once. A copy has the original's mark, if that has one, so it is found by its name.

    :return: the copy's ID
    """

    def find() -> int | None:
        found = (image.id for image in cloud.images.images(mine=True) if image.name == name and image.id > newest)
        return next(found, None)

    newest = max((image.id for image in cloud.images.images(mine=True)), default=-1)
    return create_named(
        lambda seconds: cloud.images.clone(image_id, name, datastore_id, seconds),
        find,
        name,
        cloud.config.compute.timeout,
    )


def describe(cloud: OpenNebulaCloud, image_id: int, description: str | None, limit: float, *, wait: bool) -> Image:
    """Give a new image a description and a mark of its own, and let several machines use it.

    :param limit: seconds
    :param wait: whether to wait until it is ready
    """
    own = {} if description is None else {"DESCRIPTION": text("description", description)}
    cloud.images.update(image_id, {MARK_ATTRIBUTE: new_mark(), **own})
    image = cloud.images.image(image_id)
    if image.is_persistent or wait:
        image = cloud.image_changes.make_non_persistent(image_id, limit)
    return image


def _root_disk(cloud: OpenNebulaCloud, machine_id: int) -> int:
    disks = cloud.compute.machine(machine_id).disks
    if not disks or disks[0].disk_id is None:
        raise ConflictError(f"machine {machine_id} has no disk to save", cloud.compute.asked("one.vm.info"))
    return disks[0].disk_id


def _saved_from(cloud: OpenNebulaCloud, machine_id: int, name: str) -> int | None:
    """The image that was made although the reply was lost; the daemon notes from which machine it is."""
    for image in cloud.images.images(mine=True):
        if image.name == name and image.template.get("SAVED_VM_ID") == str(machine_id):
            return image.id
    return None
