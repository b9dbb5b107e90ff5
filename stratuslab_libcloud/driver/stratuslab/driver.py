"""The Libcloud driver: Libcloud's words on one side, those of StratusLab's services on the other."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from libcloud.compute.base import (
    Node,
    NodeAuthPassword,
    NodeAuthSSHKey,
    NodeImage,
    NodeLocation,
    NodeSize,
    StorageVolume,
)

from stratuslab_libcloud.config import UserConfiguration
from stratuslab_libcloud.driver.arguments import checked, seconds_or_none, text
from stratuslab_libcloud.driver.locations import Location, Locations
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabImage, StratusLabNode, number_of
from stratuslab_libcloud.driver.stratuslab.sizes import Sizes
from stratuslab_libcloud.driver.stratuslab.volume_calls import VolumeCalls

# What only some calls need is imported by them: a program waits for each import when it starts.
if TYPE_CHECKING:
    from libcloud.compute.deployment import Deployment

    from stratuslab_libcloud.client.opennebula.machine import VirtualMachine
    from stratuslab_libcloud.driver.filters import NodeFilter, NodeIds, States

_log = logging.getLogger(__name__)

PathLike = str | os.PathLike[str]


class StratusLabNodeDriver(VolumeCalls):
    """Machines, volumes and images of all StratusLab clouds that the user's configuration file names.

    A section of the file is a location. Nothing is asked before a method needs it. Threads may share a driver.

    :param key: as all of Libcloud's drivers have it, and as before it is ignored: credentials are in the file. So
        are ``secret``, ``secure``, ``host``, ``port``, ``api_version`` and ``region``.
    :param timeout: seconds that a whole call to a service may take, whatever the file says
    :param proxy_url: an HTTP proxy to use instead of the environment's
    :param stratuslab_user_config: the configuration file's name, or an object that it can be read from;
        ``~/.stratuslab/stratuslab-user.cfg`` by default
    :param stratuslab_default_location: the section to use where no location is given; by default the one that
        ``selected_section`` names, else ``default``
    :param ex_image_lifetime: seconds for which a list of images is given again and a single image is known; if not
        given, `list_images` and `get_image` ask each time, and what was asked about an image `create_node` knows for
        good
    :raises ConfigurationError: when the file can not be read, or has no such section
    """

    type = "stratuslab"
    name = "StratusLab"
    website = "http://stratuslab.eu/"
    features = {"create_node": ["ssh_key"]}  # noqa: RUF012 - Libcloud's own, which would be shared by all drivers

    def __init__(
        self,
        key: Any = None,
        secret: Any = None,
        secure: Any = True,
        host: Any = None,
        port: Any = None,
        api_version: Any = None,
        region: Any = None,
        *,
        timeout: float | str | None = None,
        retry_delay: Any = None,
        backoff: Any = None,
        proxy_url: str | None = None,
        stratuslab_user_config: Any = None,
        stratuslab_default_location: str | None = None,
        ex_image_lifetime: float | None = None,
    ) -> None:
        super().__init__(key)  # type: ignore[no-untyped-call]  # Libcloud's has no types
        for name, value in (("proxy_url", proxy_url), ("stratuslab_default_location", stratuslab_default_location)):
            if value is not None:
                text(name, value)
        self._made_of = {
            "key": key,
            "timeout": timeout,
            "proxy_url": proxy_url,
            "stratuslab_user_config": stratuslab_user_config,
            "stratuslab_default_location": stratuslab_default_location,
            "ex_image_lifetime": ex_image_lifetime,
        }
        self._configuration = UserConfiguration.load(
            stratuslab_user_config,
            default_location=stratuslab_default_location,
            timeout=timeout,
        )
        lifetime = seconds_or_none("ex_image_lifetime", ex_image_lifetime)
        self._locations = Locations(self._configuration, self, proxy_url, lifetime)
        self._sizes = Sizes(self._configuration, self)

    def __deepcopy__(self, memo: dict[int, Any]) -> StratusLabNodeDriver:
        """A copy of a node or a volume belongs to the same driver."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process, a driver is made anew of the same configuration file."""
        return _made_of, (type(self), self._made_of)

    # -- locations, sizes, images

    def list_locations(self) -> list[NodeLocation]:
        """The sections of the configuration file, in its order."""
        return self._locations.all()

    def list_sizes(self, location: Location = None) -> list[NodeSize]:
        """The standard instance types and the user's own; they are the same at all locations.

        :raises ConfigurationError: when an entry of ``[instance_types]`` can not be read
        """
        return self._sizes.all()

    def list_images(self, location: Location = None, ex_image_lifetime: float | None = None) -> list[NodeImage]:
        """The valid entries of a location's Marketplace; an image endorsed by two people is there twice.

        :param location: the default location if not given
        :param ex_image_lifetime: as for the driver, for this list alone
        :raises ServiceError: when the Marketplace does not answer as it should
        """
        marketplace = self._locations.cloud(location).marketplace
        entries = marketplace.images(seconds_or_none("ex_image_lifetime", ex_image_lifetime))
        return [StratusLabImage(entry, self) for entry in entries]

    def get_image(self, image_id: str, location: Location = None) -> NodeImage:
        """An image by its Marketplace identifier; also a volume's id or a URL, from which a node can be made as well.

        :param location: the default location if not given
        :raises NotFoundError: when there is no such image, or it has expired
        :raises InvalidArgumentError: when it is none of the three
        """
        from stratuslab_libcloud.driver.stratuslab import images

        return images.get(self._locations.cloud(location), text("image_id", image_id), self)

    # -- nodes

    def list_nodes(
        self,
        ex_partial: bool = False,
        *,
        ex_name: str | re.Pattern[str] | None = None,
        ex_state: States | None = None,
        ex_node_ids: NodeIds | None = None,
    ) -> list[Node]:
        """The user's machines that have not ended, of all locations, which are asked at the same time.

        :param ex_partial: whether to leave out locations that do not answer, with a warning in the log
        :param ex_name: only those with this name, or whose whole name a compiled regular expression matches
        :param ex_state: only those in this state (`NodeState`) or one of several; ``terminated`` gives ended ones
        :param ex_node_ids: only those with these ids, such as ``["7", "12"]`` or ``range(1000, 2000)``
        :raises PartialListError: when a location does not answer; it has the nodes of the others
        :raises InvalidArgumentError: when a name, a state or an id is none
        """
        from stratuslab_libcloud.driver.filters import NodeFilter

        wanted = NodeFilter(ex_name, ex_state, ex_node_ids)
        return self._locations.ask_all(lambda where: self._nodes_in(where, wanted), ex_partial)

    def list_nodes_in_location(self, location: NodeLocation | str) -> list[Node]:
        """The user's machines that have not ended, of one location.

        :raises ServiceError: when it does not answer as it should
        """
        return self._nodes_in(self._locations.find(location))

    def ex_iterate_nodes(
        self,
        location: Location = None,
        *,
        ex_name: str | re.Pattern[str] | None = None,
        ex_state: States | None = None,
        ex_node_ids: NodeIds | None = None,
        ex_partial: bool = False,
    ) -> Iterator[StratusLabNode]:
        """Go through the user's machines while the clouds still tell about them; for very many of them.

        A cloud is listened to as fast as it speaks, in a thread, so the time limit holds for that alone: what is done
        with a node in between may take as long as it likes, and may use the driver. What has come and was not gone
        through yet is kept.

        :param location: only this one; all of them, at the same time, if not given
        :return: an iterator; to leave it early ends what is under way
        :raises PartialListError: at the end, when a location did not answer
        """
        from stratuslab_libcloud.driver import listing
        from stratuslab_libcloud.driver.filters import NodeFilter

        wanted = NodeFilter(ex_name, ex_state, ex_node_ids)
        places = self._locations.all() if location is None else [self._locations.find(location)]
        machines = listing.iterate(self._locations, places, wanted, ex_partial)
        return (self._to_node(machine, where) for machine, where in machines)

    def create_node(
        self,
        name: str,
        size: NodeSize | None,
        image: NodeImage,
        location: Location = None,
        auth: NodeAuthSSHKey | NodeAuthPassword | None = None,
        *,
        ex_network: str | None = None,
        ex_address: str | None = None,
        ex_context: Mapping[str, Any] | str | Path | None = None,
        ex_context_method: str | None = None,
        ex_cloud_init: str | None = None,
        ex_userdata: str | bytes | None = None,
        ex_requirements: str | None = None,
        ex_disks_bus: str | None = None,
        ex_persistent_disk: StorageVolume | str | None = None,
        ex_readonly_disk: NodeImage | str | None = None,
        ex_volatile_disk: int | None = None,
    ) -> StratusLabNode:
        """Start a machine; it has its address at once and runs some time later (`wait_until_running`).

        :param size: the configured default if None
        :param image: from `list_images` or `get_image`, or a `NodeImage` whose id is a Marketplace identifier, a
            volume's id or a URL
        :param location: the default location if not given
        :param auth: a `NodeAuthSSHKey`; the configured public key file's if not given
        :param ex_network: ``public``, ``local`` or ``private``
        :param ex_address: the IP address to ask for
        :param ex_context: pairs for the contextualization: a mapping, ``key=value`` lines, or the `Path` of a file
        :param ex_context_method: ``one`` or ``cloud-init``
        :param ex_cloud_init: ``mimetype,file`` pairs for cloud-init, separated by ``#``
        :param ex_userdata: cloud-init's user data, as it is; at most 16384 bytes when gzipped
        :param ex_requirements: an OpenNebula expression that a host must satisfy
        :param ex_disks_bus: ``ide``, ``scsi`` or ``virtio``
        :param ex_persistent_disk: a volume to start with
        :param ex_readonly_disk: a Marketplace image of kind ``disk`` to start with
        :param ex_volatile_disk: GiB of an additional empty disk that goes with the machine
        :raises StratusLabError: when it was not created
        :raises UnknownOutcomeError: when that can not be told
        """
        from stratuslab_libcloud.driver.stratuslab import creation
        from stratuslab_libcloud.driver.stratuslab.node_options import Wishes

        where = self._locations.find(location)
        cloud = self._locations.cloud(where)
        wishes = Wishes(
            network=ex_network,
            address=ex_address,
            context=ex_context,
            context_method=ex_context_method,
            cloud_init=ex_cloud_init,
            userdata=ex_userdata,
            requirements=ex_requirements,
            disks_bus=ex_disks_bus,
            persistent_disk=ex_persistent_disk,
            readonly_disk=ex_readonly_disk,
            volatile_disk=ex_volatile_disk,
        )
        size = size or self._sizes.named(cloud.config.machine.instance_type)
        machine = creation.create(cloud, name, size, image, auth, wishes)
        return self._to_node(machine, where)

    def destroy_node(self, node: Node) -> bool:
        """End a machine at once, in whatever state it is. One that is gone already is no error.

        :raises ServiceError: when it can not be told to end
        """
        from stratuslab_libcloud.client import confirmed_changes as settle

        cloud = self._locations.cloud_of(checked(Node, node))
        if not settle.kill_machine(cloud.compute, number_of(node)):
            _log.info("machine %s of location '%s' was gone already", node.id, cloud.config.section)
        return True

    def reboot_node(self, node: Node) -> bool:
        """Not offered.

        :raises NotImplementedError: always
        """
        raise NotImplementedError(
            "a StratusLab cloud can not reboot a machine: its compute service has no such function; "
            "reboot it from inside, or destroy it and create another"
        )

    def wait_until_running(
        self,
        nodes: list[Node],
        wait_period: float = 5,
        timeout: int = 600,
        ssh_interface: str = "public_ips",
        force_ipv4: bool = True,
        ex_list_nodes_kwargs: dict[str, Any] | None = None,
    ) -> list[tuple[Node, list[str]]]:
        """Wait until machines run and have an address. Only these machines are asked about.

        :param wait_period: seconds between questions
        :param timeout: seconds
        :param ssh_interface: ``public_ips`` or ``private_ips``: which kind of address they need to have
        :param force_ipv4: whether only IPv4 addresses count
        :param ex_list_nodes_kwargs: accepted because Libcloud has it; nothing is listed
        :return: each node as it is then, and its addresses, in the order of `nodes`
        :raises MachineFailedError: as soon as one has failed or ended, with the cloud's own words
        :raises WaitTimeoutError: when the time is over
        """
        from stratuslab_libcloud.driver import waiting

        return waiting.until_running(nodes, self.ex_get_node_details, wait_period, timeout, ssh_interface, force_ipv4)

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
        ex_destroy_on_failure: bool = False,
        ex_check_exit_status: bool = True,
        **create_node_kwargs: Any,
    ) -> Node:
        """Start a machine and run a deployment on it over SSH.

        :param deploy: one of Libcloud's deployments, or anything with ``run(node, client)``
        :param ssh_username: who to log in as
        :param ssh_alternate_usernames: who else, where the machine does not let that one in
        :param ssh_port: the machine's
        :param ssh_timeout: seconds that making one connection may take; 10 if not given
        :param ssh_key: a private key file or several; by default the location's ``user_private_key_file``, which is by
            default the other half of its ``user_public_key_file``
        :param ssh_key_password: the passphrase of those that are locked
        :param auth: as for `create_node`
        :param timeout: seconds until the machine runs, and again until somebody is logged in; 300 if not given
        :param max_tries: how often a step is tried that fails before a command of it has begun
        :param ssh_interface: ``public_ips`` or ``private_ips``: where the machine is gone to
        :param at_exit_func: is called with ``driver`` and ``node`` where the process ends in the middle
        :param wait_period: seconds between questions whether the machine runs yet
        :param ex_destroy_on_failure: whether a machine that was not deployed is destroyed, also after Ctrl-C
        :param ex_check_exit_status: whether a script's exit status other than 0 is an error
        :param create_node_kwargs: as for `create_node`
        :return: the node as it was when it ran; ``node.extra`` says how it was reached: ``ssh_host``, ``ssh_port``,
            ``ssh_username``
        :raises MissingDependencyError: when paramiko is not installed
        :raises KeyFileError: when no private key opens the machine, which was not started then
        :raises ScriptFailedError: when a script ended with another exit status than 0
        :raises DeploymentFailedError: when the machine was started, but not deployed; the error has it
        """
        from stratuslab_libcloud.deployment import DeployOptions, deploy_node
        from stratuslab_libcloud.driver.stratuslab import creation

        options = DeployOptions(
            ssh_username=ssh_username,
            ssh_alternate_usernames=ssh_alternate_usernames,
            ssh_port=ssh_port,
            ssh_timeout=ssh_timeout,
            ssh_key=ssh_key,
            ssh_key_password=ssh_key_password,
            timeout=timeout,
            max_tries=max_tries,
            ssh_interface=ssh_interface,
            at_exit_func=at_exit_func,
            wait_period=wait_period,
            destroy_on_failure=ex_destroy_on_failure,
            check_exit_status=ex_check_exit_status,
        )
        cloud = self._locations.cloud(create_node_kwargs.get("location"))
        keys, origin = creation.keys_of_machine(cloud, auth, create_node_kwargs)
        return deploy_node(
            self,
            cloud.config,
            deploy,
            options,
            public_keys=keys,
            public_keys_origin=origin,
            wishes={"auth": auth, **create_node_kwargs},
            proxy_url=self._locations.proxy_url,
        )

    def ex_get_node_details(self, node: Node | str | int, location: Location = None) -> StratusLabNode:
        """A machine as it is now, also one that has ended.

        :param node: a node or its id
        :param location: where it is, if `node` is an id; the default location if not given
        :raises NotFoundError: when there never was such a machine
        """
        is_id = isinstance(node, (str, int))
        where = self._locations.find(location) if is_id else self._locations.of(checked(Node, node))
        return self._to_node(self._locations.cloud(where).compute.machine(number_of(node)), where)

    def ex_shutdown_node(self, node: Node) -> bool:
        """Let a machine's own operating system shut it down; it ends after that. A killed one saves nothing.

        :raises ConflictError: when it is not running
        """
        self._locations.cloud_of(checked(Node, node)).compute.shutdown(number_of(node))
        return True

    def ex_close(self) -> None:
        """Close the idle connections to all clouds; the driver can be used again afterwards."""
        self._locations.close()

    # -- between the two sides

    def _nodes_in(self, location: NodeLocation, wanted: NodeFilter | None = None) -> list[Node]:
        from stratuslab_libcloud.driver import listing

        compute = self._locations.cloud(location).compute
        return listing.read(compute, wanted, lambda machine: self._to_node(machine, location))

    def _to_node(self, machine: VirtualMachine, location: NodeLocation) -> StratusLabNode:
        return StratusLabNode(machine, location, self._sizes.of(machine), self)


def _made_of(kind: type[StratusLabNodeDriver], keywords: dict[str, Any]) -> StratusLabNodeDriver:
    return kind(**keywords)
