"""JupyterHub: each user's server is a machine of a StratusLab cloud (``pip install libcloudspawner``).

libcloudspawner asks for OpenStack's driver by name, so its node manager is told another one. Everything else is its own
configuration.
"""

from __future__ import annotations

from libcloud.compute.providers import get_driver
from libcloudspawner import spawner
from libcloudspawner.manager.nodemanager import NodeManager

import stratuslab_libcloud  # noqa: F401 - registers the driver


class StratusLabNodeManager(NodeManager):
    """Starts the users' machines on StratusLab."""

    def _get_provider(self) -> type:
        return get_driver("stratuslab")


spawner.NodeManager = StratusLabNodeManager

c = get_config()  # noqa: F821 - JupyterHub's
c.JupyterHub.spawner_class = spawner.LibcloudSpawner
c.LibcloudSpawner.libcloud_driver_params = {
    "arg_user_id": "jane",
    "arg_key": "s3cret",
    "host": "cloud.example.org",
    "ex_public_key_file": "/etc/jupyterhub/cloud-key.pub",
}
c.LibcloudSpawner.userserver_images = [("Ubuntu", "Ubuntu 14.04 server")]
c.LibcloudSpawner.userserver_sizes = [("Small", "m1.small"), ("Large", "m1.large")]
c.LibcloudSpawner.userserver_net = "public"
