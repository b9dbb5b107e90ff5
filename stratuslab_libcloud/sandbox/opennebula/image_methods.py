"""``one.image.*``, ``one.imagepool.*`` and ``one.datastore*``."""

from __future__ import annotations

from typing import ClassVar

from stratuslab_libcloud.sandbox.compute.xmlrpc import Parameters
from stratuslab_libcloud.sandbox.opennebula.documents import Documents
from stratuslab_libcloud.sandbox.opennebula.image_xml import datastore_xml
from stratuslab_libcloud.sandbox.opennebula.methods import (
    MethodGroup,
    Table,
    check_may_create,
    chmod,
    listed,
    read_template,
    update,
)
from stratuslab_libcloud.sandbox.opennebula.object_xml import pool_xml
from stratuslab_libcloud.sandbox.state.opennebula.cloud import OpenNebula
from stratuslab_libcloud.sandbox.state.opennebula.datastores import Datastore
from stratuslab_libcloud.sandbox.state.opennebula.errors import ActionError
from stratuslab_libcloud.sandbox.state.opennebula.objects import ALL, Right
from stratuslab_libcloud.sandbox.state.opennebula.users import User


class ImageMethods(MethodGroup):
    """The methods, over a cloud's state."""

    def __init__(self, cloud: OpenNebula, documents: Documents) -> None:
        self._cloud = cloud
        self._images = cloud.images
        self._documents = documents.images

    def _allocate(self, user: User, parameters: Parameters) -> int:
        text, datastore_id, skips = parameters.text(), parameters.number(), parameters.boolean(False)
        check_may_create(user, "IMAGE")
        template = read_template(self._cloud, text)
        return self._images.allocate(user, template, datastore_id, checks_capacity=not skips).id

    def _clone(self, user: User, parameters: Parameters) -> int:
        number, name, datastore_id = parameters.number(), parameters.text(), parameters.number(-1)
        return self._images.clone(user, number, name, datastore_id).id

    def _delete(self, user: User, parameters: Parameters) -> int:
        number, force = parameters.number(), parameters.boolean(False)
        self._images.delete(user, number, force=force)
        return number

    def _info(self, user: User, parameters: Parameters) -> str:
        return self._documents.full(self._images.pool.find(user, parameters.number()))

    def _persistent(self, user: User, parameters: Parameters) -> int:
        number, wanted = parameters.number(), parameters.boolean()
        self._images.set_persistent(user, number, wanted)
        return number

    def _enable(self, user: User, parameters: Parameters) -> int:
        number, wanted = parameters.number(), parameters.boolean()
        self._images.enable(user, number, wanted)
        return number

    def _rename(self, user: User, parameters: Parameters) -> int:
        number, name = parameters.number(), parameters.text()
        self._images.rename(user, number, name)
        return number

    def _chtype(self, user: User, parameters: Parameters) -> int:
        number, kind = parameters.number(), parameters.text()
        self._images.change_type(user, number, kind)
        return number

    def _update(self, user: User, parameters: Parameters) -> int:
        number, text, append = parameters.number(), parameters.text(), parameters.number()
        image = self._images.pool.find(user, number, Right.MANAGE)
        image.template = update(image.template, read_template(self._cloud, text), append)
        return number

    def _snapshotdelete(self, user: User, parameters: Parameters) -> int:
        return self._change_snapshot(user, parameters, delete=True)

    def _snapshotrevert(self, user: User, parameters: Parameters) -> int:
        return self._change_snapshot(user, parameters, delete=False)

    def _change_snapshot(self, user: User, parameters: Parameters, *, delete: bool) -> int:
        number, snapshot_id = parameters.number(), parameters.number()
        self._images.change_snapshot(user, number, snapshot_id, delete=delete)
        return self._cloud.release.result_of_change(number, snapshot_id)

    def _snapshotflatten(self, user: User, parameters: Parameters) -> int:
        number, _ = parameters.number(), parameters.number()
        image = self._images.pool.find(user, number, Right.MANAGE)
        raise ActionError(f"Cannot flatten snapshot in state {image.state.name}")

    def _pool_info(self, user: User, parameters: Parameters) -> str:
        return pool_xml("IMAGE_POOL", map(self._documents.full, listed(self._images.pool, user, parameters)))

    def _datastore_info(self, user: User, parameters: Parameters) -> str:
        return self._datastore(self._cloud.datastores.find(user, parameters.number()))

    def _datastore_pool_info(self, user: User, parameters: Parameters) -> str:
        return pool_xml("DATASTORE_POOL", map(self._datastore, self._cloud.datastores.listed(user, ALL)))

    def _datastore(self, datastore: Datastore) -> str:
        return datastore_xml(datastore, self._images.in_datastore(datastore), self._images.free(datastore))

    table: ClassVar[Table] = {
        "one.image.allocate": _allocate,
        "one.image.clone": _clone,
        "one.image.delete": _delete,
        "one.image.info": _info,
        "one.image.persistent": _persistent,
        "one.image.enable": _enable,
        "one.image.rename": _rename,
        "one.image.chtype": _chtype,
        "one.image.update": _update,
        "one.image.chmod": lambda self, user, parameters: chmod(self._images.pool, user, parameters).id,
        "one.image.snapshotdelete": _snapshotdelete,
        "one.image.snapshotrevert": _snapshotrevert,
        "one.image.snapshotflatten": _snapshotflatten,
        "one.imagepool.info": _pool_info,
        "one.datastore.info": _datastore_info,
        "one.datastorepool.info": _datastore_pool_info,
    }
