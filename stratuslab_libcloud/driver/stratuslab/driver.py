"""The Libcloud driver of StratusLab clouds."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from libcloud.compute.base import Node, NodeAuthPassword, NodeAuthSSHKey, NodeImage, NodeLocation, NodeSize

from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.driver.arguments import checked, seconds_or_none, text
from stratuslab_libcloud.driver.deploy_calls import DeployCalls
from stratuslab_libcloud.driver.key_pair_calls import KeyPairCalls
from stratuslab_libcloud.driver.locations import Location
from stratuslab_libcloud.driver.stratuslab.image_calls import ImageCalls
from stratuslab_libcloud.driver.stratuslab.node_changes import NodeChanges
from stratuslab_libcloud.driver.stratuslab.volume_calls import VolumeCalls

# What only some calls need is imported by them: a program waits for each import when it starts.
if TYPE_CHECKING:
    from typing_extensions import Unpack

    from stratuslab_libcloud.client.opennebula.machine import VirtualMachine
    from stratuslab_libcloud.config import CloudConfig
    from stratuslab_libcloud.config.configuration import Configuration
    from stratuslab_libcloud.deployment import DeployOptions, DeployTarget
    from stratuslab_libcloud.driver.constructor import ConstructorArguments
    from stratuslab_libcloud.driver.progress import OnProgress
    from stratuslab_libcloud.driver.stratuslab.driver_options import DriverOptions
    from stratuslab_libcloud.driver.stratuslab.networks import StratusLabNetwork, StratusLabSecurityGroup
    from stratuslab_libcloud.driver.stratuslab.node_options import NodeOptions
    from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
    from stratuslab_libcloud.driver.stratuslab.sizes import StratusLabSize


class StratusLabNodeDriver(
    ImageCalls,
    VolumeCalls,
    NodeChanges,
    KeyPairCalls[Cloud, "StratusLabNode"],
    DeployCalls[Cloud, "StratusLabNode"],
):
    """Machines, volumes and images of all StratusLab clouds that the user's configuration file names.

    A section of the file is a location; ``host=`` with ``key`` and ``secret`` is one without a file. Nothing is asked
    before a method needs it. Threads may share a driver.

    What is given is used or refused, never ignored. Numbers and truth values may be given as texts.

    :param key: the user's name; alone, ``default`` or the section to use as the default location
    :param secret: the user's password
    :param secure: False to speak to ``host`` without TLS
    :param host: where the cloud is: a host, ``host:port`` or a URL; a file is only read then if it is named
    :param port: of the compute service at ``host``
    :param api_version: changes nothing
    :param region: the section to use as the only location
    :param options: see `DriverOptions`
    :raises ConfigurationError: when the file cannot be read, or has no such section
    :raises InvalidArgumentError: when an argument is not valid, or contradicts another one
    """

    type = "stratuslab"
    name = "StratusLab"
    website = "http://stratuslab.eu/"
    features = {"create_node": ["ssh_key"]}  # noqa: RUF012 - Libcloud's own, which would be shared by all drivers

    def __init__(
        self,
        key: Any = None,
        secret: Any = None,
        secure: Any = None,
        host: Any = None,
        port: Any = None,
        api_version: Any = None,
        region: Any = None,
        **options: Unpack[DriverOptions],
    ) -> None:
        from stratuslab_libcloud.config.endpoints import COMPUTE_PORT
        from stratuslab_libcloud.driver.constructor import ConstructorArguments
        from stratuslab_libcloud.driver.stratuslab.driver_options import DriverOptions

        positional = {
            "key": key,
            "secret": secret,
            "secure": secure,
            "host": host,
            "port": port,
            "api_version": api_version,
            "region": region,
        }
        arguments = ConstructorArguments(positional, options, DriverOptions.__optional_keys__, COMPUTE_PORT)
        self._begin(arguments, arguments.load_configuration())

    def _begin(self, arguments: ConstructorArguments, configuration: Configuration) -> None:
        from stratuslab_libcloud.driver.stratuslab.sizes import Sizes

        super()._begin(arguments, configuration)
        self._image_lifetime = seconds_or_none("ex_image_lifetime", arguments.get("ex_image_lifetime"))
        self._sizes = Sizes(configuration, self)

    # -- What StratusLab answers for the shared calls

    def _connect(self, config: CloudConfig) -> Cloud:
        return Cloud(config, self._proxy_url, self._image_lifetime)

    def _to_node(self, machine: VirtualMachine, location: NodeLocation) -> StratusLabNode:
        from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode

        known_name = self._locations.cloud(location).marketplace.known_name
        return StratusLabNode(machine, location, self._sizes.of(machine), self, known_name)

    def _deploy_target(
        self, location: Location, auth: Any, options: DeployOptions, create_keywords: Mapping[str, Any]
    ) -> DeployTarget:
        from stratuslab_libcloud.driver.stratuslab import deploy_target

        cloud = self._locations.cloud(location)
        key_name = create_keywords.get("ex_keyname")
        private_key_file = self._key_pairs(location).private_file(key_name) if key_name else None
        auth = self._auth_of(auth, key_name, location)
        return deploy_target.find(
            cloud, auth, create_keywords, options.seconds_to_wait, self._proxy_url, private_key_file
        )

    def _create_options(self) -> Collection[str]:
        from stratuslab_libcloud.driver.stratuslab.node_options import NodeOptions

        return NodeOptions.__annotations__

    # -- Sizes

    def list_sizes(  # type: ignore[override]  # narrower than Libcloud's
        self, location: Location = None
    ) -> list[StratusLabSize]:
        """The standard instance types and the user's own; they are the same at all locations.

        :raises ConfigurationError: when an entry of ``[instance_types]`` cannot be read, or there is no such location
        """
        self._locations.find(location)
        return self._sizes.all()

    def ex_get_size(self, name: str) -> StratusLabSize:
        """The instance type of that name, such as ``m1.small``, for `create_node`, which wants a size and not a name.

        :raises InvalidArgumentError: when there is none
        """
        return self._sizes.named(text("name", name))

    # -- Networks

    def ex_list_networks(self) -> list[StratusLabNetwork]:
        """The networks that a StratusLab cloud has, for ``networks`` of `create_node`."""
        from stratuslab_libcloud.driver.stratuslab import networks

        return [networks.StratusLabNetwork(name, self) for name in networks.NAMES]

    def ex_list_security_groups(self) -> list[StratusLabSecurityGroup]:
        """The only group that there is: a StratusLab cloud lets everything through."""
        from stratuslab_libcloud.driver.stratuslab.networks import StratusLabSecurityGroup

        return [StratusLabSecurityGroup(self)]

    # -- Nodes

    def create_node(
        self,
        name: str | None = None,
        size: NodeSize | None = None,
        image: NodeImage | None = None,
        location: Location = None,
        auth: NodeAuthSSHKey | NodeAuthPassword | None = None,
        **options: Unpack[NodeOptions],
    ) -> StratusLabNode:
        """Start a machine; it has its address at once and runs some time later (`wait_until_running`).

        :param name: the cloud gives it one if None, such as ``one-7``
        :param size: from `list_sizes`, or a `NodeSize` with nothing but the id of one; the configured default if None
        :param image: from `list_images` or `get_image`, or a `NodeImage` whose id is a Marketplace identifier, a
            volume's id or a URL
        :param location: the default location if not given
        :param auth: a `NodeAuthSSHKey`; the configured public key file's if not given
        :param options: the ``ex_`` arguments, see `NodeOptions`
        :raises StratusLabError: when it was not created
        :raises UnknownOutcomeError: when it is not known whether it was created
        """
        from stratuslab_libcloud.client.http import time_limit
        from stratuslab_libcloud.driver import several_nodes
        from stratuslab_libcloud.driver.stratuslab import creation
        from stratuslab_libcloud.driver.stratuslab.node_options import CheckedNodeOptions

        self._check_names(self.create_node, options, self._create_options())
        where = self._locations.find(location)
        cloud = self._locations.cloud(where)
        shape = self._sizes.shape(size, cloud.config.machine.instance_type)
        auth = self._auth_of(auth, options.get("ex_keyname"), where)
        checked_options = CheckedNodeOptions(**options)
        start_from = checked(NodeImage, image)
        with time_limit.until(time.monotonic() + cloud.config.compute.timeout):
            template = creation.machine_template(cloud, name, shape, start_from, auth, checked_options)
            return several_nodes.create(cloud, [template], lambda machine: self._to_node(machine, where))[0]

    def ex_create_nodes(
        self,
        names: Iterable[str],
        size: NodeSize | None,
        image: NodeImage,
        location: Location = None,
        auth: NodeAuthSSHKey | NodeAuthPassword | None = None,
        *,
        ex_progress: OnProgress = None,
        **options: Unpack[NodeOptions],
    ) -> list[StratusLabNode]:
        """Start several machines that differ only in their names, each of them exactly once.

        As many are created at the same time as the location may have connections (``endpoint_connections``). All
        arguments are checked before the first one is.

        :param names: of the machines; the other parameters are as for `create_node`
        :param ex_progress: is called with a `Progress` after each
        :return: the nodes, in the order of the names
        :raises PartialSuccessError: when some were not created; it has the others, and says for each name why not
        :raises StratusLabError: when an argument cannot be used; none was created
        """
        from stratuslab_libcloud.driver import several_nodes
        from stratuslab_libcloud.driver.stratuslab import creation
        from stratuslab_libcloud.driver.stratuslab.node_options import CheckedNodeOptions

        self._check_names(self.ex_create_nodes, options, self._create_options())
        where = self._locations.find(location)
        cloud = self._locations.cloud(where)
        shape = self._sizes.shape(size, cloud.config.machine.instance_type)
        auth = self._auth_of(auth, options.get("ex_keyname"), where)
        templates = creation.machine_templates(cloud, names, shape, image, auth, CheckedNodeOptions(**options))
        return several_nodes.create(cloud, templates, lambda machine: self._to_node(machine, where), ex_progress)

    def ex_get_metadata_for_node(self, node: Node) -> dict[str, str]:
        """What `create_node` was given as ``ex_metadata``, as the cloud has it.

        :raises NotFoundError: when there never was such a machine
        """
        return dict(self.ex_get_node(checked(Node, node)).extra["metadata"])
