"""The Libcloud driver of StratusLab clouds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from libcloud.compute.base import Node, NodeAuthPassword, NodeAuthSSHKey, NodeImage, NodeLocation, NodeSize

from stratuslab_libcloud.driver.arguments import checked, machine_number, seconds_or_none, text
from stratuslab_libcloud.driver.locations import Location
from stratuslab_libcloud.driver.stratuslab.volume_calls import VolumeCalls

# What only some calls need is imported by them: a program waits for each import when it starts.
if TYPE_CHECKING:
    from typing_extensions import Unpack

    from stratuslab_libcloud.client import Cloud
    from stratuslab_libcloud.client.opennebula.machine import VirtualMachine
    from stratuslab_libcloud.config import CloudConfig
    from stratuslab_libcloud.config.configuration import Configuration
    from stratuslab_libcloud.deployment import DeployOptions, DeployTarget
    from stratuslab_libcloud.driver.constructor import ConstructorArguments
    from stratuslab_libcloud.driver.stratuslab.driver_options import DriverOptions
    from stratuslab_libcloud.driver.stratuslab.images import StratusLabImage
    from stratuslab_libcloud.driver.stratuslab.node_options import NodeOptions
    from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
    from stratuslab_libcloud.driver.stratuslab.sizes import StratusLabSize


class StratusLabNodeDriver(VolumeCalls):
    """Machines, volumes and images of all StratusLab clouds that the user's configuration file names.

    A section of the file is a location; ``host=`` with ``key`` and ``secret`` is one without a file. Nothing is asked
    before a method needs it. Threads may share a driver.

    What is given is used or refused, never ignored; texts will do for numbers and truth values.

    :param key: the user's name; alone, ``default`` or the section to use as the default location
    :param secret: the user's password
    :param secure: False to speak to ``host`` without TLS
    :param host: where the cloud is: a host, ``host:port`` or a URL; no file is read then that is not named
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
        from stratuslab_libcloud.client import Cloud

        return Cloud(config, self._proxy_url, self._image_lifetime)

    def _to_node(self, machine: VirtualMachine, location: NodeLocation) -> StratusLabNode:
        from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode

        return StratusLabNode(machine, location, self._sizes.of(machine), self)

    def _deploy_target(
        self, location: Location, auth: Any, options: DeployOptions, create_keywords: Mapping[str, Any]
    ) -> DeployTarget:
        from stratuslab_libcloud.driver.stratuslab import deploy_target

        cloud = self._locations.cloud(location)
        return deploy_target.find(cloud, auth, create_keywords, options.seconds_to_wait, self._proxy_url)

    # -- Sizes and images

    def list_sizes(  # type: ignore[override]  # narrower than Libcloud's
        self, location: Location = None
    ) -> list[StratusLabSize]:
        """The standard instance types and the user's own; they are the same at all locations.

        :raises ConfigurationError: when an entry of ``[instance_types]`` cannot be read
        """
        return self._sizes.all()

    def ex_get_size(self, name: str) -> StratusLabSize:
        """The instance type of that name, such as ``m1.small``, for `create_node`, which wants a size and not a name.

        :raises InvalidArgumentError: when there is none
        """
        return self._sizes.named(text("name", name))

    def list_images(  # type: ignore[override]  # narrower than Libcloud's
        self, location: Location = None, ex_image_lifetime: float | None = None
    ) -> list[StratusLabImage]:
        """The valid entries of a location's Marketplace; an image endorsed by two people is there twice.

        :param location: the default location if not given
        :param ex_image_lifetime: as for the driver, for this list alone
        :raises ServiceError: when the Marketplace does not answer as it should
        """
        from stratuslab_libcloud.driver.stratuslab.images import StratusLabImage

        marketplace = self._locations.cloud(location).marketplace
        entries = marketplace.images(seconds_or_none("ex_image_lifetime", ex_image_lifetime))
        return [StratusLabImage(entry, self) for entry in entries]

    def get_image(self, image_id: str, location: Location = None) -> NodeImage:
        """An image by its Marketplace identifier; also a volume's id or a URL, from which a node can be made as well.

        :param location: the default location if not given
        :raises NotFoundError: when there is no such image, or it has expired
        :raises InvalidArgumentError: when it is none of these
        """
        from stratuslab_libcloud.driver.stratuslab import images

        return images.get(self._locations.cloud(location), text("image_id", image_id), self)

    # -- Nodes

    def create_node(
        self,
        name: str,
        size: NodeSize | None,
        image: NodeImage,
        location: Location = None,
        auth: NodeAuthSSHKey | NodeAuthPassword | None = None,
        **options: Unpack[NodeOptions],
    ) -> StratusLabNode:
        """Start a machine; it has its address at once and runs some time later (`wait_until_running`).

        :param size: the configured default if None
        :param image: from `list_images` or `get_image`, or a `NodeImage` whose id is a Marketplace identifier, a
            volume's id or a URL
        :param location: the default location if not given
        :param auth: a `NodeAuthSSHKey`; the configured public key file's if not given
        :param options: the ``ex_`` arguments, see `NodeOptions`
        :raises StratusLabError: when it was not created
        :raises UnknownOutcomeError: when it is not known whether it was created
        """
        from stratuslab_libcloud.driver.stratuslab import creation
        from stratuslab_libcloud.driver.stratuslab.node_options import CheckedNodeOptions

        where = self._locations.find(location)
        cloud = self._locations.cloud(where)
        size = size or self._sizes.named(cloud.config.machine.instance_type)
        machine = creation.create(cloud, name, size, image, auth, CheckedNodeOptions(**options))
        return self._to_node(machine, where)

    def ex_create_nodes(
        self,
        names: Iterable[str],
        size: NodeSize | None,
        image: NodeImage,
        location: Location = None,
        auth: NodeAuthSSHKey | NodeAuthPassword | None = None,
        **options: Unpack[NodeOptions],
    ) -> list[StratusLabNode]:
        """Start several machines that differ only in their names, each of them exactly once.

        As many are created at the same time as the location may have connections (``endpoint_connections``). All
        arguments are checked before the first one is.

        :param names: of the machines; the other parameters are as for `create_node`
        :return: the nodes, in the order of the names
        :raises PartialSuccessError: when some were not created; it has the others, and says for each name why not
        :raises StratusLabError: when an argument cannot be used; none was created
        """
        from stratuslab_libcloud.driver import several_nodes
        from stratuslab_libcloud.driver.stratuslab import creation
        from stratuslab_libcloud.driver.stratuslab.node_options import CheckedNodeOptions

        where = self._locations.find(location)
        cloud = self._locations.cloud(where)
        size = size or self._sizes.named(cloud.config.machine.instance_type)
        templates = creation.machine_templates(cloud, names, size, image, auth, CheckedNodeOptions(**options))
        return several_nodes.create(cloud, templates, lambda machine: self._to_node(machine, where))

    def reboot_node(self, node: Node) -> bool:
        """Not offered.

        :raises NotImplementedError: always
        """
        raise NotImplementedError(
            "a StratusLab cloud cannot reboot a machine: its compute service has no such function; "
            "reboot it from inside, or destroy it and create another"
        )

    def ex_shutdown_node(self, node: Node) -> bool:
        """Let a machine's own operating system shut it down; it ends after that. A killed one saves nothing.

        :raises ConflictError: when it is not running
        """
        self._locations.cloud_of(checked(Node, node)).compute.shutdown(machine_number(node))
        return True
