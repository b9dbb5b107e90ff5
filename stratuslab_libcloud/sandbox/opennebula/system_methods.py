"""``one.system.*``, and the pools that an ordinary user sees nothing or little of."""

from __future__ import annotations

from typing import ClassVar

from stratuslab_libcloud.sandbox.compute.template_xml import cdata
from stratuslab_libcloud.sandbox.compute.xmlrpc import Parameters
from stratuslab_libcloud.sandbox.opennebula.methods import MethodGroup, Table
from stratuslab_libcloud.sandbox.state.opennebula.cloud import OpenNebula
from stratuslab_libcloud.sandbox.state.opennebula.errors import AuthorizationError
from stratuslab_libcloud.sandbox.state.opennebula.users import User

_ENDPOINT = "http://localhost:2633/RPC2"
_CONFIG = (
    "<OPENNEBULA_CONFIGURATION><API_LIST_ORDER><![CDATA[DESC]]></API_LIST_ORDER>"
    "<DEFAULT_DEVICE_PREFIX><![CDATA[sd]]></DEFAULT_DEVICE_PREFIX>"
    "<DEFAULT_CDROM_DEVICE_PREFIX><![CDATA[hd]]></DEFAULT_CDROM_DEVICE_PREFIX>"
    "<DEFAULT_IMAGE_TYPE><![CDATA[OS]]></DEFAULT_IMAGE_TYPE><NETWORK_SIZE><![CDATA[254]]></NETWORK_SIZE>"
    "<MAC_PREFIX><![CDATA[02:00]]></MAC_PREFIX></OPENNEBULA_CONFIGURATION>"
)


_ZONES = (
    "<ZONE_POOL><ZONE><ID>0</ID><NAME>OpenNebula</NAME><STATE>0</STATE>"
    f"<TEMPLATE><ENDPOINT>{cdata(_ENDPOINT)}</ENDPOINT></TEMPLATE><SERVER_POOL></SERVER_POOL></ZONE></ZONE_POOL>"
)


class SystemMethods(MethodGroup):
    """The methods, over a cloud's state. Hosts and clusters are not shown, not even to administrators."""

    def __init__(self, cloud: OpenNebula) -> None:
        self._release = cloud.release

    def _acl_info(self, user: User, parameters: Parameters) -> str:
        if not user.is_admin:
            raise AuthorizationError(user.id, "Not authorized to perform MANAGE ACL.")
        return "<ACL_POOL></ACL_POOL>"

    table: ClassVar[Table] = {
        "one.system.version": lambda self, user, parameters: self._release.number,
        "one.system.config": lambda self, user, parameters: _CONFIG,
        "one.zonepool.info": lambda self, user, parameters: _ZONES,
        "one.hostpool.info": lambda self, user, parameters: "<HOST_POOL></HOST_POOL>",
        "one.clusterpool.info": lambda self, user, parameters: "<CLUSTER_POOL></CLUSTER_POOL>",
        "one.acl.info": _acl_info,
    }
