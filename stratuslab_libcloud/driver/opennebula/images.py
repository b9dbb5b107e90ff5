"""What a machine can be made from, as Libcloud's images: images with a size, and VM templates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from libcloud.compute.base import NodeDriver, NodeImage, NodeLocation

from stratuslab_libcloud.client.opennebula.image import Image
from stratuslab_libcloud.driver.opennebula.nodes import labels_in
from stratuslab_libcloud.errors import InvalidArgumentError

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.cloud import OpenNebulaCloud
    from stratuslab_libcloud.client.opennebula.vm_templates import VmTemplate
    from stratuslab_libcloud.driver.opennebula.extra import ImageExtra

IMAGE, TEMPLATE = "image", "template"
"""What `image.extra['kind']` says."""

_BOOTABLE = frozenset({"OS", "CDROM"})
_READY = frozenset({"READY", "USED"})
_TEMPLATE_ID = re.compile(r"template-([0-9]{1,10})")
_IMAGE_ID = re.compile(r"[0-9]{1,10}")


class OpenNebulaImage(NodeImage):
    """An image, or a VM template, whose id begins with ``template-``.

    :ivar location: the `NodeLocation` where it is
    :ivar extra: see `ImageExtra`
    """

    extra: ImageExtra  # type: ignore[assignment]  # narrower than Libcloud's

    def __init__(self, thing: Image | VmTemplate, location: NodeLocation, driver: NodeDriver) -> None:
        super().__init__(
            id=str(thing.id) if isinstance(thing, Image) else f"{TEMPLATE}-{thing.id}",
            name=thing.name,
            driver=driver,
        )
        self.extra = _image_extra(thing) if isinstance(thing, Image) else _template_extra(thing)
        self.extra["location"] = str(location.id)
        self.location = location

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.name!r} at '{self.location.id}'>"


def startable(images: list[Image]) -> list[Image]:
    """Those that a machine can start from now; a pool has volumes, kernels and backups as well."""
    return [image for image in images if image.kind in _BOOTABLE and image.state in _READY]


def get(cloud: OpenNebulaCloud, image_id: str, location: NodeLocation, driver: NodeDriver) -> OpenNebulaImage:
    """An image by its id, or a template.

    :raises NotFoundError: when there is none
    :raises InvalidArgumentError: when it is no id of either
    """
    kind, number = kind_and_number(image_id)
    thing = cloud.templates.template(number) if kind == TEMPLATE else cloud.images.image(number)
    return OpenNebulaImage(thing, location, driver)


def kind_and_number(image_id: Any) -> tuple[str, int]:
    """Whether an image's id is one of OpenNebula's images or templates, and which.

    :raises InvalidArgumentError: when it is neither
    """
    template = _TEMPLATE_ID.fullmatch(str(image_id))
    if template:
        return TEMPLATE, int(template[1])
    if not _IMAGE_ID.fullmatch(str(image_id)):
        raise InvalidArgumentError(f"{image_id!r} is not an image: give an id such as '7', or 'template-7'")
    return IMAGE, int(image_id)


def template_number(template: Any) -> int:
    """The ID of a VM template, from an image that is one, or from an id such as ``template-7`` or 7.

    :raises InvalidArgumentError: when it is something else
    """
    template_id = str(template.id if isinstance(template, NodeImage) else template)
    is_number = not isinstance(template, NodeImage) and _IMAGE_ID.fullmatch(template_id)
    match = _TEMPLATE_ID.fullmatch(f"{TEMPLATE}-{template_id}" if is_number else template_id)
    if match is None:
        raise InvalidArgumentError(f"{template!r} is not a VM template: list_images(ex_templates=True) has them")
    return int(match[1])


def _image_extra(image: Image) -> ImageExtra:
    return {
        "kind": IMAGE,
        "type": image.kind,
        "state": image.state,
        "size": image.size,
        "persistent": image.is_persistent,
        "datastore_id": None if image.datastore_id is None else str(image.datastore_id),
        "datastore": image.datastore,
        "owner": image.owner,
        "group": image.group,
        "created": image.registered.isoformat() if image.registered else None,
        "description": image.template.get("DESCRIPTION", ""),
        "labels": labels_in(image.template),
        "error": image.error,
        "mark": image.mark,
    }


def _template_extra(template: VmTemplate) -> ImageExtra:
    return {
        "kind": TEMPLATE,
        "owner": template.owner,
        "memory": template.memory,
        "cpu": template.cpu_share,
        "vcpu": template.cpu,
        "description": template.attributes.get("DESCRIPTION", ""),
        "labels": labels_in(template.attributes),
        "user_inputs": next(iter(template.vectors("USER_INPUTS")), {}),
    }
