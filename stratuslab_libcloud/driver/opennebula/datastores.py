"""Which datastore an image goes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stratuslab_libcloud.client.opennebula.datastores import IMAGE_DATASTORE
from stratuslab_libcloud.driver.opennebula.networks import OpenNebulaDatastore
from stratuslab_libcloud.errors import InvalidArgumentError

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.cloud import OpenNebulaCloud
    from stratuslab_libcloud.client.opennebula.datastores import Datastore


def split(location: Any, datastore: Any) -> tuple[Any, Any]:
    """The location, and the datastore at it, of which Libcloud's call has room for one.

    :raises InvalidArgumentError: when two datastores are given
    """
    if not isinstance(location, OpenNebulaDatastore):
        return location or getattr(datastore, "location", None), datastore
    if datastore is not None:
        raise InvalidArgumentError("the location is a datastore, and ex_datastore is another one: give one of them")
    return location.location, location


def find(cloud: OpenNebulaCloud, wanted: Any, mebibytes: int) -> int:
    """The ID of the datastore that is wanted, or of the first that can be used.

    :param wanted: an object, an id, a name, or None
    :param mebibytes: that will be stored
    :raises InvalidArgumentError: when there is none
    """
    if isinstance(wanted, OpenNebulaDatastore):
        return int(wanted.id)
    if isinstance(wanted, int) or (isinstance(wanted, str) and wanted.isdigit()):
        return int(wanted)
    usable = [store for store in cloud.datastores.datastores() if store.kind == IMAGE_DATASTORE and store.is_enabled]
    if wanted is not None:
        usable = [store for store in usable if store.name == wanted]
    if not usable:
        what = "no image datastore that the user may use" if wanted is None else f"no image datastore {wanted!r}"
        raise InvalidArgumentError(f"location '{cloud.config.section}' has {what}: ex_list_datastores() shows them")
    return max(usable, key=lambda store: (_room(store, mebibytes), -store.id)).id


def _room(datastore: Datastore, mebibytes: int) -> int:
    """Whether there is room: certainly, perhaps (a new one has never been measured), or not."""
    if datastore.free >= mebibytes:
        return 2
    return 0 if datastore.total else 1
