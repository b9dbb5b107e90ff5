"""What `deploy_node` has to know of an OpenNebula: the machine's keys, and the file that may open it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stratuslab_libcloud.deployment import DeployTarget
from stratuslab_libcloud.driver.opennebula import context
from stratuslab_libcloud.errors import InvalidArgumentError

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.cloud import OpenNebulaCloud


def find(cloud: OpenNebulaCloud, auth: Any, private_key_file: Path | None = None) -> DeployTarget:
    """Where a machine is started that is to be deployed.

    :param auth: a `NodeAuthSSHKey`, or None for the configured key file or the key that the cloud has of the user
    :param private_key_file: that opens the machine; the configured one by default
    :raises InvalidArgumentError: when there is no key anywhere
    :raises StratusLabError: as `create_node`
    """
    keys, origin = context.public_keys(cloud.config, auth), "auth" if auth else "user_public_key_file"
    if keys is None:
        keys, origin = cloud.users.myself().ssh_public_key, "SSH_PUBLIC_KEY of the user in the cloud"
    if not keys.strip():
        raise InvalidArgumentError(
            f"location '{cloud.config.section}' has no SSH key of the user: give auth=NodeAuthSSHKey(...), set "
            "user_public_key_file, or store one in the cloud"
        )
    return DeployTarget(
        location=cloud.config.section,
        public_keys=keys,
        public_keys_origin=origin,
        private_key_file=private_key_file or cloud.config.private_key_file,
        private_will_do=True,
    )
