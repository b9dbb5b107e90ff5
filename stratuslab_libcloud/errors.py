"""Every exception that a user of this package can meet.

Each is a ``LibcloudError``, says in one sentence what is wrong, and carries neither passwords nor keys::

    LibcloudError
    +-- StratusLabError
        +-- ConfigurationError          the user's file or environment: file, section, key
        +-- InvalidArgumentError        a value given to a call (also a ValueError)
        +-- KeyFileError                an SSH key file that is missing, unreadable, locked or does not fit
        +-- MachineFailedError          a machine that the cloud could not start
        +-- WaitTimeoutError            machines that did not run in time (also a TimeoutError)
        +-- DeploymentFailedError       a machine that was started but not deployed (also a DeploymentError)
            +-- ScriptFailedError           a script on it ended with another status than 0
        +-- MissingDependencyError      a package that only this function needs (also a RuntimeError)
        +-- PartialListError            some locations did not answer; carries what the others said
        +-- ServiceError                a service of a cloud (also a ProviderError)
            +-- RefusedCredentialsError     (also an InvalidCredsError)
            +-- PermissionDeniedError       known, but not allowed
            +-- NotFoundError               no such machine, disk or image
            +-- ConflictError               in use, or in a state that does not permit it
            +-- LimitExceededError          quota or size
            +-- RequestRejectedError        any other refusal, with the service's words
            +-- ServiceUnavailableError     down or out of reach (also Libcloud's ServiceUnavailableError)
            +-- ServiceTimeoutError         no complete answer in time (also a TimeoutError)
            +-- MalformedReplyError         not what the protocol says (also a MalformedResponseError)
            +-- UnknownOutcomeError         a write whose effect can not be told; carries its mark
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from libcloud.common.types import (
    InvalidCredsError,
    LibcloudError,
    MalformedResponseError,
    ProviderError,
)
from libcloud.common.types import ServiceUnavailableError as LibcloudServiceUnavailableError
from libcloud.compute.types import DeploymentError

if TYPE_CHECKING:
    from libcloud.compute.base import Node


class Call(NamedTuple):
    """What was asked of whom: the part of a message that tells the user where to look.

    :param location: the section of the configuration file
    :param service: ``compute``, ``disk`` or ``Marketplace``
    :param operation: what was asked, in the service's own words, such as ``one.vm.info``
    :param url: the address, without credentials
    """

    location: str
    service: str
    operation: str
    url: str

    def __str__(self) -> str:
        return f"{self.operation}, {self.service} service of location '{self.location}', {self.url}"


class StratusLabError(LibcloudError):
    """The root of this package's exceptions; its text is the message and nothing else."""

    def __init__(self, message: str) -> None:
        LibcloudError.__init__(self, message, driver=None)

    def __str__(self) -> str:
        return str(self.value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.args, vars(self))


