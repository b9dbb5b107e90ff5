"""The image calls of the driver: what can be started, and making, copying and deleting images."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from libcloud.compute.base import Node, NodeImage, NodeLocation

from stratuslab_libcloud.driver.arguments import checked, machine_number, text
from stratuslab_libcloud.driver.locations import Location
from stratuslab_libcloud.driver.opennebula.node_calls import Seconds
from stratuslab_libcloud.driver.opennebula.volume_calls import VolumeCalls
from stratuslab_libcloud.errors import InvalidArgumentError, NotFoundError

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.cloud import OpenNebulaCloud
    from stratuslab_libcloud.driver.opennebula.images import OpenNebulaImage
    from stratuslab_libcloud.driver.progress import OnProgress

_log = logging.getLogger(__name__)


class ImageCalls(VolumeCalls):
    """The image calls of the driver."""

    def list_images(  # type: ignore[override]  # narrower than Libcloud's
        self, location: Location = None, *, ex_templates: bool = False
    ) -> list[OpenNebulaImage]:
        """The images that a machine can start from now: of the types OS and CDROM, ready or in use.

        :param location: the default location if not given
        :param ex_templates: whether to list VM templates as well; ``image.extra['kind']`` says what each is
        """
        from stratuslab_libcloud.driver.opennebula import images

        where = self._locations.find(location)
        cloud = self._locations.cloud(where)
        things = [*images.startable(cloud.images.images()), *(cloud.templates.templates() if ex_templates else ())]
        return [images.OpenNebulaImage(thing, where, self) for thing in things]

    def get_image(self, image_id: str, location: Location = None) -> OpenNebulaImage:
        """An image by its id, of whatever type and state; or a VM template, whose id is such as ``template-7``.

        :param location: the default location if not given
        :raises NotFoundError: when there is none
        """
        from stratuslab_libcloud.driver.opennebula import images

        where = self._locations.find(location)
        return images.get(self._locations.cloud(where), image_id, where, self)

    def create_image(  # type: ignore[override]  # Libcloud's annotation says a list; its drivers return one image
        self,
        node: Node,
        name: str,
        description: str | None = None,
        *,
        ex_disk_id: int | str | None = None,
        ex_wait: bool = False,
        ex_timeout: Seconds = None,
        ex_progress: OnProgress = None,
    ) -> OpenNebulaImage:
        """Copy a disk of a machine to a new image, from which several machines can start.

        :param name: which none of the user's images has
        :param description: what it is
        :param ex_disk_id: one of those in ``node.extra['disks']``; the root disk if not given
        :param ex_wait: whether to wait until it is ready
        :param ex_timeout: seconds; by default the location's ``request_timeout``
        :param ex_progress: is called with a `Progress` at each look
        :raises ConflictError: when the machine's state does not permit it
        :raises NameTakenError: when the user has another image of this name
        """
        from stratuslab_libcloud.client.opennebula.xml_template import checked_name
        from stratuslab_libcloud.driver.opennebula import saved_images
        from stratuslab_libcloud.driver.opennebula.images import OpenNebulaImage

        name = checked_name(text("name", name), "an image")
        cloud, limit = self._cloud_of(node), self._limit(node, ex_timeout)
        with saved_images.told_of(cloud, name), self._telling(ex_progress, f"making image {name!r}", node):
            image_id = saved_images.save(cloud, machine_number(node), ex_disk_id, name, limit)
            image = saved_images.describe(cloud, image_id, description, limit, wait=ex_wait)
        return OpenNebulaImage(image, self._locations.of(node), self)

    def ex_node_set_save_name(self, node: Node, name: str) -> bool:
        """Save the root disk of a machine as an image: the name that Libcloud's old driver had for `create_image`.

        That one saved the disk when the machine was shut down, which OpenNebula no longer can: it is saved at once.

        :param name: which none of the user's images has
        :raises ConflictError: when the machine's state does not permit it
        :raises NameTakenError: when the user has another image of this name
        """
        self.create_image(node, name)
        return True

    def copy_image(
        self,
        source_region: Any,
        node_image: NodeImage,
        name: str,
        description: str | None = None,
        *,
        ex_datastore: Any = None,
        ex_wait: bool = False,
        ex_timeout: Seconds = None,
        ex_progress: OnProgress = None,
    ) -> OpenNebulaImage:
        """Copy an image, within its location.

        :param source_region: the location where it is; None if the image says it, or for the default one
        :param name: the copy's, which none of the user's images has
        :param description: what it is
        :param ex_datastore: where to: one of `ex_list_datastores`, its id or its name; the original's if not given
        :param ex_wait: whether to wait until it is ready
        :param ex_timeout: seconds; by default the location's ``request_timeout``
        :param ex_progress: is called with a `Progress` at each look
        :raises NameTakenError: when the user has another image of this name
        """
        from stratuslab_libcloud.client.opennebula.xml_template import checked_name
        from stratuslab_libcloud.driver.opennebula import datastores, saved_images
        from stratuslab_libcloud.driver.opennebula.images import OpenNebulaImage

        where, image_id = self._image_at(node_image, source_region)
        cloud = self._locations.cloud(where)
        name = checked_name(text("name", name), "an image")
        datastore = None if ex_datastore is None else datastores.find(cloud, ex_datastore, 0)
        with saved_images.told_of(cloud, name), self._telling(ex_progress, f"copying image {image_id}", node_image):
            copy_id = saved_images.copy(cloud, image_id, name, datastore)
            image = saved_images.describe(cloud, copy_id, description, self._seconds(cloud, ex_timeout), wait=ex_wait)
        return OpenNebulaImage(image, where, self)

    def delete_image(
        self, node_image: NodeImage, *, ex_timeout: Seconds = None, ex_progress: OnProgress = None
    ) -> bool:
        """Delete an image, and see that it is gone. One that is gone already is no error.

        :param ex_timeout: seconds; by default the location's ``request_timeout``
        :param ex_progress: is called with a `Progress` at each look
        :raises ConflictError: when a machine uses it
        """
        where, image_id = self._image_at(node_image, None)
        cloud = self._locations.cloud(where)
        with self._telling(ex_progress, f"deleting image {image_id}", node_image):
            cloud.image_changes.delete(image_id, self._seconds(cloud, ex_timeout))
        return True

    def ex_delete_template(self, template: NodeImage | str | int, location: Location = None) -> bool:
        """Delete a VM template; its images stay. One that is gone already is no error.

        :param template: one of ``list_images(ex_templates=True)``, or an id such as ``template-7`` or 7
        :param location: where it is, if `template` is an id; the default location if not given
        :raises PermissionDeniedError: when it is somebody else's
        """
        from stratuslab_libcloud.driver.opennebula import images

        number = images.template_number(template)
        cloud, _ = self._cloud_at(location or getattr(template, "location", None))
        try:
            cloud.templates.delete(number)
        except NotFoundError:
            _log.info("template %s of location '%s' was gone already", number, cloud.config.section)
        return True

    def _image_at(self, image: NodeImage, location: Any) -> tuple[NodeLocation, int]:
        from stratuslab_libcloud.driver.opennebula import images

        kind, number = images.kind_and_number(checked(NodeImage, image).id)
        if kind == images.TEMPLATE:
            raise InvalidArgumentError(
                f"{image.id} is a VM template: this is for images; ex_delete_template() is for templates"
            )
        return self._locations.find(location or getattr(image, "location", None)), number

    def _cloud_at(self, location: Location) -> tuple[OpenNebulaCloud, NodeLocation]:
        where = self._locations.find(location)
        return self._locations.cloud(where), where
