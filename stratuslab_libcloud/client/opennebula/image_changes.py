"""Waiting for what the daemon only starts with images: creating, copying, deleting."""

from __future__ import annotations

from collections.abc import Collection

from stratuslab_libcloud.client import waiting_words
from stratuslab_libcloud.client.deadline import Deadline
from stratuslab_libcloud.client.opennebula.daemon import Daemon
from stratuslab_libcloud.client.opennebula.image import Image
from stratuslab_libcloud.client.opennebula.images import Images
from stratuslab_libcloud.errors import (
    ConflictError,
    NotFoundError,
    RequestRejectedError,
    ServiceError,
    ServiceTimeoutError,
)

_PASSING = frozenset({"INIT", "LOCKED", "LOCKED_USED", "LOCKED_USED_PERS", "CLONE"})
"""States that an image leaves by itself."""

BEGINNING_SECONDS = 3.0
"""How long a deletion that was accepted may take to show in the image's state."""

_PAUSE = 0.1
_LONGEST_PAUSE = 2.0


class ImageChanges:
    """The images of one cloud, with waiting.

    :param images: of the cloud
    :param daemon: of the cloud, for what messages say of it
    """

    def __init__(self, images: Images, daemon: Daemon) -> None:
        self._images = images
        self._daemon = daemon

    def settled(self, image_id: int, limit: float) -> Image:
        """Wait until nothing is being done to an image.

        :param limit: seconds
        :return: the image as it is then
        :raises ConflictError: when it went wrong, with the cloud's own message
        :raises ServiceTimeoutError: when it takes longer
        """
        waiting = _Waiting(limit)
        while True:
            image = self._images.image(image_id)
            if image.state == "ERROR":
                raise self._failed(image)
            if image.state not in _PASSING:
                return image
            waiting_words.tell(f"image {image.id}: {image.state.lower()}")
            if not waiting.pause():
                raise ServiceTimeoutError(
                    f"image {image_id} is still {image.state} after {limit:g} seconds",
                    self._daemon.asked("one.image.info"),
                )

    def delete(self, image_id: int, limit: float) -> bool:
        """Delete an image, as soon as nothing is being done to it, and see that it is gone.

        :param limit: seconds
        :return: False when it did not exist any more
        :raises ConflictError: when a machine uses it, or its storage does not let it go
        :raises ServiceTimeoutError: when it takes longer
        """
        waiting = _Waiting(limit)
        try:
            may_have_begun = self._begin_to_delete(image_id, waiting)
        except NotFoundError:
            return False
        beginning, was_deleting = Deadline(BEGINNING_SECONDS), False
        while True:
            try:
                image = self._images.image(image_id)
            except NotFoundError:
                return True
            was_deleting = was_deleting or image.state == "DELETE"
            if image.state == "ERROR" and (was_deleting or not beginning.left()):
                raise self._failed(image)
            if image.state != "DELETE" and may_have_begun is None:
                may_have_begun = self._begin_to_delete(image_id, waiting)
            waiting_words.tell(f"image {image.id}: {image.state.lower()}")
            if not waiting.pause():
                raise ServiceTimeoutError(
                    f"image {image_id} is still {image.state} after {limit:g} seconds, and was to be deleted",
                    self._daemon.asked("one.image.delete"),
                )

    def make_non_persistent(self, image_id: int, limit: float) -> Image:
        """Let several machines use an image, even if the default of the user or the group does not permit it.

        :param limit: seconds
        :return: the image as it is then
        """
        image = self.settled(image_id, limit)
        if not image.is_persistent:
            return image
        self._images.make_persistent(image_id, False)
        return image._replace(is_persistent=False)

    def _begin_to_delete(self, image_id: int, waiting: _Waiting) -> bool | None:
        """Start it, when it is not refused because of something that passes; None if the reply was lost."""
        was_passing = True
        while True:
            try:
                self._images.delete(image_id)
                return True
            except (ConflictError, RequestRejectedError):
                # What passed may have been over before it was looked at: then there is one more attempt.
                is_passing = self._images.image(image_id).state in _PASSING
                if not (is_passing or was_passing) or not waiting.pause():
                    raise
                was_passing = is_passing
            except ServiceError as error:
                if not error.outcome_unknown:
                    raise
                return None

    def _failed(self, image: Image) -> ConflictError:
        return ConflictError(
            f"image {image.id} is in the state ERROR: {image.error or 'the cloud gives no reason'}",
            self._daemon.asked("one.image.info"),
        )


class _Waiting:
    """Pauses that become longer.

    :param limit: seconds for all of them
    """

    def __init__(self, limit: float) -> None:
        self.deadline = Deadline(limit)
        self._pause = _PAUSE

    def pause(self) -> bool:
        """Wait until the next look; False when there is no time for one."""
        pause, self._pause = self._pause, min(self._pause * 1.3, _LONGEST_PAUSE)
        return self.deadline.pause(pause)


def marked(images: Collection[Image], mark: str) -> int | None:
    """The ID of the image with a mark; one that was copied from it has it as well, and a higher ID."""
    return min((image.id for image in images if image.mark == mark), default=None)
