"""What every kind of cloud shares of Libcloud's calls: listing, waiting, destroying; deploying is in `deploy_calls`.

A StratusLab cloud is an OpenNebula, so machines are the same thing for each kind. What a kind of cloud has of its own
are a few answers, which stand together under "What a kind of cloud answers" in `BaseNodeDriver`; its images, sizes,
volumes and `create_node` are its own.
"""

from __future__ import annotations

import contextlib
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from libcloud.common.types import LibcloudError
from libcloud.compute.base import Node, NodeDriver, NodeLocation
from libcloud.compute.types import NodeState

from stratuslab_libcloud.driver.arguments import checked, machine_number, proxy_url
from stratuslab_libcloud.driver.locations import CloudT, Location, Locations
from stratuslab_libcloud.driver.nodes import LocatedNode
from stratuslab_libcloud.errors import InvalidArgumentError, NotFoundError

# What only some calls need is imported by them: a program waits for each import when it starts.
if TYPE_CHECKING:
    from typing_extensions import Self

    from stratuslab_libcloud.client.opennebula.machine import VirtualMachine
    from stratuslab_libcloud.config.configuration import Configuration
    from stratuslab_libcloud.config.remembered import Memory
    from stratuslab_libcloud.deployment.polling import Clock
    from stratuslab_libcloud.driver.constructor import ConstructorArguments
    from stratuslab_libcloud.driver.filters import NodeFilter, NodeIds, States
    from stratuslab_libcloud.driver.progress import OnProgress

NodeT = TypeVar("NodeT", bound=LocatedNode)

_log = logging.getLogger(__name__)


