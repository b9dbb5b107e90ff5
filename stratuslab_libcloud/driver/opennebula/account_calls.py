"""What the driver tells about a cloud and its user: networks, security groups, datastores, quotas, tokens, version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from libcloud.compute.base import NodeLocation

from stratuslab_libcloud.config import SessionPassword, values
from stratuslab_libcloud.driver.arguments import parsed
from stratuslab_libcloud.driver.locations import Location
from stratuslab_libcloud.driver.opennebula.image_calls import ImageCalls

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.users import Quota
    from stratuslab_libcloud.driver.opennebula.networks import (
        OpenNebulaDatastore,
        OpenNebulaNetwork,
        OpenNebulaSecurityGroup,
    )

_FOR_EVER = -1


class AccountCalls(ImageCalls):
    """The calls of the driver that tell about a cloud and its user."""

    def ex_list_networks(self, location: Location = None) -> list[OpenNebulaNetwork]:
        """The networks that the user may use.

        :param location: the default location if not given
        """
        from stratuslab_libcloud.driver.opennebula.networks import OpenNebulaNetwork

        cloud, where = self._cloud_at(location)
        return [OpenNebulaNetwork(network, where, self) for network in cloud.networks.networks()]

    def ex_list_security_groups(self, location: Location = None) -> list[OpenNebulaSecurityGroup]:
        """The security groups that the user may use.

        :param location: the default location if not given
        """
        from stratuslab_libcloud.driver.opennebula.networks import OpenNebulaSecurityGroup

        cloud, where = self._cloud_at(location)
        return [OpenNebulaSecurityGroup(group, where, self) for group in cloud.networks.security_groups()]

    def ex_list_datastores(self, location: Location = None) -> list[OpenNebulaDatastore]:
        """The datastores that the user may use; volumes and images are in those whose ``extra['type']`` is ``IMAGE``.

        :param location: the default location if not given
        """
        from stratuslab_libcloud.driver.opennebula.networks import OpenNebulaDatastore

        cloud, where = self._cloud_at(location)
        return [OpenNebulaDatastore(datastore, where, self) for datastore in cloud.datastores.datastores()]

    def ex_get_quotas(self, location: Location = None) -> list[dict[str, Any]]:
        """How much of everything the user has, and may have.

        :param location: the default location if not given
        :return: mappings: ``kind`` (``VM``, ``DATASTORE``, ``NETWORK`` or ``IMAGE``), ``id`` of the datastore, network
            or image, ``resource`` such as ``CPU`` or ``SIZE``, ``used``, and ``limit``, None for no limit
        """
        return [_quota(quota) for quota in self._cloud_at(location)[0].users.myself().quotas]

    def ex_limits(self, location: Location = None) -> dict[str, Any]:
        """The quotas of machines alone: ``{"max_vms": 20, "used_vms": 7, ...}``; None for no limit.

        :param location: the default location if not given
        """
        found: dict[str, Any] = {}
        for quota in self.ex_get_quotas(location):
            if quota["kind"] == "VM":
                name = quota["resource"].lower()
                found |= {f"max_{name}": quota["limit"], f"used_{name}": quota["used"]}
        return found

    def ex_get_version(self, location: Location = None) -> str:
        """The version of a cloud's OpenNebula, such as ``6.10.0``.

        :param location: the default location if not given
        """
        return self._cloud_at(location)[0].users.version()

    def ex_login(self, seconds: int | str, location: Location = None) -> str:
        """Make a token, which can be given to a driver as the password. It is a secret, as a password is.

        :param seconds: how long it is valid; -1 for ever, 0 to end all of the user's tokens
        :param location: the default location if not given
        """
        duration = parsed("seconds", seconds, values.whole_number(_FOR_EVER, 2**31 - 1)) or 0
        cloud = self._cloud_at(location)[0]
        credentials = cloud.config.compute.credentials
        user = credentials.username if isinstance(credentials, SessionPassword) else ""
        return cloud.users.login(user, duration)

    def ex_list_clusters(self, location: Location = None) -> list[NodeLocation]:
        """Not offered: an ordinary user of OpenNebula sees no clusters. `ex_placement` can name one all the same.

        :raises NotImplementedError: always
        """
        raise NotImplementedError(
            "OpenNebula shows clusters to administrators only; create_node(ex_placement='CLUSTER_ID = 100') chooses one"
        )


def _quota(quota: Quota) -> dict[str, Any]:
    return {**quota._asdict(), "id": None if quota.id is None else str(quota.id)}
