"""``deploy_node``: start a machine and do something on it over SSH, without losing the machine on the way.

Needs `paramiko`, which is imported when it is needed: without it all else of this package works.

Any host key is accepted and none is kept, as Libcloud does: nobody knows that of a machine which was just started.
What is done is told in the log ``stratuslab_libcloud.deployment``, at level INFO.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from libcloud.compute.base import Node
from libcloud.compute.deployment import Deployment

from stratuslab_libcloud.config import CloudConfig
from stratuslab_libcloud.deployment.options import DeployOptions
from stratuslab_libcloud.errors import MissingDependencyError

if TYPE_CHECKING:
    from stratuslab_libcloud.deployment.node import Driver

__all__ = ["DeployOptions", "deploy_node"]

INSTALL = "pip install 'stratuslab-libcloud-drivers[deploy]'"


def deploy_node(
    driver: Driver,
    config: CloudConfig,
    deployment: Deployment,
    options: DeployOptions,
    *,
    public_keys: str,
    public_keys_origin: str,
    wishes: Mapping[str, Any],
    proxy_url: str | None = None,
) -> Node:
    """Start a machine and run a deployment on it.

    :param driver: starts it, waits for it, and ends it if that is wished
    :param config: the location where it is to be
    :param deployment: one of Libcloud's deployments, or anything with ``run(node, client)``
    :param options: the keywords of ``deploy_node``
    :param public_keys: what the machine gets, lines as in ``authorized_keys``
    :param public_keys_origin: where they are from, for messages
    :param wishes: the keywords for ``driver.create_node``
    :param proxy_url: an HTTP proxy to use instead of the environment's
    :return: the node as it was when it ran; its ``extra`` has ``ssh_host``, ``ssh_port`` and ``ssh_username``
    :raises MissingDependencyError: paramiko is not installed
    :raises InvalidArgumentError: this is no deployment, or a file that it is to install can not be read
    :raises KeyFileError: no private key opens the machine, which was not started
    :raises ScriptFailedError: a script ended with another exit status than 0
    :raises DeploymentFailedError: the machine was started, but not deployed; the error has it
    """
    try:
        from stratuslab_libcloud.deployment.keys import MachineKeys
        from stratuslab_libcloud.deployment.node import Plan
    except ModuleNotFoundError as error:
        if error.name != "paramiko":
            raise
        raise MissingDependencyError(f"deploy_node needs paramiko, which is not installed: {INSTALL}") from error
    plan = Plan(driver, config, options, MachineKeys(public_keys, public_keys_origin), proxy_url)
    return plan.carry_out(deployment, wishes)
