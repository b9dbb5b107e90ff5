"""Images and datastores in OpenNebula's XML."""

from __future__ import annotations

from collections.abc import Iterable

from stratuslab_libcloud.sandbox.compute.template_xml import cdata, template_xml
from stratuslab_libcloud.sandbox.opennebula.machine_xml import snapshots_xml
from stratuslab_libcloud.sandbox.opennebula.object_xml import identity_xml, ids_xml, lock_xml, permissions_xml
from stratuslab_libcloud.sandbox.state.opennebula.datastores import Datastore, DatastoreType
from stratuslab_libcloud.sandbox.state.opennebula.image import Image
from stratuslab_libcloud.sandbox.state.template import Template


class ImageXml:
    """Writes images as 6.10 does."""

    def full(self, image: Image) -> str:
        """Everything about an image; there is nothing else, also in lists."""
        return (
            f"<IMAGE>{identity_xml(image)}{lock_xml(image.lock)}{permissions_xml(image)}<TYPE>{image.type:d}</TYPE>"
            f"<DISK_TYPE>0</DISK_TYPE><PERSISTENT>{image.persistent:d}</PERSISTENT><REGTIME>{int(image.time)}</REGTIME>"
            f"{self._modified(image)}<SOURCE><![CDATA[dummy_path]]></SOURCE><PATH>{cdata(image.path)}</PATH>"
            f"<FORMAT>{cdata(image.format)}</FORMAT><FS><![CDATA[]]></FS><SIZE>{image.size}</SIZE>"
            f"<STATE>{image.state:d}</STATE><PREV_STATE>{image.state:d}</PREV_STATE>"
            f"<RUNNING_VMS>{len(image.machines)}</RUNNING_VMS><CLONING_OPS>{image.clones}</CLONING_OPS>"
            f"<CLONING_ID>{image.cloning_id}</CLONING_ID><TARGET_SNAPSHOT>-1</TARGET_SNAPSHOT>"
            f"<DATASTORE_ID>{image.datastore.id}</DATASTORE_ID><DATASTORE>{image.datastore.name}</DATASTORE>"
            f"{ids_xml('VMS', image.machines)}<CLONES></CLONES><APP_CLONES></APP_CLONES>"
            f"{template_xml(image.template)}{snapshots_xml(image.snapshots)}"
            "<BACKUP_INCREMENTS></BACKUP_INCREMENTS><BACKUP_DISK_IDS></BACKUP_DISK_IDS></IMAGE>"
        )

    def _modified(self, image: Image) -> str:
        return ""


class ImageXml74(ImageXml):
    """Writes images as 7.4 does."""

    def _modified(self, image: Image) -> str:
        return f"<MODTIME>{int(image.modified)}</MODTIME>"


def datastore_xml(datastore: Datastore, images: Iterable[Image], free: int) -> str:
    """A datastore.

    :param images: that are in it
    :param free: MB
    """
    attributes = {"RESTRICTED_DIRS": "/", "SAFE_DIRS": "/var/tmp", "TM_MAD": datastore.tm_mad}
    attributes["TYPE"] = f"{datastore.type.name}_DS"
    attributes["ALLOW_ORPHANS"] = "YES" if datastore.type == DatastoreType.FILE else "NO"
    if datastore.type == DatastoreType.SYSTEM:
        attributes |= {"DISK_TYPE": "FILE", "DS_MIGRATE": "YES", "SHARED": "YES"}
    else:
        links = "SYSTEM" if datastore.type == DatastoreType.FILE else "NONE"
        attributes |= {"CLONE_TARGET": "SYSTEM", "DS_MAD": datastore.ds_mad, "LN_TARGET": links}
    if datastore.type == DatastoreType.IMAGE:
        attributes["DISK_TYPE"] = "FILE"
    return (
        f"<DATASTORE>{identity_xml(datastore)}{permissions_xml(datastore)}<DS_MAD>{cdata(datastore.ds_mad)}</DS_MAD>"
        f"<TM_MAD>{cdata(datastore.tm_mad)}</TM_MAD>"
        f"<BASE_PATH>{cdata(f'/var/lib/one//datastores/{datastore.id}')}</BASE_PATH><TYPE>{datastore.type:d}</TYPE>"
        f"<DISK_TYPE>0</DISK_TYPE><STATE>{not datastore.enabled:d}</STATE><CLUSTERS><ID>0</ID></CLUSTERS>"
        f"<TOTAL_MB>{datastore.total}</TOTAL_MB><FREE_MB>{free}</FREE_MB><USED_MB>{datastore.total - free}</USED_MB>"
        f"{ids_xml('IMAGES', (image.id for image in images))}{template_xml(Template(attributes.items()))}</DATASTORE>"
    )
