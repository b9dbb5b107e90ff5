"""What a machine can be made of, as Libcloud's images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from libcloud.compute.base import NodeImage

from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.client.stratuslab.identifiers import is_disk_id, is_image_id, is_image_url
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabImage
from stratuslab_libcloud.errors import InvalidArgumentError

if TYPE_CHECKING:
    from stratuslab_libcloud.driver.stratuslab.driver import StratusLabNodeDriver


def get(cloud: Cloud, image_id: str, driver: StratusLabNodeDriver) -> NodeImage:
    """An image by its Marketplace identifier, a volume by its id, or whatever is at a URL.

    :raises NotFoundError: when there is no such image or volume
    :raises InvalidArgumentError: when it is none of the three
    """
    if is_image_id(image_id):
        return StratusLabImage(cloud.marketplace.image(image_id, is_asked_anew=True), driver)
    if is_disk_id(image_id):
        disk = cloud.disks.disk(image_id)
        return NodeImage(image_id, disk.tag or image_id, driver, extra={"location": cloud.config.section})
    if is_image_url(image_id):
        return NodeImage(image_id, image_id, driver)
    raise InvalidArgumentError(f"{image_id!r} is no image: give a Marketplace identifier, a volume's id, or a URL")