class BaseNodeDriver(NodeDriver, ABC, Generic[CloudT, NodeT]):
    """A Libcloud driver for the clouds of one kind that a configuration names; a location is one cloud.

    Nothing is asked before a method needs it. Threads may share a driver.
    """

    def _begin(self, arguments: ConstructorArguments, configuration: Configuration) -> None:
        """What the constructor does, and what is done with a driver that comes from a pickle.

        :param arguments: what the driver is made of
        :param configuration: the locations
        :raises InvalidArgumentError: when an argument is not valid
        """
        from stratuslab_libcloud.config import proxies

        proxies.check_environment()
        super().__init__(arguments.get("key"))  # type: ignore[no-untyped-call]  # Libcloud's has no types
        self._proxy_url = proxy_url(arguments.get("proxy_url"))
        self._arguments = arguments
        self._clock: Clock | None = None
        self._configuration = configuration
        self._locations: Locations[CloudT] = Locations(configuration, self, self._connect)

    def __repr__(self) -> str:
        """The driver and its locations."""
        places = ", ".join(f"'{place.id}'" for place in self._locations.all())
        return f"<{type(self).__name__} of {places}>"

    def __deepcopy__(self, memo: dict[int, Any]) -> BaseNodeDriver[CloudT, NodeT]:
        """A copy of a node or a volume belongs to the same driver."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process, a driver has the same locations, and reads its configuration anew when it is used."""
        from stratuslab_libcloud.config.remembered import Memory

        return _restore, (type(self), self._arguments.without_secrets(), Memory.of(self._configuration))

    # -- What a kind of cloud answers

    @abstractmethod
    def _connect(self, config: Any) -> CloudT:
        """The services of one cloud; its machines are at `compute`, which knows the session that goes first, the
        action that ends a machine, and how a creation is looked for.

        :param config: the settings of this kind of cloud
        """

    @abstractmethod
    def _to_node(self, machine: VirtualMachine, location: NodeLocation) -> NodeT:
        """A machine as Libcloud's node."""

    @abstractmethod
    def _create_options(self) -> Collection[str]:
        """The names of the arguments that `create_node` has besides Libcloud's."""

    # -- Locations

    def list_locations(self) -> list[NodeLocation]:
        """The sections of the configuration file, in its order."""
        return self._locations.all()

    @property
    def default_location(self) -> NodeLocation:
        """The location that is used where none is given."""
        return self._locations.find(None)

    def ex_close(self) -> None:
        """Close the idle connections to all clouds; the driver can be used again afterwards."""
        self._locations.close()

    def ex_use_clock(self, clock: Clock | None) -> None:
        """Wait for machines by another clock than the computer's: a test of a time limit takes no time then.

        :param clock: such as the sandbox's `ManualClock`, whose `sleep` moves it on; None for the computer's
        """
        self._clock = clock

    def __enter__(self) -> Self:
        """For ``with driver:``, at whose end the idle connections are closed."""
        return self

    def __exit__(self, *_: object) -> None:
        self.ex_close()

    # -- Nodes

    def list_nodes(  # type: ignore[override]  # narrower than Libcloud's
        self,
        *location: object,
        ex_partial: bool = False,
        ex_name: str | re.Pattern[str] | None = None,
        ex_state: States | None = None,
        ex_node_ids: NodeIds | None = None,
    ) -> list[NodeT]:
        """The user's machines that have not ended, of all locations, which are asked at the same time.

        :param location: refused, so that nobody takes all machines for those of one location
        :param ex_partial: whether to leave out locations that do not answer, with a warning in the log
        :param ex_name: only those with this name, or whose whole name a compiled regular expression matches
        :param ex_state: only those in this state (`NodeState`) or one of several; ``terminated`` gives ended ones
        :param ex_node_ids: only those with these ids, such as ``["7", "12"]`` or ``range(1000, 2000)``
        :raises PartialListError: when a location does not answer; it has the nodes of the others
        :raises NoLocationAnsweredError: when none of several does, also with `ex_partial`
        :raises InvalidArgumentError: when a name, a state or an id is not valid
        """
        from stratuslab_libcloud.driver.filters import NodeFilter

        return self._list(location, NodeFilter(ex_name, ex_state, ex_node_ids), ex_partial)

    def list_nodes_in_location(self, location: NodeLocation | str) -> list[NodeT]:
        """The user's machines that have not ended, of one location.

        :raises ServiceError: when it does not answer as it should
        """
        return self._nodes_at(self._locations.find(location))

    def ex_iterate_nodes(
        self,
        location: Location = None,
        *,
        ex_name: str | re.Pattern[str] | None = None,
        ex_state: States | None = None,
        ex_node_ids: NodeIds | None = None,
        ex_partial: bool = False,
    ) -> Iterator[NodeT]:
        """Yield the user's machines while the clouds are still sending them; for very many machines.

        A thread reads each cloud's answer as fast as it comes, so the time limit holds for the answer alone: the
        caller may take as long as it likes with each node, and may use the driver. What has arrived is kept until
        the caller asks for it.

        :param location: only this one; all of them, at the same time, if not given
        :return: an iterator; closing it early ends the requests
        :raises PartialListError: at the end, when a location did not answer
        :raises NoLocationAnsweredError: when none of several does, also with `ex_partial`
        """
        from stratuslab_libcloud.driver.filters import NodeFilter

        return self._iterate(location, NodeFilter(ex_name, ex_state, ex_node_ids), ex_partial)

    def ex_get_node_details(
        self, node: Node | str | int, location: Location = None, *, ex_include_ended: bool = False
    ) -> NodeT | None:
        """A machine as it is now, or None for one that has ended or never was: many programs test for that.

        :param node: a node or its id
        :param location: where it is, if `node` is an id; the default location if not given
        :param ex_include_ended: whether one that has ended is returned, too
        """
        try:
            found = self.ex_get_node(node, location)
        except NotFoundError:
            return None
        return found if ex_include_ended or found.state != NodeState.TERMINATED else None

    def ex_get_node(self, node: Node | str | int, location: Location = None) -> NodeT:
        """A machine as it is now, also one that has ended.

        :param node: a node or its id
        :param location: where it is, if `node` is an id; the default location if not given
        :raises NotFoundError: when there never was such a machine
        """
        is_id = isinstance(node, (str, int))
        where = self._locations.find(location) if is_id else self._locations.of(checked(Node, node))
        return self._to_node(self._locations.cloud(where).compute.machine(machine_number(node)), where)

    def destroy_node(self, node: Node, *, ex_progress: OnProgress = None) -> bool:
        """End a machine at once, in whatever state it is. One that is gone already is no error.

        :param ex_progress: is called with a `Progress` at each look at the machine, where the cloud is asked again
        :raises ServiceError: when it cannot be told to end
        """
        from stratuslab_libcloud.client import confirmed_changes

        cloud = self._locations.cloud_of(checked(Node, node))
        with self._telling(ex_progress, f"destroying machine {node.id}", node):
            if not confirmed_changes.kill_machine(cloud.compute, machine_number(node)):
                _log.info("machine %s of location '%s' was gone already", node.id, cloud.config.section)
        return True

    def ex_destroy_nodes(self, nodes: Sequence[Node], *, ex_progress: OnProgress = None) -> None:
        """End machines at once, several at the same time, as `destroy_node` ends one.

        :param ex_progress: is called with a `Progress` after each
        :raises PartialSuccessError: when some cannot be told to end; it has the others
        """
        from stratuslab_libcloud.driver import several_nodes

        several_nodes.destroy(self._locations, nodes, self.destroy_node, ex_progress)

    def wait_until_running(  # type: ignore[override]  # narrower than Libcloud's
        self,
        nodes: Sequence[Node],
        wait_period: float = 5,
        timeout: float = 600,
        ssh_interface: str = "public_ips",
        force_ipv4: bool = True,
        ex_list_nodes_kwargs: dict[str, Any] | None = None,
        *,
        ex_progress: OnProgress = None,
    ) -> list[tuple[NodeT, list[str]]]:
        """Wait until machines run and have an address. Only these machines are asked about, soon at first, then less
        often: a change is noticed within 0.4 seconds and 5 % of the time that was waited.

        :param wait_period: seconds between questions, at the most
        :param timeout: seconds; the last question is asked when they are over
        :param ssh_interface: ``public_ips`` or ``private_ips``: which kind of address they need to have
        :param force_ipv4: whether only IPv4 addresses count
        :param ex_list_nodes_kwargs: accepted because Libcloud has it; nothing is listed
        :param ex_progress: is called with a `Progress` after each question
        :return: each node as it is then, and its addresses, in the order of `nodes`
        :raises MachineFailedError: as soon as one has failed or ended, with the cloud's own words
        :raises WaitTimeoutError: when the time is over; it has those that run, and those that don't
        """
        from stratuslab_libcloud.driver import waiting

        found = waiting.until_running(
            nodes, self._look_at, wait_period, timeout, ssh_interface, force_ipv4, self._clock, ex_progress
        )
        return cast("list[tuple[NodeT, list[str]]]", found)

    def ex_wait_until_gone(
        self,
        nodes: Sequence[Node],
        wait_period: float = 5,
        timeout: float = 600,
        *,
        ex_progress: OnProgress = None,
    ) -> None:
        """Wait until machines that were told to end have ended.

        :param wait_period: seconds between questions, at the most
        :param timeout: seconds; the last question is asked when they are over
        :param ex_progress: is called with a `Progress` after each question
        :raises WaitTimeoutError: when the time is over; it has those that are gone, and those that aren't
        """
        from stratuslab_libcloud.driver import waiting

        waiting.until_gone(nodes, self._look_at, wait_period, timeout, self._clock, ex_progress)

    @contextlib.contextmanager
    def ex_temporary_node(self, *arguments: Any, **keywords: Any) -> Iterator[NodeT]:
        """A machine for a ``with`` statement, at whose end it is destroyed, also after an exception or Ctrl-C.

        :param arguments: as for `create_node`
        :param keywords: as for `create_node`
        :return: a context manager for the node, which is as `create_node` returns it
        :raises ServiceError: when the machine cannot be told to end; after an exception, the log says so instead
        """
        node = cast("NodeT", self.create_node(*arguments, **keywords))
        try:
            yield node
        except BaseException:
            try:
                self.destroy_node(node)
            except LibcloudError as error:
                _log.error("%r may still be there: %s", node, error)
            raise
        self.destroy_node(node)

    def _check_names(self, call: Callable[..., Any], given: Iterable[str], known: Collection[str]) -> None:
        """Check that a call has all these arguments.

        :param known: what it has besides those that it names itself
        :raises TypeError: for one that it does not have, with the one that was probably meant
        """
        from stratuslab_libcloud.driver.argument_names import check_names, named_arguments

        check_names(call.__name__, given, {*named_arguments(call), *known}, {})

    def _telling(self, progress: OnProgress, task: str, subject: object) -> contextlib.AbstractContextManager[None]:
        """For a ``with`` around what is waited for: the caller is told what that is, and when it is done."""
        if progress is None:
            return contextlib.nullcontext()
        from stratuslab_libcloud.driver.progress import one_step

        return one_step(progress, task, subject)

    def _list(self, location: tuple[object, ...], node_filter: NodeFilter, partial: bool) -> list[NodeT]:
        if location:
            raise InvalidArgumentError(
                "list_nodes lists all locations and takes none: list_nodes_in_location(location) lists one, and a "
                "driver made with region= has only one"
            )
        return self._locations.ask_all(lambda place: self._nodes_at(place, node_filter), partial)

    def _iterate(self, location: Location, node_filter: NodeFilter, partial: bool) -> Iterator[NodeT]:
        from stratuslab_libcloud.driver import listing

        locations = self._locations.all() if location is None else [self._locations.find(location)]
        machines = listing.iterate(self._locations, locations, node_filter, partial)
        return (self._to_node(machine, where) for machine, where in machines)

    def _look_at(self, nodes: Sequence[Node], seconds: float) -> Sequence[NodeT | LibcloudError]:
        from stratuslab_libcloud.driver import listing

        return listing.look_at(self._locations, nodes, seconds, self._to_node)

    def _nodes_at(self, location: NodeLocation, node_filter: NodeFilter | None = None) -> list[NodeT]:
        from stratuslab_libcloud.driver import listing

        compute = self._locations.cloud(location).compute
        return listing.read(compute, node_filter, lambda machine: self._to_node(machine, location))


def _restore(
    kind: type[BaseNodeDriver[Any, Any]], arguments: ConstructorArguments, memory: Memory
) -> BaseNodeDriver[Any, Any]:
    """A driver that comes from a pickle."""
    from stratuslab_libcloud.config.remembered import RememberedConfiguration

    driver = kind.__new__(kind)
    driver._begin(arguments, RememberedConfiguration(memory, arguments.load_configuration))
    return driver
