"""The Libcloud driver of today's OpenNebula, 5.4 to 7.x."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from libcloud.compute.base import NodeAuthPassword, NodeAuthSSHKey, NodeImage, NodeLocation, NodeSize

from stratuslab_libcloud.client.opennebula.cloud import OpenNebulaCloud
from stratuslab_libcloud.config import DEFAULT_INSTANCE_TYPE, OpenNebulaConfig
from stratuslab_libcloud.config.configuration import Configuration
from stratuslab_libcloud.config.endpoints import OPENNEBULA_PORT
from stratuslab_libcloud.config.keys import OPENNEBULA
from stratuslab_libcloud.driver.constructor import ConnectionOptions, ConstructorArguments
from stratuslab_libcloud.driver.deploy_calls import DeployCalls
from stratuslab_libcloud.driver.key_pair_calls import KeyPairCalls
from stratuslab_libcloud.driver.locations import Location
from stratuslab_libcloud.driver.opennebula.account_calls import AccountCalls
from stratuslab_libcloud.driver.opennebula.driver_options import KNOWN_OPTIONS
from stratuslab_libcloud.driver.opennebula.nodes import OpenNebulaNode
from stratuslab_libcloud.driver.opennebula.sizes import OpenNebulaSize, Sizes
from stratuslab_libcloud.errors import NotFoundError

# What only some calls need is imported by them: a program waits for each import when it starts.
if TYPE_CHECKING:
    from typing_extensions import Unpack

    from stratuslab_libcloud.client.opennebula.machine import VirtualMachine
    from stratuslab_libcloud.deployment import DeployOptions, DeployTarget
    from stratuslab_libcloud.driver.filters import NodeIds, States
    from stratuslab_libcloud.driver.opennebula.node_options import NodeOptions
    from stratuslab_libcloud.driver.progress import OnProgress


class OpenNebulaNodeDriver(
    AccountCalls,
    KeyPairCalls[OpenNebulaCloud, OpenNebulaNode],
    DeployCalls[OpenNebulaCloud, OpenNebulaNode],
):
    """Machines, images, volumes and networks of one OpenNebula, or of all that the user's configuration file names.

    Without arguments, the user and the cloud are those of OpenNebula's own tools (``ONE_AUTH`` and ``ONE_XMLRPC``, or
    ``~/.one/one_auth`` and ``~/.one/one_endpoint``), or the sections with ``kind = opennebula`` of the user's
    configuration file. Nothing is asked before a method needs it. Threads may share a driver.

    What is given is used or refused, never ignored. Numbers and truth values may be given as texts.

    :param key: the user's name; alone, ``user:password``, or the section to use as the default location
    :param secret: the user's password, or a token
    :param secure: whether to speak TLS to ``host``, which the daemon itself cannot
    :param host: where the cloud is: a host, ``host:port`` or a URL
    :param port: 2633 if not given
    :param api_version: changes nothing
    :param region: the section to use as the only location
    :param options: see `ConnectionOptions`; ``ex_endpoint`` is a URL whose path is taken as it is
    :raises ConfigurationError: when the file cannot be read, or no user is known
    :raises InvalidArgumentError: when an argument is not valid, or contradicts another one
    """

    type = "opennebula-xmlrpc"
    name = "OpenNebula"
    website = "https://opennebula.io/"
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
        **options: Unpack[ConnectionOptions],
    ) -> None:
        if secret is None and isinstance(key, str) and ":" in key:
            key, _, secret = key.partition(":")
        positional = {
            "key": key,
            "secret": secret,
            "secure": secure,
            "host": host,
            "port": port,
            "api_version": api_version,
            "region": region,
        }
        arguments = ConstructorArguments(positional, options, KNOWN_OPTIONS, OPENNEBULA_PORT, OPENNEBULA)
        self._begin(arguments, arguments.load_configuration())

    def _begin(self, arguments: ConstructorArguments, configuration: Configuration) -> None:
        super()._begin(arguments, configuration)
        self._sizes = Sizes(configuration, self)
        self._images_of_nodes: dict[tuple[int, str], NodeImage] = {}

    # -- What OpenNebula answers for the shared calls

    def _connect(self, config: OpenNebulaConfig) -> OpenNebulaCloud:
        return OpenNebulaCloud.of(config, self._proxy_url)

    def _to_node(self, machine: VirtualMachine, location: NodeLocation) -> OpenNebulaNode:
        return OpenNebulaNode(machine, location, self._sizes.of(machine), self._image_of(machine), self)

    def _deploy_target(
        self, location: Location, auth: Any, options: DeployOptions, create_keywords: Mapping[str, Any]
    ) -> DeployTarget:
        from stratuslab_libcloud.driver.opennebula import deploy_target

        key_name = create_keywords.get("ex_keyname")
        private_key_file = self._key_pairs(location).private_file(key_name) if key_name else None
        auth = self._auth_of(auth, key_name, location)
        return deploy_target.find(self._locations.cloud(location), auth, private_key_file)

    def _create_options(self) -> Collection[str]:
        from stratuslab_libcloud.driver.opennebula.node_options import NodeOptions

        return NodeOptions.__annotations__

    # -- Sizes

    def list_sizes(  # type: ignore[override]  # narrower than Libcloud's
        self, location: Location = None
    ) -> list[OpenNebulaSize]:
        """The instance types of the configuration, and the capacities of the VM templates that the user may use.

        :param location: the default location if not given
        """
        templates = self._locations.cloud(location).templates.templates()
        return [*self._sizes.configured(), *filter(None, map(self._sizes.of_template, templates))]

    def ex_get_size(self, name: str) -> OpenNebulaSize:
        """The instance type of that name, such as ``m1.small``.

        :raises InvalidArgumentError: when there is none
        """
        return self._sizes.named(name)

    # -- Nodes

    def list_nodes(  # type: ignore[override]  # narrower than Libcloud's
        self,
        *location: object,
        ex_partial: bool = False,
        ex_name: str | re.Pattern[str] | None = None,
        ex_state: States | None = None,
        ex_node_ids: NodeIds | None = None,
        ex_filter: str | int = "mine",
        ex_details: bool = False,
    ) -> list[OpenNebulaNode]:
        """The machines that have not ended, of all locations, which are asked at the same time: one request each.

        :param location: refused, so that nobody takes all machines for those of one location
        :param ex_partial: whether to leave out locations that do not answer, with a warning in the log
        :param ex_name: only those with this name, or whose whole name a compiled regular expression matches
        :param ex_state: only those in this state (`NodeState`) or one of several; ``terminated`` gives ended ones
        :param ex_node_ids: only those with these ids, such as ``["7", "12"]`` or ``range(1000, 2000)``
        :param ex_filter: whose: ``mine``, ``group`` (mine and my groups'), ``all`` that I may see, or a user's id
        :param ex_details: whether to ask for all that is known of each, such as its context and the names of devices
        :raises PartialListError: when a location does not answer; it has the nodes of the others
        :raises NoLocationAnsweredError: when none of several does, also with `ex_partial`
        :raises InvalidArgumentError: when an argument is not valid
        """
        from stratuslab_libcloud.driver.filters import NodeFilter
        from stratuslab_libcloud.driver.opennebula.owners import pool_filter

        node_filter = NodeFilter(ex_name, ex_state, ex_node_ids, pool_filter(ex_filter), bool(ex_details))
        nodes = self._list(location, node_filter, ex_partial)
        order = {each.id: place for place, each in enumerate(self.list_locations())}
        return sorted(nodes, key=lambda node: (order[node.location.id], int(str(node.id))))

    def ex_iterate_nodes(
        self,
        location: Location = None,
        *,
        ex_name: str | re.Pattern[str] | None = None,
        ex_state: States | None = None,
        ex_node_ids: NodeIds | None = None,
        ex_partial: bool = False,
        ex_filter: str | int = "mine",
        ex_details: bool = False,
    ) -> Iterator[OpenNebulaNode]:
        """Yield machines while the clouds are still sending them, the newest first; for very many machines.

        :param location: only this one; all of them, at the same time, if not given
        :param ex_filter: as for `list_nodes`, and all others as well
        :return: an iterator; closing it early ends the requests
        :raises PartialListError: at the end, when a location did not answer
        :raises NoLocationAnsweredError: when none of several does, also with `ex_partial`
        """
        from stratuslab_libcloud.driver.filters import NodeFilter
        from stratuslab_libcloud.driver.opennebula.owners import pool_filter

        node_filter = NodeFilter(ex_name, ex_state, ex_node_ids, pool_filter(ex_filter), bool(ex_details))
        return self._iterate(location, node_filter, ex_partial)

    def ex_get_nodes(self, node_ids: Iterable[str | int], location: Location = None) -> list[OpenNebulaNode]:
        """Certain machines by one request, also those that have ended; unknown ids are left out.

        :param node_ids: their ids
        :param location: the default location if not given
        """
        from stratuslab_libcloud.driver.arguments import machine_number

        where = self._locations.find(location)
        numbers = [machine_number(node_id) for node_id in node_ids]
        found: list[OpenNebulaNode] = []
        for machine in self._locations.cloud(where).compute.certain_machines(numbers).values():
            if isinstance(machine, NotFoundError):
                continue
            if isinstance(machine, Exception):
                raise machine
            found.append(self._to_node(machine, where))
        return found

    def create_node(
        self,
        name: str,
        size: NodeSize | None = None,
        image: NodeImage | None = None,
        location: Location = None,
        auth: NodeAuthSSHKey | NodeAuthPassword | None = None,
        **options: Unpack[NodeOptions],
    ) -> OpenNebulaNode:
        """Start a machine, exactly once, from an image or a VM template. Its addresses are known at once; it runs some
        time later (`wait_until_running`).

        :param size: one of `list_sizes`; of a template its own capacity if None, of an image ``m1.small``
        :param image: from `list_images` or `get_image`, or a `NodeImage` whose id is an image's, or ``template-7``
        :param location: the default location if not given
        :param auth: a `NodeAuthSSHKey`; the configured public key file's if not given, or those that the cloud has
        :param options: see `NodeOptions`
        :raises StratusLabError: when it was not created
        :raises LimitExceededError: when a quota does not permit it
        :raises UnknownOutcomeError: when it is not known whether it was created
        """
        self._check_names(self.create_node, options, self._create_options())
        return self.ex_create_nodes([name], size, image, location, auth, **options)[0]

    def ex_create_nodes(
        self,
        names: Iterable[str],
        size: NodeSize | None = None,
        image: NodeImage | None = None,
        location: Location = None,
        auth: NodeAuthSSHKey | NodeAuthPassword | None = None,
        *,
        ex_progress: OnProgress = None,
        **options: Unpack[NodeOptions],
    ) -> list[OpenNebulaNode]:
        """Start several machines that differ only in their names, each of them exactly once.

        :param names: of the machines; the other parameters are as for `create_node`
        :param ex_progress: is called with a `Progress` after each
        :return: the nodes, in the order of the names
        :raises PartialSuccessError: when some were not created; it has the others, and says for each name why not
        :raises StratusLabError: when an argument cannot be used; none was created
        """
        from stratuslab_libcloud.driver import several_nodes
        from stratuslab_libcloud.driver.opennebula import creation
        from stratuslab_libcloud.driver.opennebula.node_options import CheckedNodeOptions

        self._check_names(self.ex_create_nodes, options, self._create_options())
        where = self._locations.find(location)
        cloud = self._locations.cloud(where)
        auth = self._auth_of(auth, options.get("ex_keyname"), where)
        checked_options = CheckedNodeOptions(options)
        default_size = self._sizes.named(DEFAULT_INSTANCE_TYPE)
        machines = creation.new_machines(cloud, names, size, image, auth, checked_options, default_size)
        nodes = several_nodes.create(cloud, machines, lambda machine: self._to_node(machine, where), ex_progress)
        if checked_options.lifetime is not None:
            self._limit_lifetime(nodes, checked_options.lifetime)
        return nodes

    def _limit_lifetime(self, nodes: list[OpenNebulaNode], seconds: int) -> None:
        """Limit the life of new machines; without a limit they would not be what was asked for, so they are ended."""
        try:
            for node in nodes:
                self.ex_set_lifetime(node, seconds)
        except BaseException:
            self.ex_destroy_nodes(nodes)
            raise

    def _image_of(self, machine: VirtualMachine) -> NodeImage | None:
        """What the first disk was made from; many machines share one object."""
        disk = machine.disks[0] if machine.disks else None
        if disk is None or disk.image_id is None:
            return None
        key = (disk.image_id, disk.image)
        if key not in self._images_of_nodes:
            self._images_of_nodes[key] = NodeImage(id=str(disk.image_id), name=disk.image, driver=self)
        return self._images_of_nodes[key]
