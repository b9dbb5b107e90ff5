"""Images and volumes: what can be done with them, in which state."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from stratuslab_libcloud.sandbox.state.clock import Clock
from stratuslab_libcloud.sandbox.state.opennebula.datastores import Datastore, DatastoreType
from stratuslab_libcloud.sandbox.state.opennebula.disk_snapshots import DiskSnapshots
from stratuslab_libcloud.sandbox.state.opennebula.drivers import Drivers
from stratuslab_libcloud.sandbox.state.opennebula.errors import (
    ActionError,
    AllocateError,
    AuthorizationError,
    InternalError,
    InvalidTemplateError,
)
from stratuslab_libcloud.sandbox.state.opennebula.image import Image, ImageState, ImageType
from stratuslab_libcloud.sandbox.state.opennebula.names import refused_name
from stratuslab_libcloud.sandbox.state.opennebula.objects import Pool, Right
from stratuslab_libcloud.sandbox.state.opennebula.quotas import Amounts
from stratuslab_libcloud.sandbox.state.opennebula.release import Release610
from stratuslab_libcloud.sandbox.state.opennebula.users import User
from stratuslab_libcloud.sandbox.state.pace import Pace
from stratuslab_libcloud.sandbox.state.steps import Steps
from stratuslab_libcloud.sandbox.state.template import Template

_OWN_ATTRIBUTES = ("NAME", "TYPE", "PERSISTENT", "SIZE", "PATH", "FORMAT", "FS", "SOURCE", "DISK_TYPE")
_SIZE_OF_FILES = 1024
_FILES = (ImageType.KERNEL, ImageType.RAMDISK, ImageType.CONTEXT)


class Images:
    """All images of a cloud."""

    def __init__(
        self,
        *,
        pool: Pool[Image],
        datastores: Pool[Datastore],
        clock: Clock,
        steps: Steps,
        pace: Pace,
        drivers: Drivers,
        release: Release610,
    ) -> None:
        self.pool = pool
        self._datastores = datastores
        self._clock = clock
        self._steps = steps
        self._seconds = pace.prolog
        self._drivers = drivers
        self._release = release
        self.on_written: Callable[[Image], object] = lambda image: None
        """Is called when an image that was being written is complete, or will not be."""

    # Creation

    def allocate(self, user: User, template: Template, datastore_id: int, *, checks_capacity: bool = True) -> Image:
        """Create an image: a file or URL (PATH), or an empty one (SIZE).

        :raises RefusedError: if it cannot be
        """
        if not user.is_admin and template.text("SOURCE") is not None:
            raise AuthorizationError(user.id, "Template includes a restricted attribute SOURCE.")
        datastore = self._datastores.find(user, datastore_id)
        size = self._size(user, template, datastore)
        if checks_capacity and size > self.free(datastore):
            raise ActionError("Not enough space in datastore")
        kind = self._type(template)
        self._check_datastore(datastore, kind)
        own = Template((name, value) for name, value in template if name not in _OWN_ATTRIBUTES)
        if own.text("DEV_PREFIX") is None:
            own.replace("DEV_PREFIX", "hd" if kind == ImageType.CDROM else "sd")
        path = template.text("PATH") or ""
        image = self.add(
            user,
            template.text("NAME") or "",
            kind,
            datastore,
            size,
            persistent=(template.text("PERSISTENT") or "").upper() in ("YES", "1", "TRUE"),
            format=template.text("FORMAT") or ("dummy_format" if path else "raw"),
            path=path,
            template=own,
        )
        if path:
            image.snapshots = DiskSnapshots()
        self._finish_later(image, "mkfs", "Error copying image in the datastore")
        return image

    def clone(self, user: User, image_id: int, name: str, datastore_id: int = -1) -> Image:
        """Copy an image, with its attributes.

        :param datastore_id: -1 for the same
        :raises RefusedError: if it cannot be
        """
        source = self.pool.find(user, image_id)
        datastore = source.datastore if datastore_id < 0 else self._datastores.find(user, datastore_id)
        if source.snapshots is not None and source.snapshots.all:
            raise ActionError("Cannot clone images with snapshots")
        if source.state not in (ImageState.READY, ImageState.USED, ImageState.CLONE):
            raise AllocateError("image", f"Cannot clone image in current state: {source.state.name}")
        copy = self.add(
            user,
            name,
            source.type,
            datastore,
            source.size,
            persistent=user.wants_persistent_images(),
            format=source.format,
            path="",
            template=source.template.copy(),
        )
        copy.cloning_id, copy.snapshots = source.id, DiskSnapshots()
        source.clones += 1
        source.state = ImageState.CLONE
        self._finish_later(copy, "clone", "Error cloning image", source)
        return copy

    def add(
        self,
        owner: User,
        name: str,
        kind: ImageType,
        datastore: Datastore,
        size: int,
        *,
        persistent: bool = False,
        format: str = "raw",
        path: str = "",
        template: Template | None = None,
    ) -> Image:
        """Add an image that is not ready yet.

        :param size: MB
        :raises AllocateError: if it cannot have this name
        :raises QuotaExceededError: if the user may not have that much
        """
        refusal = refused_name(name) or self._taken(owner, name)
        if refusal:
            raise AllocateError("image", refusal)
        wanted = Amounts().add("DATASTORE", str(datastore.id), {"IMAGES": 1, "SIZE": size})
        self.check_quotas(owner, wanted)
        now = self._clock.now()
        image = Image(
            id=self.pool.take_id(),
            owner=owner,
            name=name,
            time=now,
            modified=now,
            type=kind,
            datastore=datastore,
            size=size,
            persistent=persistent,
            format=format,
            path=path,
            template=template or Template(),
        )
        return self.pool.add(image)

    def check_quotas(self, user: User, more: Amounts) -> None:
        """Make sure that a user may have more images.

        :raises QuotaExceededError: if not
        """
        for whose, limits, number in (("user", user.limits, user.id), ("group", user.group.limits, user.group.id)):
            if limits:
                mine = (i for i in self.pool if (i.owner.id if whose == "user" else i.group.id) == number)
                limits.check(f"{whose} [{number}]", Amounts().add_all(i.amounts() for i in mine), more)

    def free(self, datastore: Datastore) -> int:
        """How much room a datastore has, in MB."""
        return datastore.total - sum(image.size for image in self.in_datastore(datastore))

    def in_datastore(self, datastore: Datastore) -> Iterable[Image]:
        """The images in a datastore."""
        return [image for image in self.pool if image.datastore is datastore]

    def ready(self, image: Image) -> None:
        """An image that was being written is complete."""
        image.cloning_id = -1
        image.modified = self._steps.now
        image.state = ImageState.READY
        self._steps.cancel(image)
        self.on_written(image)

    def failed(self, image: Image, message: str) -> None:
        """An image that was being written will not be."""
        image.state = ImageState.ERROR
        image.template.replace("ERROR", message)
        self.on_written(image)

    # Changes

    def delete(self, user: User, image_id: int, *, force: bool = False) -> None:
        """Begin to delete an image.

        :param force: also one that is locked
        :raises RefusedError: if it cannot be now
        """
        image = self.pool.find(user, image_id, Right.MANAGE)
        if image.machines:
            raise ActionError(f"Cannot delete image. There are {len(image.machines)} VMs using it.")
        if image.clones:
            raise ActionError(f"Cannot delete image. There are {image.clones} active clone operations.")
        if image.state == ImageState.LOCKED and not force:
            raise InternalError(
                "Image locked, use --force flag to remove the image. Force delete may leave some files on Datastore"
            )
        image.state = ImageState.DELETE
        self._steps.schedule(image, self._seconds, lambda: self._finish_delete(image))

    def set_persistent(self, user: User, image_id: int, wanted: bool) -> None:
        """Let an image keep what machines write to it, or not.

        :raises RefusedError: if it cannot be now
        """
        image = self.pool.find(user, image_id, Right.MANAGE)
        if image.state in (ImageState.USED, ImageState.USED_PERS, ImageState.CLONE, ImageState.LOCKED):
            state = "USED" if image.machines else image.state.name
            how = "persistent" if wanted else "non-persistent"
            raise InternalError(f"Could not make image {how}: Image cannot be in state {state}.")
        if not wanted and image.snapshots is not None and image.snapshots.all:
            raise InternalError("Could not make image non-persistent: Image has snapshots.")
        image.persistent = wanted

    def enable(self, user: User, image_id: int, wanted: bool) -> None:
        """Let an image be used, or not.

        :raises RefusedError: if it cannot be now
        """
        image = self.pool.find(user, image_id, Right.MANAGE)
        if wanted and image.state in (ImageState.DISABLED, ImageState.ERROR):
            image.state = ImageState.READY
        elif not wanted and image.state in (ImageState.READY, ImageState.ERROR):
            image.state = ImageState.DISABLED
        elif image.state not in (ImageState.READY, ImageState.DISABLED):
            how = "enable" if wanted else "disable"
            raise InternalError(f"Could not {how} image: Image cannot be in state {image.state.name}.")

    def rename(self, user: User, image_id: int, name: str) -> None:
        """Give an image another name.

        :raises RefusedError: if it cannot have this one
        """
        image = self.pool.find(user, image_id, Right.MANAGE)
        refusal = refused_name(name)
        if refusal:
            raise ActionError(refusal)
        other = self._named(image.owner, name)
        if other is not None and other is not image:
            raise ActionError(f"image cannot be renamed to {name} because it collides with image {other.id}")
        image.name = name

    def change_type(self, user: User, image_id: int, kind: str) -> None:
        """Let an image be of another type.

        :raises RefusedError: if there is no such type
        """
        image = self.pool.find(user, image_id, Right.MANAGE)
        if kind.upper() not in ImageType.__members__:
            raise InternalError(f"Unknown type {kind}")
        image.type = ImageType[kind.upper()]

    def change_snapshot(self, user: User, image_id: int, number: int, *, delete: bool) -> None:
        """Delete a snapshot of an image that no machine has, or go back to it.

        :raises RefusedError: if it cannot be now
        """
        image = self.pool.find(user, image_id, Right.MANAGE)
        snapshots = image.snapshots or DiskSnapshots()
        snapshots.find(number)
        if image.state != ImageState.READY:
            what = "delete" if delete else "revert to"
            raise ActionError(f"Cannot {what} snapshot in state {image.state.name}")
        if delete:
            snapshots.check_delete(number)
        image.state = ImageState.LOCKED

        def finish() -> None:
            (snapshots.delete if delete else snapshots.revert)(number)
            image.state = ImageState.READY

        self._steps.schedule(image, self._seconds, finish)

    # Machines that use images

    def acquire(self, image: Image, machine_id: int, *, waits: bool) -> None:
        """Let a machine use an image.

        :param waits: the machine can wait for a locked image
        :raises InvalidTemplateError: if it cannot be used now
        """
        if image.persistent and image.machines:
            raise InvalidTemplateError(f"Cannot acquire image {image.id}, it is persistent and already in use")
        if image.state == ImageState.LOCKED:
            if not waits:
                raise InvalidTemplateError(f"Cannot acquire image {image.id}, it is locked")
            image.machines[machine_id] = None
            return
        if image.state not in (ImageState.READY, ImageState.USED):
            raise InvalidTemplateError(f"Cannot acquire image {image.id}, it is in state: {image.state.name}")
        image.machines[machine_id] = None
        self.use(image)

    def release(self, image: Image, machine_id: int) -> None:
        """A machine does not use an image any more."""
        image.machines.pop(machine_id, None)
        if not image.machines and image.state in (ImageState.USED, ImageState.USED_PERS):
            image.state = ImageState.READY

    def use(self, image: Image) -> None:
        """Machines have an image, which is ready."""
        image.state = ImageState.USED_PERS if image.persistent else ImageState.USED
        if image.snapshots is None:
            image.snapshots = DiskSnapshots()

    # Internal

    def _finish_later(self, image: Image, operation: str, message: str, source: Image | None = None) -> None:
        def finish() -> None:
            if source is not None:
                self._end_clone(source)
            if self._drivers.succeeds(operation):
                self.ready(image)
            else:
                self.failed(image, message)

        self._steps.schedule(image, self._seconds, finish)

    def _end_clone(self, source: Image) -> None:
        source.clones -= 1
        if source.clones == 0 and source.state == ImageState.CLONE:
            source.state = ImageState.USED if source.machines else ImageState.READY

    def _finish_delete(self, image: Image) -> None:
        if self._drivers.succeeds("remove"):
            self.pool.remove(image)
        else:
            self.failed(image, "Error removing image from datastore")

    def _taken(self, owner: User, name: str) -> str | None:
        other = self._named(owner, name)
        return None if other is None else f"NAME is already taken by IMAGE {other.id}."

    def _named(self, owner: User, name: str) -> Image | None:
        def key(text: str) -> str:
            return text.rstrip(" ").lower() if self._release.ignores_case else text.rstrip(" ")

        return next((i for i in self.pool if i.owner is owner and key(i.name) == key(name)), None)

    @staticmethod
    def _size(user: User, template: Template, datastore: Datastore) -> int:
        path = template.text("PATH")
        if path and datastore.ds_mad == "dummy":
            return _SIZE_OF_FILES
        if path:
            # The other drivers look, and a sandbox neither has files nor reaches out.
            reason = "Failed to get image head" if "://" in path else "File not found"
            raise InternalError(f"Cannot parse image SIZE: {reason}")
        text = template.text("SIZE") or ""
        if text.startswith("-") and text[1:].isdecimal():
            raise AuthorizationError(user.id, f"user [{user.id}] Image size must be a positive integer value.")
        if not text.isdecimal():
            raise InternalError("Cannot parse image SIZE: Wrong number or missing SIZE attribute.")
        return int(text)

    @staticmethod
    def _type(template: Template) -> ImageType:
        kind = (template.text("TYPE") or "OS").upper()
        if kind not in ImageType.__members__:
            raise AllocateError("image", "Unknown type ")
        return ImageType[kind]

    @staticmethod
    def _check_datastore(datastore: Datastore, kind: ImageType) -> None:
        names = "KERNEL, RAMDISK and CONTEXT"
        if datastore.type == DatastoreType.SYSTEM:
            raise AllocateError("image", "New images can only be allocated in a files or image datastore.")
        if datastore.type == DatastoreType.FILE and kind not in _FILES:
            raise AllocateError("image", f"Only IMAGES of type {names} can be registered in a FILE_DS datastore")
        if datastore.type == DatastoreType.IMAGE and kind in _FILES:
            raise AllocateError("image", f"IMAGES of type {names} cannot be registered in an IMAGE_DS datastore")
