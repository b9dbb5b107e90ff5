"""Libcloud's `deploy_node` for every kind of cloud, and `ex_deploy_nodes` for several machines."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from libcloud.compute.base import Node, NodeAuthPassword, NodeAuthSSHKey, NodeImage, NodeLocation, NodeSize

from stratuslab_libcloud.driver.arguments import checked
from stratuslab_libcloud.driver.base import BaseNodeDriver, NodeT
from stratuslab_libcloud.driver.locations import CloudT, Location

# What only some calls need is imported by them: a program waits for each import when it starts.
if TYPE_CHECKING:
    from libcloud.compute.deployment import Deployment

    from stratuslab_libcloud.deployment import DeployOptions, DeployTarget
    from stratuslab_libcloud.deployment.limits import Deadline
    from stratuslab_libcloud.deployment.reports import Tell
    from stratuslab_libcloud.deployment.several import DeployedNode
    from stratuslab_libcloud.driver.progress import OnProgress

PathLike = str | os.PathLike[str]


class DeployCalls(BaseNodeDriver[CloudT, NodeT]):
    """The deployment calls of a driver."""

    @abstractmethod
    def _deploy_target(
        self, location: Location, auth: Any, options: DeployOptions, create_keywords: Mapping[str, Any]
    ) -> DeployTarget:
        """Where `deploy_node` starts a machine: the keys that the machine gets, and how it is reached."""

    def deploy_node(
        self,
        deploy: Deployment,
        ssh_username: str = "root",
        ssh_alternate_usernames: Sequence[str] | None = None,
        ssh_port: int = 22,
        ssh_timeout: float | None = None,
        ssh_key: PathLike | Sequence[PathLike] | None = None,
        ssh_key_password: str | None = None,
        auth: NodeAuthSSHKey | NodeAuthPassword | None = None,
        timeout: float | None = None,
        max_tries: int = 3,
        ssh_interface: str = "public_ips",
        at_exit_func: Callable[..., Any] | None = None,
        wait_period: float = 5,
        *,
        ex_progress: OnProgress = None,
        **options: Any,
    ) -> NodeT:
        """Start a machine and run a deployment on it over SSH.

        :param deploy: one of Libcloud's deployments, or anything with ``run(node, client)``
        :param ssh_username: the user to log in as
        :param ssh_alternate_usernames: other users, for a machine that does not let that one in
        :param ssh_port: the port of the machine's SSH server
        :param ssh_timeout: seconds that making one connection may take; 10 if not given
        :param ssh_key: a private key file or several; by default the location's ``user_private_key_file``, which is by
            default the other half of its ``user_public_key_file``
        :param ssh_key_password: the passphrase of the keys that are locked
        :param auth: as for `create_node`
        :param timeout: seconds until the machine runs, and again until a login has succeeded; 300 if not given
        :param max_tries: how often a step is tried, if it fails before its command has begun
        :param ssh_interface: ``public_ips`` or ``private_ips``: which address to connect to
        :param at_exit_func: is called with ``driver`` and ``node`` when the process ends during the deployment
        :param wait_period: seconds between questions whether the machine runs yet
        :param ex_progress: is called with a `Progress` at each step, and while the machine is waited for
        :param options: as for `create_node`, and the ``ex_`` arguments of
            `stratuslab_libcloud.deployment.DeployExtensions`
        :return: the node as it was when it ran; ``node.extra`` says how it was reached: ``ssh_host``, ``ssh_port``,
            ``ssh_username``
        :raises MissingDependencyError: when paramiko is not installed
        :raises KeyFileError: when no private key opens the machine, which was not started then
        :raises ScriptFailedError: when a script ended with another exit status than 0
        :raises DeploymentFailedError: when the machine was started, but not deployed; the error has it
        """
        from stratuslab_libcloud.deployment import split_options
        from stratuslab_libcloud.driver.progress import of_steps

        self._check_names(self.deploy_node, options, self._deploy_options())
        deploy_options, create_keywords = split_options(
            {
                "ssh_username": ssh_username,
                "ssh_alternate_usernames": ssh_alternate_usernames,
                "ssh_port": ssh_port,
                "ssh_timeout": ssh_timeout,
                "ssh_key": ssh_key,
                "ssh_key_password": ssh_key_password,
                "timeout": timeout,
                "max_tries": max_tries,
                "ssh_interface": ssh_interface,
                "at_exit_func": at_exit_func,
                "wait_period": wait_period,
                **options,
            }
        )
        name = options.get("name")
        tell = of_steps(ex_progress, f"deploying machine {name!r}" if name else "deploying a machine")
        return self._deploy(deploy, deploy_options, {"auth": auth, **create_keywords}, None, tell)

    def ex_deploy_on_node(
        self, node: Node, deploy: Deployment, *, ex_progress: OnProgress = None, **options: Any
    ) -> NodeT:
        """Run a deployment over SSH on a machine that was started before, once it runs and lets somebody in.

        :param deploy: as for `deploy_node`
        :param ex_progress: as for `deploy_node`
        :param options: those of `deploy_node` that are about SSH and about time, and the ``ex_`` arguments of
            `stratuslab_libcloud.deployment.DeployExtensions`
        :return: the node as `deploy_node` returns it
        :raises MissingDependencyError: when paramiko is not installed
        :raises KeyFileError: when no private key opens machines with the location's public key
        :raises ScriptFailedError: when a script ended with another exit status than 0
        :raises DeploymentFailedError: when something else kept it from being deployed
        """
        from stratuslab_libcloud.deployment import DEPLOY_OPTIONS, deploy_on_node, split_options
        from stratuslab_libcloud.driver.progress import of_steps

        self._check_names(self.ex_deploy_on_node, options, DEPLOY_OPTIONS)
        deploy_options, _ = split_options(options)
        location = self._locations.of(checked(Node, node))
        target = self._deploy_target(location, None, deploy_options, {})
        tell = of_steps(ex_progress, f"deploying on machine {node.id}")
        return cast("NodeT", deploy_on_node(self, target, node, deploy, deploy_options, tell))

    def ex_deploy_nodes(
        self,
        deployments: Iterable[Deployment],
        names: str | Iterable[str],
        size: NodeSize | None = None,
        image: NodeImage | None = None,
        locations: Sequence[NodeLocation | str] | NodeLocation | str | None = None,
        *,
        location: Location = None,
        ex_at_once: int = 8,
        ex_progress: OnProgress = None,
        ex_destroy_when_done: bool = False,
        **options: Any,
    ) -> list[DeployedNode]:
        """Start a machine for each of several deployments, and run them, some at the same time.

        :param deployments: one for each machine, with scripts of its own
        :param names: of the machines; of a single text, ``NAME-1``, ``NAME-2`` and so on are made
        :param size: as for `create_node`
        :param image: as for `create_node`
        :param locations: take turns; one is enough; the default location if not given
        :param location: the only one, instead of `locations`
        :param ex_at_once: how many machines at the same time, at the most
        :param ex_progress: is called with a `Progress` at each step on each machine, whose `DeployedNode` it has
        :param ex_destroy_when_done: whether each machine is destroyed after its deployment, whatever came of it, and
            also after an interruption
        :param options: as for `deploy_node`; with ``ex_destroy_on_failure``, all deployments end as soon as one has
            failed, and all machines are destroyed; ``ex_deploy_timeout`` is for each
        :return: the machines in the order of `deployments`, each with its node, output and exit status
        :raises SomeDeploymentsFailedError: when some were not deployed; it has all of them
        """
        from stratuslab_libcloud.driver import deploying_several

        self._check_names(self.ex_deploy_nodes, options, self._deploy_options() - {"deploy", "name"})
        group = deploying_several.Group(ex_at_once, ex_progress, ex_destroy_when_done, options)
        where = [self._locations.find(place) for place in deploying_several.places(location, locations)]
        common = {"size": size, "image": image}
        return group.deploy(deployments, names, where, common, self._deploy, self.destroy_node)

    def _deploy_options(self) -> set[str]:
        """The names of all arguments of `deploy_node`; those of `create_node` are passed on."""
        from stratuslab_libcloud.deployment import DeployExtensions
        from stratuslab_libcloud.driver.argument_names import named_arguments

        named = (*named_arguments(self.deploy_node), *named_arguments(self.create_node))
        return {*named, *DeployExtensions.__annotations__, *self._create_options()}

    def _deploy(
        self,
        deployment: Deployment,
        options: DeployOptions,
        create_keywords: Mapping[str, Any],
        deadline: Deadline | None = None,
        tell: Tell | None = None,
    ) -> NodeT:
        from stratuslab_libcloud.deployment import deploy_node

        location, auth = create_keywords.get("location"), create_keywords.get("auth")
        target = self._deploy_target(location, auth, options, create_keywords)
        return cast("NodeT", deploy_node(self, target, deployment, options, create_keywords, deadline, tell))
