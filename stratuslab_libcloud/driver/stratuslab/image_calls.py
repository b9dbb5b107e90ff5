"""The image calls of the Libcloud driver: the Marketplace's images, and new ones of machines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from libcloud.compute.base import Node, NodeImage

from stratuslab_libcloud.driver.arguments import checked, seconds_or_none, text
from stratuslab_libcloud.driver.locations import Location
from stratuslab_libcloud.driver.stratuslab.node_changes import NodeChanges
from stratuslab_libcloud.errors import Call, NotFoundError

# What only some calls need is imported by them: a program waits for each import when it starts.
if TYPE_CHECKING:
    from stratuslab_libcloud.client.stratuslab.metadata.verification import Verification
    from stratuslab_libcloud.driver.progress import OnProgress
    from stratuslab_libcloud.driver.stratuslab.images import StratusLabImage


class ImageCalls(NodeChanges):
    """The image calls of the driver."""

    def list_images(  # type: ignore[override]  # narrower than Libcloud's
        self,
        location: Location = None,
        ex_image_lifetime: float | None = None,
        *,
        ex_os: str | None = None,
        ex_architecture: str | None = None,
        ex_endorser: str | None = None,
        ex_kind: str | None = None,
        ex_name: str | re.Pattern[str] | None = None,
        ex_latest: bool = False,
        ex_all_endorsers: bool = False,
    ) -> list[StratusLabImage]:
        """The images of a location's Marketplace, each once, as the person who endorsed it last describes it.

        :param location: the default location if not given
        :param ex_image_lifetime: as for the driver, for this list alone
        :param ex_os: only those with this operating system, such as ``Ubuntu``
        :param ex_architecture: only those for this architecture, such as ``x86_64``
        :param ex_endorser: only those that the person with this e-mail address endorsed
        :param ex_kind: only machine images (``machine``) or only data images (``disk``)
        :param ex_name: only those with this name, or whose whole name a compiled regular expression matches
        :param ex_latest: whether of several images of one name only the newest is listed
        :param ex_all_endorsers: whether an image is there once for each of its endorsers
        :raises ServiceError: when the Marketplace does not answer as it should
        """
        from stratuslab_libcloud.driver.stratuslab.image_selection import ImageSelection
        from stratuslab_libcloud.driver.stratuslab.images import StratusLabImage

        selection = ImageSelection(ex_os, ex_architecture, ex_endorser, ex_kind, ex_name, ex_latest, ex_all_endorsers)
        selection.check()
        marketplace = self._locations.cloud(location).marketplace
        entries = marketplace.images(seconds_or_none("ex_image_lifetime", ex_image_lifetime))
        return [StratusLabImage(entry, self, endorsers) for entry, endorsers in selection.of(entries)]

    def get_image(self, image_id: str, location: Location = None) -> NodeImage:
        """An image by its Marketplace identifier; also a volume's id or a URL, from which a node can be made as well.

        :param location: the default location if not given
        :raises NotFoundError: when there is no such image, or it has expired
        :raises InvalidArgumentError: when it is none of these
        """
        from stratuslab_libcloud.driver.stratuslab import images

        return images.get(self._locations.cloud(location), text("image_id", image_id), self)

    def ex_get_image(self, image_id: str, location: Location = None) -> NodeImage:
        """As `get_image`; other drivers have it by this name."""
        return self.get_image(image_id, location)

    def ex_verify_image(self, image: NodeImage, location: Location = None) -> Verification:
        """Check the Marketplace's entry of an image: who signed it, what holds of it, and what does not.

        Nothing is checked of the image's content, and nobody is asked whether the signer is who they say: see the
        documentation on images.

        :param image: from `list_images` or `get_image`; or a `NodeImage` whose id is a Marketplace identifier
        :param location: whose Marketplace is asked; the default location if not given
        :raises NotFoundError: when there is no such entry any more
        :raises InvalidMetadataError: when the Marketplace's answer is no entry at all
        :raises InvalidArgumentError: when the image is not one of a Marketplace
        :raises MissingDependencyError: when the packages are not installed that this needs
        """
        from stratuslab_libcloud.driver.stratuslab import image_verification

        return image_verification.verify(self._locations.cloud(location), checked(NodeImage, image))

    def create_image(  # type: ignore[override]  # Libcloud's annotation says a list; its drivers return one image
        self,
        node: Node,
        name: str,
        description: str | None = None,
        *,
        ex_timeout: float = 600,
        ex_progress: OnProgress = None,
    ) -> StratusLabImage:
        """Shut a machine down, and wait for the image that the cloud makes of its root disk.

        The cloud does this for machines that were created with ``ex_save_as``, and tells the author by e-mail, whose
        address is `author_email` in the configuration. It signs the image's entry itself.

        :param name: the title that ``ex_save_as`` gave
        :param description: changes nothing: `comment` in the configuration is the image's description
        :param ex_timeout: seconds that the machine may take to end
        :param ex_progress: is called with a `Progress` at each step, and while the machine is waited for
        :raises NotImplementedError: when the machine was not created with that title
        :raises WaitTimeoutError: when the machine has not ended in time
        :raises NotFoundError: when it has ended, and the Marketplace does not have the image, which may still come
        """
        from stratuslab_libcloud.driver.progress import Task

        title = (checked(Node, node).extra or {}).get("save_as")
        if title != text("name", name):
            raise NotImplementedError(
                f"a StratusLab cloud makes an image only of a machine that was created with ex_save_as={name!r}"
            )
        task = Task(ex_progress, f"making image {name!r}", 3, "steps")
        task.tell(0, f"telling machine {node.id} to shut down", node)
        location = self._locations.of(node)
        known = {image.id for image in self.list_images(location, ex_name=name)}
        self.ex_shutdown_node(node)
        self.ex_wait_until_gone(
            [node], timeout=ex_timeout, ex_progress=lambda waiting: task.tell(1, waiting.detail, node)
        )
        task.tell(2, "looking for the image", node)
        new = [image for image in self.list_images(location, ex_name=name, ex_latest=True) if image.id not in known]
        if not new:
            config = self._locations.cloud(location).config
            call = Call(config.section, "Marketplace", "GET /metadata", config.marketplace.url)
            raise NotFoundError(f"machine {node.id} has ended, but there is no new image {name!r} yet", call)
        task.tell(3, subject=new[0])
        return new[0]

    def delete_image(self, node_image: NodeImage) -> bool:
        """Not possible.

        :raises NotImplementedError: always
        """
        raise NotImplementedError(
            "an image cannot be deleted from the Marketplace: its endorser deprecates it, or its entry expires"
        )

    def copy_image(
        self, source_region: str, node_image: NodeImage, name: str, description: str | None = None
    ) -> NodeImage:
        """Not possible.

        :raises NotImplementedError: always
        """
        raise NotImplementedError("an image need not be copied: each location can use those of its Marketplace")