def _rebuilt(kind: type[StratusLabError], args: tuple[Any, ...], state: dict[str, Any]) -> StratusLabError:
    """An exception as it was in the process that it comes from."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class ConfigurationError(StratusLabError):
    """The configuration file or the environment can not be used as it is.

    :param message: what is wrong and what would be right
    :param file: the name of the file, where one is to blame
    :param section: the section in it
    :param key: the key in that section, or the environment variable
    """

    def __init__(
        self, message: str, *, file: str | None = None, section: str | None = None, key: str | None = None
    ) -> None:
        super().__init__(message)
        self.file = file
        self.section = section
        self.key = key


class InvalidArgumentError(StratusLabError, ValueError):
    """A value that was given to a call can not be meant."""


class KeyFileError(StratusLabError):
    """An SSH key file is missing, unreadable, locked, unsupported or does not belong to the other half."""


class MachineFailedError(StratusLabError):
    """The cloud could not start a machine, or it ended while it was waited for.

    :param message: with the cloud's own explanation
    :param node_id: the machine's number
    :param location: where it is
    """

    def __init__(self, message: str, *, node_id: str, location: str) -> None:
        super().__init__(message)
        self.node_id = node_id
        self.location = location


class WaitTimeoutError(StratusLabError, TimeoutError):
    """Machines that were waited for do not run yet."""


class DeploymentFailedError(StratusLabError, DeploymentError):
    """A machine was started, but what was to be done on it was not.

    :param message: what went wrong, and what has become of the machine
    :param node: the machine
    :param original_error: the exception that was raised on the way; Libcloud's ``value`` is the message here
    """

    def __init__(self, message: str, *, node: Node, original_error: Exception | None = None) -> None:
        super().__init__(message)
        self.node = node
        self.driver = node.driver
        self.original_error = original_error


class ScriptFailedError(DeploymentFailedError):
    """A script of a deployment ended with another exit status than 0.

    :param status: the exit status; -1 where a signal ended the script
    :param output: the end of what it printed, and of what it printed as errors
    """

    def __init__(self, message: str, *, node: Node, status: int, output: str) -> None:
        super().__init__(message, node=node)
        self.status = status
        self.output = output


class MissingDependencyError(StratusLabError, RuntimeError):
    """A package is not installed that only the called function needs; the message says how to install it."""


class PartialListError(StratusLabError):
    """Some locations could not be asked; nothing that the others said is lost.

    :param found: what the other locations answered
    :param errors: the exception of each location that failed
    """

    def __init__(self, message: str, *, found: Sequence[Any], errors: Mapping[str, LibcloudError]) -> None:
        super().__init__(message)
        self.found = list(found)
        self.errors = dict(errors)


class ServiceError(StratusLabError, ProviderError):
    """A service of a cloud did not do what it was asked.

    :param problem: what went wrong, in one sentence
    :param call: what was asked of which service
    :param http_code: the HTTP status, or 0 when there was none
    """

    outcome_unknown = False
    """Whether the request may have been carried out all the same."""

    service_message = ""
    """The service's own words, where there were any."""

    def __init__(self, problem: str, call: Call, http_code: int = 0) -> None:
        StratusLabError.__init__(self, f"{problem} ({call})")
        self.problem = problem
        self.call = call
        self.http_code = http_code

    def amend(self, words: str) -> None:
        """Say more in the message: what became of what was asked."""
        self.problem = f"{self.problem}; {words}"
        self.value = f"{self.problem} ({self.call})"
        self.args = (self.value,)


class RefusedCredentialsError(ServiceError, InvalidCredsError):
    """The service does not know the user, or not with this password or certificate."""


class PermissionDeniedError(ServiceError):
    """The service knows the user, who may not do this."""


class NotFoundError(ServiceError):
    """There is no such machine, disk or image, or not any more."""


class ConflictError(ServiceError):
    """The thing is in use, or in a state that does not permit what was asked."""


class LimitExceededError(ServiceError):
    """A quota, a size or a number is used up or out of bounds."""


class RequestRejectedError(ServiceError):
    """The service refused the request for a reason of its own, which is in the message."""


class ServiceUnavailableError(ServiceError, LibcloudServiceUnavailableError):
    """The service is down, overloaded or out of reach.

    :param retry_after: seconds that the service asked to wait, if it did
    """

    def __init__(self, problem: str, call: Call, http_code: int = 0, retry_after: float | None = None) -> None:
        super().__init__(problem, call, http_code)
        self.retry_after = retry_after


class ServiceTimeoutError(ServiceError, TimeoutError):
    """The service did not answer completely within the time limit."""


class MalformedReplyError(ServiceError, MalformedResponseError):
    """The answer is not what the service's protocol says.

    :param body: the start of the answer
    """

    outcome_unknown = True

    def __init__(self, problem: str, call: Call, http_code: int = 0, body: str | None = None) -> None:
        super().__init__(problem, call, http_code)
        self.body = body


class UnknownOutcomeError(ServiceError):
    """A write was sent, its answer was lost, and whether it was carried out can not be told.

    :param mark: what the request carried to be recognized by; look for it before trying again
    """

    def __init__(self, problem: str, call: Call, mark: str) -> None:
        super().__init__(problem, call)
        self.mark = mark
