"""What commands do on machines over SSH, by the driver's deployment calls."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from stratus_commands.failures import CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stratus_commands.connection import Connection
    from stratus_commands.output import Output
    from stratuslab_libcloud.driver.nodes import LocatedNode

_END_OF_OUTPUT = 2000


class Shell:
    """A machine's shell, of one who has logged in.

    :param client: the SSH client that a deployment gets
    :param host: names the machine in messages
    :param output: shows with ``-v`` what is run, and what it prints
    """

    def __init__(self, client: Any, host: str, output: Output) -> None:
        self._client = client
        self._output = output
        self.host = host

    def run(self, command: str, what: str) -> str:
        """Run a command.

        :param what: it is for, for messages
        :return: what it printed
        :raises CommandError: it failed
        """
        self._output.verbose(f"{self.host}: {command}")
        out, errors, status = self._client.run(command)
        for text in (out, errors):
            if text.strip():
                self._output.verbose(text.rstrip())
        if status != 0:
            said = (errors.strip() or out.strip())[-_END_OF_OUTPUT:]
            raise CommandError(f"{what} failed on {self.host} with status {status}{': ' if said else ''}{said}")
        return str(out)

    def write(self, path: str, text: str, mode: int | None = None) -> None:
        """Write a file.

        :raises CommandError: it cannot be written
        """
        try:
            self._client.put(path, text, chmod=mode)
        except OSError as problem:
            raise CommandError(f"{self.host}: {path} cannot be written: {problem}") from None

    def append(self, path: str, line: str) -> None:
        """Add a line to a file that may have it already.

        :raises CommandError: it cannot be written
        """
        file, text = shlex.quote(path), shlex.quote(line)
        self.run(f"grep -qxF -- {text} {file} 2>/dev/null || printf '%s\\n' {text} >> {file}", f"writing {path}")

    def run_script(self, text: str, path: str, what: str) -> str:
        """Run a script that is written there before.

        :return: what it printed
        :raises CommandError: it cannot be written, or failed
        """
        self.write(path, text, 0o755)
        return self.run(shlex.quote(path), what)


class _Work:
    """A deployment that does what a function does."""

    def __init__(self, function: Callable[[Shell], object], host: str, output: Output) -> None:
        self._function = function
        self._host = host
        self._output = output

    def run(self, node: LocatedNode, client: Any) -> LocatedNode:
        self._function(Shell(client, self._host, self._output))
        return node


def on_machine(
    connection: Connection,
    node: LocatedNode,
    function: Callable[[Shell], object],
    output: Output,
    *,
    timeout: float,
    user: str = "root",
    progress: Callable[[Any], object] | None = None,
) -> LocatedNode:
    """Log in to a machine as soon as it lets somebody in, and do something there.

    :param timeout: seconds until somebody is let in
    :param user: who logs in; one who is not root uses sudo
    :param progress: the driver's ``ex_progress``
    :return: the machine, with where it was reached in ``extra``
    :raises CommandError: what the function raised
    :raises DeploymentFailedError: nobody could log in, or the connection was lost
    """
    from stratus_commands.starting import address_of
    from stratuslab_libcloud.errors import DeploymentFailedError

    work: Any = _Work(function, address_of(node) or f"machine {node.id}", output)
    try:
        return connection.driver.ex_deploy_on_node(
            node,
            work,
            ssh_username=user,
            timeout=timeout,
            max_tries=1,
            wait_period=1,
            ssh_interface=_interface(node),
            ex_sudo=user != "root",
            ex_progress=progress,
        )
    except DeploymentFailedError as error:
        if isinstance(error.original_error, CommandError):
            raise error.original_error from None
        raise


def wait_until_running(
    connection: Connection,
    nodes: Sequence[LocatedNode],
    output: Output,
    *,
    timeout: float,
    progress: Callable[[Any], object] | None = None,
) -> list[LocatedNode]:
    """Wait until machines run, with a dot for each.

    :param timeout: seconds for all of them
    :raises MachineFailedError: one has failed
    :raises WaitTimeoutError: the time is over
    """
    running = connection.driver.wait_until_running(
        list(nodes), wait_period=1, timeout=timeout, ssh_interface=_interface(nodes[0]), ex_progress=progress
    )
    found: list[LocatedNode] = [node for node, _ in running]
    for _ in found:
        output.dot()
    return found


def _interface(node: LocatedNode) -> str:
    return "public_ips" if node.public_ips else "private_ips"
