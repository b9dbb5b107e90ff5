"""The command ``stratus-run-cluster``: starts machines that know each other."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from stratus_commands import machine_options, options, running, starting
from stratus_commands.connection import Connection, connect
from stratus_commands.failures import CommandError, UsageError
from stratus_commands.output import Output
from stratus_commands.parsing import CommandParser
from stratus_commands.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stratus_commands.cluster import Cluster
    from stratus_commands.remote import Shell
    from stratuslab_libcloud.driver.nodes import LocatedNode

NAME = "stratus-run-cluster"
_RUN_SECONDS = _REACH_SECONDS = 600.0
_AT_ONCE = 8


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "image",
        "Starts several virtual machines from one image as a cluster: a master and its workers, which know each "
        "other's addresses. The image argument is the Marketplace ID or persistent volume UUID to start.",
        f"{prog} --number 4 --mpi-machine-file --cluster-user jane BN1EEkPiBx87_uLj2-sdybSI-Xb",
    )
    options.add_config(parser)
    parser.add_argument("image", nargs="*", help="what to start")
    _add_cluster(parser)
    machine_options.add_start(parser)
    machine_options.add_machine(parser)
    return parser


def _add_cluster(parser: CommandParser) -> None:
    group = parser.add_argument_group("Cluster")
    group.add_argument(
        "--shared-folder", metavar="FOLDER", default="", help="folder of the master that the workers mount by NFS"
    )
    group.add_argument(
        "--ssh-hostbased", action="store_true", help="let the machines' users log in to the others without keys"
    )
    group.add_argument(
        "--cluster-admin",
        metavar="USER",
        default="root",
        help="who sets up the machines (default root; others use sudo)",
    )
    group.add_argument(
        "--cluster-user", metavar="USER", default="", help="user that is added on all machines, with a key for SSH"
    )
    group.add_argument(
        "--mpi-machine-file", action="store_true", help="write /tmp/machinefile, with the processors of each machine"
    )
    group.add_argument("--include-master", action="store_true", help="put the master into the MPI machine file as well")
    group.add_argument(
        "--add-packages", metavar="NAMES", default="", help="packages to install on all machines (separate by ,)"
    )
    group.add_argument("--master-vmid", metavar="VM-ID", help="a machine that runs already, to be the master")
    group.add_argument(
        "--tolerate-failures", action="store_true", help="go on without machines that fail or cannot be reached"
    )
    group.add_argument(
        "--clean-after-failure",
        action="store_true",
        default=True,
        help="stop new machines after a failure (default)",
    )
    group.add_argument(
        "--no-clean-after-failure",
        dest="clean_after_failure",
        action="store_false",
        help="leave all machines as they are after a failure",
    )


def run(arguments: Namespace) -> int:
    """Start the machines, and set them up.

    :raises UsageError: no image is named, or no machine is wanted
    :raises CommandError: the cluster is not there; its new machines were stopped
    """
    if len(arguments.image) != 1:
        raise UsageError("Please specify the machine image to start")
    starting.check_arguments(arguments)
    output = Output(arguments)
    with connect(arguments) as connection, progress(output) as show:
        order = starting.prepare(connection, arguments.image[0], arguments)
        master = _master(connection, arguments.master_vmid)
        if not (master or order.number):
            raise UsageError("A cluster has at least one machine")
        output.title("Starting cluster")
        builder = _Builder(connection, arguments, output, show)
        nodes = _start(order, builder)
        try:
            _set_up([*master, *nodes], builder)
        except BaseException:
            builder.clean(nodes)
            raise
    return 0


def _start(order: starting.Order, builder: _Builder) -> Sequence[LocatedNode]:
    """Start the machines, all of them or as many as can be.

    :raises PartialSuccessError: not all could be, and failures are not tolerated
    """
    from stratuslab_libcloud.errors import PartialSuccessError

    try:
        return starting.start(builder.connection, order, builder.output, builder.arguments.output)
    except PartialSuccessError as error:
        started: list[Any] = error.nodes
        if not builder.arguments.tolerate_failures or not started:
            builder.clean(started)
            raise
        builder.output.warning(f"Going on with fewer machines: {error}")
        return started


def _master(connection: Connection, vm_id: str | None) -> Sequence[LocatedNode]:
    """The machine that is the master already, if one is named."""
    return [] if vm_id is None else [connection.driver.ex_get_node(vm_id, connection.section)]


class _Builder:
    """What is needed to make a cluster of machines."""

    def __init__(self, connection: Connection, arguments: Namespace, output: Output, show: Any) -> None:
        self.connection = connection
        self.arguments = arguments
        self.output = output
        self.show = show

    def on(self, node: LocatedNode, function: Callable[[Shell], object]) -> LocatedNode:
        """Log in to a machine, and do something there."""
        from stratus_commands.remote import on_machine

        user = self.arguments.cluster_admin
        return on_machine(self.connection, node, function, self.output, timeout=_REACH_SECONDS, user=user)

    def clean(self, nodes: Sequence[LocatedNode]) -> None:
        """Stop machines after a failure, unless they are to be looked at."""
        from libcloud.common.types import LibcloudError

        if not nodes or not self.arguments.clean_after_failure:
            return
        self.output.step("Stopping all machines of the cluster")
        try:
            self.connection.driver.ex_destroy_nodes(nodes)
        except LibcloudError as problem:  # what failed before is told, and this, too
            self.output.warning(f"Not all machines could be stopped: {problem}")

    def on_all(
        self, task: str, nodes: Sequence[LocatedNode], function: Callable[[Shell, int], object]
    ) -> list[Exception | None]:
        """Log in to machines, to several at the same time; for each, what went wrong there.

        :param task: what is done, for people at a terminal
        """
        from concurrent.futures import ThreadPoolExecutor

        def on_one(number: int) -> Exception | None:
            try:
                self.on(nodes[number], lambda shell: function(shell, number))
            except Exception as problem:
                if not running.is_told_in_words(problem):
                    raise
                return problem
            return None

        problems: list[Exception | None] = []
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            for problem in threads.map(on_one, range(len(nodes))):
                self._tell(task, len(problems), len(nodes))
                problems.append(problem)
        self._tell(task, len(problems), len(nodes))
        return problems

    def _tell(self, task: str, done: int, total: int) -> None:
        if self.show is not None:
            from stratuslab_libcloud import Progress

            self.show(Progress(task, done, total, "machines"))


def _set_up(nodes: Sequence[LocatedNode], builder: _Builder) -> None:
    """Wait for the machines, and make a cluster of them.

    :raises CommandError: that is not possible
    """
    output = builder.output
    output.step("Waiting for all cluster VMs to be instantiated...")
    nodes = _running(nodes, builder)
    output.step("Waiting for all instances to become accessible...")
    nodes = _reachable(nodes, builder)
    for number, node in enumerate(nodes):
        output.detail(f"Worker: {starting.address_of(node)}" if number else f"Master is {starting.address_of(node)}")
    cluster = _cluster_of(nodes, builder.arguments)
    output.title("Configuring nodes")

    def set_up(shell: Shell, number: int) -> None:
        for name, step in cluster.steps():
            if number == 0:
                output.step(name)
            step(shell, number)

    # The master first: it has what the workers mount.
    builder.on(nodes[0], lambda shell: set_up(shell, 0))
    workers = nodes[1:]
    problems = builder.on_all("setting up workers", workers, lambda shell, number: set_up(shell, number + 1))
    _check(workers, problems, "set up")
    output.step("Applying user defined cluster services")
    builder.on(nodes[0], cluster.start_services)
    output.step("Done!")


def _running(nodes: Sequence[LocatedNode], builder: _Builder) -> list[LocatedNode]:
    """The machines that run, as soon as all do that can."""
    from stratus_commands.remote import wait_until_running
    from stratuslab_libcloud.errors import MachineFailedError, WaitTimeoutError

    left = list(nodes)
    while left:
        try:
            return wait_until_running(
                builder.connection, left, builder.output, timeout=_RUN_SECONDS, progress=builder.show
            )
        except (MachineFailedError, WaitTimeoutError) as error:
            lost = [error.node] if isinstance(error, MachineFailedError) else error.nodes
            left = _without(left, [str(node.id) for node in lost if node is not None], error, builder)
    return left


def _reachable(nodes: Sequence[LocatedNode], builder: _Builder) -> list[LocatedNode]:
    """The machines that let somebody in.

    :raises CommandError: one does not, and failures are not tolerated; or none does
    """
    problems = builder.on_all("logging in", nodes, lambda shell, _: shell.run("true", "a command"))
    left = list(nodes)
    for node, problem in zip(nodes, problems, strict=True):
        if problem is not None:
            left = _without(left, [str(node.id)], problem, builder)
    return left


def _without(
    nodes: Sequence[LocatedNode], lost: Sequence[str], problem: Exception, builder: _Builder
) -> list[LocatedNode]:
    """The machines that are left after some were lost; those are stopped.

    :raises CommandError: failures are not tolerated, or no machine is left
    """
    left = [node for node in nodes if str(node.id) not in lost]
    if not builder.arguments.tolerate_failures or not left or len(left) == len(nodes):
        raise CommandError(f"the cluster is not complete: {problem}") from None
    builder.output.warning(f"Going on without machine {', '.join(lost)}: {problem}")
    if builder.arguments.clean_after_failure:
        builder.connection.driver.ex_destroy_nodes([node for node in nodes if str(node.id) in lost])
    return left


def _check(nodes: Sequence[LocatedNode], problems: Sequence[Exception | None], what: str) -> None:
    wrong = [
        f"machine {node.id}: {problem}" for node, problem in zip(nodes, problems, strict=True) if problem is not None
    ]
    if wrong:
        raise CommandError(f"{len(wrong)} of {len(nodes)} workers were not {what}: {'; '.join(wrong)}")


def _cluster_of(nodes: Sequence[LocatedNode], arguments: Namespace) -> Cluster:
    from stratus_commands.cluster import Cluster, Member, UserKey

    return Cluster(
        [Member(starting.address_of(node), _cores_of(node)) for node in nodes],
        packages=[name.strip() for name in arguments.add_packages.split(",") if name.strip()],
        machine_file=arguments.mpi_machine_file,
        include_master=arguments.include_master,
        user=arguments.cluster_user,
        shared_folder=arguments.shared_folder,
        hostbased=arguments.ssh_hostbased,
        key=UserKey.generate() if arguments.cluster_user else None,
    )


def _cores_of(node: LocatedNode) -> int:
    extra: Any = node.extra
    return int(extra.get("vcpu") or extra.get("cpu") or 1)


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
