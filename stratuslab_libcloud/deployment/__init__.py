"""``deploy_node``: start a machine and do something on it over SSH, without losing the machine on the way.

Needs `paramiko`, which is imported when it is needed: without it all else of this package works.

Any host key is accepted and none is kept, as Libcloud does: nobody knows the host key of a machine that was just
started. The log ``stratuslab_libcloud.deployment`` says, at level INFO, what is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stratuslab_libcloud.deployment.options import DEPLOY_OPTIONS, DeployExtensions, DeployOptions, split_options
from stratuslab_libcloud.deployment.target import DeployTarget, Gateway
from stratuslab_libcloud.errors import MissingDependencyError

if TYPE_CHECKING:
    from libcloud.compute.base import Node
    from libcloud.compute.deployment import Deployment

    from stratuslab_libcloud.deployment.limits import Deadline
    from stratuslab_libcloud.deployment.reports import Tell
    from stratuslab_libcloud.deployment.started_node import Driver

__all__ = [
    "DEPLOY_OPTIONS",
    "DeployExtensions",
    "DeployOptions",
    "DeployTarget",
    "Gateway",
    "deploy_node",
    "deploy_on_node",
    "split_options",
]

INSTALL = "pip install 'stratuslab-libcloud-drivers[deploy]>=26'"


def deploy_node(
    driver: Driver,
    target: DeployTarget,
    deployment: Deployment,
    options: DeployOptions,
    create_keywords: Mapping[str, Any],
    deadline: Deadline | None = None,
    tell: Tell | None = None,
) -> Node:
    """Start a machine and run a deployment on it.

    :param driver: starts it, waits for it, and ends it if that is wanted
    :param target: the location, the machine's keys, and how the machine is reached
    :param deployment: one of Libcloud's deployments, or anything with ``run(node, client)``
    :param options: the keywords of ``deploy_node``
    :param create_keywords: the keywords for ``driver.create_node``
    :param deadline: by which it must be done; by default, in the time that the options give
    :param tell: is told of each step, by the caller's thread
    :return: the node as it was when it ran; its ``extra`` has ``ssh_host``, ``ssh_port`` and ``ssh_username``
    :raises MissingDependencyError: paramiko is not installed
    :raises InvalidArgumentError: this is no deployment, or a file that it is to install cannot be read
    :raises KeyFileError: no private key opens the machine, which was not started
    :raises ScriptFailedError: a script ended with another exit status than 0
    :raises DeploymentFailedError: the machine was started, but not deployed; the error has it
    """
    try:
        from stratuslab_libcloud.deployment.node import Plan
    except ModuleNotFoundError as error:
        if error.name != "paramiko":
            raise
        raise MissingDependencyError(f"deploy_node needs paramiko, which is not installed: {INSTALL}") from error
    return Plan(driver, target, options).carry_out(deployment, create_keywords, deadline, tell)


def deploy_on_node(
    driver: Driver,
    target: DeployTarget,
    node: Node,
    deployment: Deployment,
    options: DeployOptions,
    tell: Tell | None = None,
) -> Node:
    """Run a deployment on a machine that is there already, as `deploy_node` does on a new one.

    :param node: the machine; it gets nothing of `target`, which only says how it is reached and with which key
    :raises MissingDependencyError: paramiko is not installed
    :raises KeyFileError: no private key opens machines with the target's public keys
    :raises DeploymentFailedError: it was not deployed
    """
    from stratuslab_libcloud.deployment.existing_node import ForExistingNode

    return deploy_node(ForExistingNode(driver, node), target, deployment, options, {}, tell=tell)
