"""What is done on a machine: Libcloud's deployments, one step after the other.

Libcloud looks at no script's exit status, and when a step fails it begins all of them again. Here a script that fails
ends the deployment, and only the step that failed is tried again: never a command that has begun, since nobody knows
what it has done already.
"""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable, Iterator
from typing import TypeGuard, TypeVar

import paramiko
from libcloud.compute.base import Node
from libcloud.compute.deployment import (
    Deployment,
    FileDeployment,
    MultiStepDeployment,
    ScriptDeployment,
    SSHKeyDeployment,
)
from libcloud.compute.ssh import SSHCommandTimeoutError

from stratuslab_libcloud.deployment.execution import ConnectionLostError
from stratuslab_libcloud.deployment.limits import Deadline, DeploymentStoppedError
from stratuslab_libcloud.deployment.script_text import mended
from stratuslab_libcloud.deployment.ssh_client import DeploymentSSHClient

D = TypeVar("D", bound=Deployment)

logger = logging.getLogger("stratuslab_libcloud.deployment")

END_OF_OUTPUT = 2000
"""Characters of a script's output that an exception carries."""

PAUSE_SECONDS = 1.0
SIGNALLED = -1


class ScriptStatusError(Exception):
    """A script ended with another status than 0.

    :param name: the script's
    :param output: the end of its output and errors
    """

    def __init__(self, name: str, status: int, output: str) -> None:
        ending = "was ended by a signal" if status == SIGNALLED else f"ended with status {status}"
        last_line = output.rpartition("\n")[2]
        super().__init__(f"the script {name} {ending}{f', saying: {last_line}' if last_line else ''}")
        self.status = status
        self.output = output

    @classmethod
    def of(cls, script: ScriptDeployment, stdout: str, stderr: str, status: int) -> ScriptStatusError:
        """The error of a script that ended so."""
        output = "\n".join(text.rstrip() for text in (stdout, stderr) if text.strip())
        return cls(str(script.name), status, output[-END_OF_OUTPUT:])


FINAL = (ScriptStatusError, SSHCommandTimeoutError, ConnectionLostError, DeploymentStoppedError)
"""After these a command has begun, or may have, and is not begun again; or the time is over."""


class StepRunner:
    """Runs deployments on one machine.

    :param connect: makes a connection to it
    :param max_tries: how often a step is tried that fails before a command of it has begun
    :param check_exit_status: whether a script's status other than 0 ends the deployment
    :param deadline: of the deployment
    :param label: names the machine in the log
    :param next_step: is told what comes next
    """

    def __init__(
        self,
        connect: Callable[[], DeploymentSSHClient],
        *,
        max_tries: int,
        check_exit_status: bool,
        deadline: Deadline,
        label: str,
        next_step: Callable[[str], object],
    ) -> None:
        self._connect = connect
        self._max_tries = max_tries
        self._check_exit_status = check_exit_status
        self._deadline = deadline
        self._label = label
        self._next_step = next_step

    def run(self, deployment: Deployment, node: Node) -> Node:
        """Run a deployment, of several steps one after the other, over a connection that ends with it.

        :return: the node, or what a step returned as such
        :raises UnreachableError: no connection could be made
        :raises ScriptStatusError: a script ended with another status than 0
        :raises Exception: whatever else the last try of a step raised
        """
        self._client = self._connect()
        try:
            for step in single_steps(deployment):
                self._next_step(_name_of(step))
                node = self._try(step, node)
            return node
        finally:
            self._client.close()

    def _try(self, step: Deployment, node: Node) -> Node:
        tries_left = self._max_tries
        while True:
            tries_left -= 1
            try:
                return self._run_step(step, node)
            except FINAL:
                raise
            except Exception as problem:  # a user's own deployment may raise anything
                if tries_left <= 0 or not self._deadline.left():
                    raise
                self._log("that failed, and is tried again: %s", problem)
            self._recover()

    def _run_step(self, step: Deployment, node: Node) -> Node:
        self._deadline.check()
        self._log("%s", _name_of(step))
        if _is_run_as(step, ScriptDeployment):
            self._run_script(step)
            return node
        returned = step.run(node, self._client)
        for script in _leaves(step):
            if isinstance(script, ScriptDeployment) and script.exit_status is not None:
                self._check_status(script, script.stdout or "", script.stderr or "", script.exit_status)
        return returned or node

    def _run_script(self, script: ScriptDeployment) -> None:
        """What ``ScriptDeployment.run`` does, also where the name has a folder or a space in it.

        The results are looked at here, not in the script, which threads may share.
        """
        text = mended(script.script)
        if text is not script.script:
            self._log("script %s is written as Linux wants it: line ends, no byte order mark", script.name)
        path = self._client.put(str(script.name), contents=text, chmod=0o755)
        command = " ".join([shlex.quote(path), *script.args])
        stdout, stderr, status = self._client.run(command, timeout=script.timeout)
        script.stdout, script.stderr, script.exit_status = stdout, stderr, status
        if script.delete:
            self._remove(path)
        self._log("script %s ended with status %s", script.name, status)
        self._check_status(script, stdout, stderr, status)

    def _remove(self, path: str) -> None:
        try:
            self._client.delete(path)
        except (OSError, EOFError, paramiko.SSHException) as problem:  # no reason to run the script again
            logger.warning("%s: %s stays on the machine: %s", self._label, path, problem)

    def _check_status(self, script: ScriptDeployment, stdout: str, stderr: str, status: int) -> None:
        if self._check_exit_status and status != 0:
            raise ScriptStatusError.of(script, stdout, stderr, status)

    def _recover(self) -> None:
        if self._client.is_connected:
            self._deadline.pause(PAUSE_SECONDS)
        else:
            self._client.close()
            self._client = self._connect()

    def _log(self, text: str, *values: object) -> None:
        logger.info(f"%s: {text}", self._label, *values)


def single_steps(deployment: Deployment) -> Iterator[Deployment]:
    """What is run one after the other.

    :param deployment: of one step or several
    """
    if _is_run_as(deployment, MultiStepDeployment):
        for step in deployment.steps:
            yield from single_steps(step)
    else:
        yield deployment


def _leaves(deployment: Deployment) -> Iterator[Deployment]:
    """The single steps of a deployment."""
    if isinstance(deployment, MultiStepDeployment):
        for step in deployment.steps:
            yield from _leaves(step)
    else:
        yield deployment


def _is_run_as(deployment: Deployment, kind: type[D]) -> TypeGuard[D]:
    """Whether a deployment is of that kind and does not run in a way of its own."""
    return isinstance(deployment, kind) and type(deployment).run is kind.run


def _name_of(step: Deployment) -> str:
    if isinstance(step, ScriptDeployment):
        return f"running script {step.name}"
    if isinstance(step, FileDeployment):
        return f"installing file {step.target}"
    if isinstance(step, SSHKeyDeployment):
        return "installing an SSH key"
    return f"running {type(step).__name__}"
