"""What a machine can be made of, as Libcloud's images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from libcloud.compute.base import NodeDriver, NodeImage

from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.client.stratuslab.identifiers import is_disk_id, is_image_id, is_image_url
from stratuslab_libcloud.errors import InvalidArgumentError

if TYPE_CHECKING:
    from stratuslab_libcloud.client.stratuslab.entries import Image
    from stratuslab_libcloud.driver.stratuslab.extra import ImageExtra


class StratusLabImage(NodeImage):
    """An image that the Marketplace lists.

    :ivar entry: what its endorser says of it, as the client library has it
    :ivar extra: see `ImageExtra`
    """

    extra: ImageExtra  # type: ignore[assignment]  # narrower than Libcloud's

    def __init__(self, entry: Image, driver: NodeDriver, endorsers: Sequence[str] | None = None) -> None:
        super().__init__(id=entry.identifier, name=entry.name, driver=driver)
        self.extra = _image_extra(entry, [entry.endorser] if endorsers is None else endorsers)
        self.entry = entry

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.name!r}>"


def get(cloud: Cloud, image_id: str, driver: NodeDriver) -> NodeImage:
    """An image by its Marketplace identifier, a volume by its id, or whatever is at a URL.

    :raises NotFoundError: when there is no such image or volume
    :raises InvalidArgumentError: when it is none of the three
    """
    if is_image_id(image_id):
        return StratusLabImage(cloud.marketplace.image(image_id, refresh=True), driver)
    if is_disk_id(image_id):
        disk = cloud.disks.disk(image_id)
        return NodeImage(image_id, disk.tag or image_id, driver, extra={"location": cloud.config.section})
    if is_image_url(image_id):
        return NodeImage(image_id, image_id, driver)
    raise InvalidArgumentError(f"{image_id!r} is not an image: give a Marketplace identifier, a volume's id, or a URL")


def _image_extra(entry: Image, endorsers: Sequence[str]) -> ImageExtra:
    return {
        "os": entry.os,
        "os_version": entry.os_version,
        "architecture": entry.arch,
        "version": entry.version,
        "format": entry.format,
        "kind": entry.kind or entry.type,
        "title": entry.title,
        "description": entry.description,
        "tag": entry.tag,
        "created": entry.created,
        "valid_until": entry.valid,
        "size": entry.size,
        "checksums": dict(entry.checksums),
        "locations": list(entry.locations),
        "compression": entry.compression,
        "creator": entry.creator,
        "publisher": entry.publisher,
        "hypervisor": entry.hypervisor,
        "endorser": entry.endorser,
        "endorsers": list(endorsers),
        "endorsed": entry.endorsed,
        "disk_bus": entry.disks_bus,
        "inbound_ports": list(entry.inbound_ports),
    }
