"""The images of a cloud of today's OpenNebula: calls that do one thing each."""

from __future__ import annotations

from stratuslab_libcloud.client.opennebula import text_template, xml_template
from stratuslab_libcloud.client.opennebula.daemon import Daemon, read_id, read_nothing
from stratuslab_libcloud.client.opennebula.image import Image, read_images
from stratuslab_libcloud.client.opennebula.machine import MINE, VISIBLE
from stratuslab_libcloud.client.opennebula.xml_template import Attributes
from stratuslab_libcloud.client.opennebula.xml_values import only_one

APPEND = 1
"""The second parameter of an update that leaves the other attributes as they are; 0 would replace them all."""

SAME_DATASTORE = -1


class Images:
    """The images of one cloud.

    :param daemon: the cloud's daemon
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def images(self, *, mine: bool = False) -> list[Image]:
        """Ask for images of all types, with all that is known about them.

        :param mine: whether for the user's own only; otherwise for all that the user may use
        """
        whose = MINE if mine else VISIBLE
        return self._daemon.call("one.imagepool.info", whose, -1, -1, read=read_images, repeatable=True)

    def image(self, image_id: int) -> Image:
        """Ask for one image.

        :raises NotFoundError: when there is none
        """
        return self._daemon.call(
            "one.image.info", image_id, read=lambda text: only_one(read_images(text)), repeatable=True
        )

    def allocate(self, attributes: Attributes, datastore_id: int, timeout: float | None = None) -> int:
        """Create an image.

        :param attributes: of its template; SIZE is in MiB
        :return: its ID
        :raises NameTakenError: when the user has another one of this name
        """
        template = xml_template.render(attributes)
        return self._daemon.call("one.image.allocate", template, datastore_id, read=read_id, timeout=timeout)

    def clone(self, image_id: int, name: str, datastore_id: int | None = None, timeout: float | None = None) -> int:
        """Copy an image; the copy is LOCKED, and the original is CLONE, until that is done.

        :param datastore_id: where to; the original's if not given
        :return: the copy's ID
        :raises NameTakenError: when the user has another one of this name
        """
        place = SAME_DATASTORE if datastore_id is None else datastore_id
        return self._daemon.call("one.image.clone", image_id, name, place, read=read_id, timeout=timeout)

    def delete(self, image_id: int) -> None:
        """Start to delete an image.

        :raises ConflictError: when a machine uses it
        :raises NotFoundError: when there is none
        """
        self._daemon.call("one.image.delete", image_id, read=read_nothing)

    def update(self, image_id: int, attributes: Attributes) -> None:
        """Add attributes to its template, or replace those of the same names."""
        template = text_template.render(attributes)
        self._daemon.call("one.image.update", image_id, template, APPEND, read=read_nothing, repeatable=True)

    def make_persistent(self, image_id: int, persistent: bool) -> None:
        """Let a machine work on the image itself, or on a copy."""
        self._daemon.call("one.image.persistent", image_id, persistent, read=read_nothing, repeatable=True)

    def rename(self, image_id: int, name: str) -> None:
        """Give an image another name.

        :raises NameTakenError: when the user has another one of this name
        """
        self._daemon.call("one.image.rename", image_id, name, read=read_nothing, repeatable=True)

    def delete_snapshot(self, image_id: int, snapshot_id: int) -> None:
        """Delete a snapshot of an image that no machine uses.

        :raises ConflictError: when it is in use, or the snapshot is the active one
        """
        self._daemon.call("one.image.snapshotdelete", image_id, snapshot_id, read=read_nothing)

    def revert_to_snapshot(self, image_id: int, snapshot_id: int) -> None:
        """Make an image what it was, while no machine uses it.

        :raises ConflictError: when it is in use
        """
        self._daemon.call("one.image.snapshotrevert", image_id, snapshot_id, read=read_nothing)
