"""Every exception that a user of this package can meet.

Each is a ``LibcloudError``, says in one sentence what is wrong, and contains neither passwords nor keys::

    LibcloudError
    +-- StratusLabError
        +-- ConfigurationError          the user's file or environment: file, section, key
        +-- InvalidArgumentError        a value given to a call (also a ValueError)
        +-- InvalidMetadataError        image metadata that cannot be read, or is not what it must be
        +-- KeyFileError                an SSH key file that is missing, unreadable, encrypted, or not half of a pair
        +-- KeyPairNotFoundError        no key pair of that name (also Libcloud's KeyPairDoesNotExistError)
        +-- MachineFailedError          a machine that the cloud could not start
        +-- WaitTimeoutError            machines that did not run, or were not gone, in time (also a TimeoutError)
        +-- DeploymentFailedError       a machine that was started but not deployed (also a DeploymentError)
            +-- ScriptFailedError           a script on it ended with another status than 0
        +-- SomeDeploymentsFailedError  of several machines, some were not deployed; carries all of them
        +-- MissingDependencyError      a package that only this function needs (also a RuntimeError)
        +-- NoLocationAnsweredError     none of several locations answered; has the exception of each
        +-- PartialListError            some locations did not answer; has the answers of the others
        +-- PartialSuccessError         of several machines, some were not created or destroyed; carries the others
        +-- ServiceError                a service of a cloud (also a ProviderError)
            +-- RefusedCredentialsError     (also an InvalidCredsError)
            +-- PermissionDeniedError       known, but not allowed
            +-- NotFoundError               no such machine, disk or image
            +-- ConflictError               in use, or in a state that does not permit it
                +-- NameTakenError              another thing of the user has this name
            +-- LimitExceededError          quota or size
            +-- RequestRejectedError        any other refusal, with the service's message
            +-- ServiceUnavailableError     down or unreachable (also Libcloud's ServiceUnavailableError)
            +-- ServiceTimeoutError         no complete answer in time (also a TimeoutError)
            +-- MalformedReplyError         not what the protocol says (also a MalformedResponseError)
            +-- UnknownOutcomeError         a write whose result is not known; has its mark
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from libcloud.common.types import (
    InvalidCredsError,
    LibcloudError,
    MalformedResponseError,
    ProviderError,
)
from libcloud.common.types import ServiceUnavailableError as LibcloudServiceUnavailableError
from libcloud.compute.types import DeploymentError, KeyPairDoesNotExistError

if TYPE_CHECKING:
    from libcloud.compute.base import Node, NodeDriver


_PRIVATE_KEY = re.compile(
    r"(-----BEGIN [A-Z ]*PRIVATE KEY-----|PuTTY-User-Key-File).*?(-----END [A-Z ]*PRIVATE KEY-----|Private-MAC:|\Z)",
    re.DOTALL,
)
_URL_CREDENTIALS = re.compile(r"//[^\s'\"/@]*:[^\s'\"@]*@")
_URL_QUERY = re.compile(r"(://[^\s'\"?]*)\?(?!\w+=\d{1,10}(?:[\s'\"),]|\Z))[^\s'\"),]*")  # a short number is no secret


def without_secrets(text: str) -> str:
    """A text without private keys, and without the credentials and queries of the URLs in it."""
    text = _PRIVATE_KEY.sub("(the text of a private key)", text)
    return _URL_QUERY.sub(r"\1?...", _URL_CREDENTIALS.sub("//", text))


class Call(NamedTuple):
    """A request to a service: the part of a message that tells the user where to look.

    :param location: the section of the configuration file
    :param service: ``compute``, ``disk`` or ``Marketplace``
    :param operation: the service's own name for the request, such as ``one.vm.info``
    :param url: without credentials
    """

    location: str
    service: str
    operation: str
    url: str

    def __str__(self) -> str:
        return f"{self.operation}, {self.service} service of location '{self.location}', {self.url}"


class StratusLabError(LibcloudError):
    """The base of this package's exceptions; its text is only the message.

    A message repeats what was given, so that it can be found; but no private key, no password of a URL and no query of
    one, wherever a caller or a file has put them.
    """

    def __init__(self, message: str) -> None:
        LibcloudError.__init__(self, without_secrets(message), driver=None)

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
    """The configuration file or the environment cannot be used as it is.

    :param message: what is wrong and what would be correct
    :param file: the name of the file, if the mistake is in one
    :param section: the section in it
    :param key: the key in that section, or the environment variable
    """

    def __init__(
        self, message: str, *, file: str | None = None, section: str | None = None, key: str | None = None
    ) -> None:
        super().__init__(message)
        self.file = None if file is None else without_secrets(file)
        self.section = section
        self.key = key


class InvalidArgumentError(StratusLabError, ValueError):
    """A value that was passed to a call is not valid."""


class InvalidMetadataError(StratusLabError):
    """Image metadata, an entry of a Marketplace, cannot be read, or is not what it must be."""


class KeyFileError(StratusLabError):
    """An SSH key file is missing, unreadable, encrypted or unsupported, or the two files are not a key pair."""


class KeyPairNotFoundError(StratusLabError, KeyPairDoesNotExistError):
    """There is no key pair of that name.

    :param name: the name
    :param driver: that was asked
    """

    def __init__(self, message: str, *, name: str, driver: NodeDriver) -> None:
        super().__init__(message)
        self.key_pair_name = name
        self.driver = driver


class MachineFailedError(StratusLabError):
    """The cloud could not start a machine, or it ended while the caller waited for it.

    :param message: with the cloud's own explanation
    :param node: the machine
    """

    def __init__(self, message: str, *, node: Node) -> None:
        super().__init__(message)
        self.node = node


class WaitTimeoutError(StratusLabError, TimeoutError):
    """Machines are not yet what they were waited for to be.

    :param nodes: these machines, as they were seen last
    :param ready: the others that were waited for
    """

    def __init__(self, message: str, *, nodes: Sequence[Node], ready: Sequence[Node]) -> None:
        super().__init__(message)
        self.nodes = list(nodes)
        self.ready = list(ready)


class DeploymentFailedError(StratusLabError, DeploymentError):
    """A machine was started, but the deployment on it failed.

    :param message: what went wrong, and whether the machine was destroyed
    :param node: the machine
    :param original_error: the exception that was the cause; Libcloud's ``value`` is the message here
    :ivar destroyed: whether the machine was destroyed
    """

    def __init__(self, message: str, *, node: Node, original_error: Exception | None = None) -> None:
        super().__init__(message)
        self.node = node
        self.driver = node.driver
        self.original_error = original_error
        self.destroyed = False


class ScriptFailedError(DeploymentFailedError):
    """A script of a deployment ended with an exit status other than 0.

    :param status: the exit status; -1 when a signal ended the script
    :param output: the end of its output and of its error output
    """

    def __init__(self, message: str, *, node: Node, status: int, output: str) -> None:
        super().__init__(message, node=node)
        self.status = status
        self.output = output


class SomeDeploymentsFailedError(StratusLabError):
    """Of several machines, some were not deployed, or none was; what became of each is here.

    :param machines: all of them, each a `DeployedNode`
    """

    def __init__(self, message: str, *, machines: Sequence[Any]) -> None:
        super().__init__(message)
        self.machines = list(machines)


class MissingDependencyError(StratusLabError, RuntimeError):
    """A package that only the called function needs is not installed; the message says how to install it."""


class NoLocationAnsweredError(StratusLabError):
    """None of several locations answered, so that nothing is known; an empty list would say that there is nothing.

    :param errors: the exception of each location
    """

    def __init__(self, message: str, *, errors: Mapping[str, LibcloudError]) -> None:
        super().__init__(message)
        self.errors = dict(errors)


class PartialListError(StratusLabError):
    """Some locations did not answer; the answers of the others are here.

    :param found: what the other locations answered
    :param errors: the exception of each location that failed
    """

    def __init__(self, message: str, *, found: Sequence[Any], errors: Mapping[str, LibcloudError]) -> None:
        super().__init__(message)
        self.found = list(found)
        self.errors = dict(errors)


class PartialSuccessError(StratusLabError):
    """Of several machines, some or all could not be created or destroyed; what became of the others is not lost.

    :param nodes: those that were created or destroyed, in the order in which they were given; empty when none was
    :param errors: why not, by the place in that order, which begins at 0
    """

    def __init__(self, message: str, *, nodes: Sequence[Node], errors: Mapping[int, LibcloudError]) -> None:
        super().__init__(message)
        self.nodes = list(nodes)
        self.errors = dict(errors)


class ServiceError(StratusLabError, ProviderError):
    """A service of a cloud did not do what it was asked to do.

    :param problem: what went wrong, in one sentence
    :param call: the request, and the service
    :param http_code: the HTTP status, or 0 when there was none
    """

    outcome_unknown = False
    """Whether the service may have executed the request although it failed."""

    service_message = ""
    """The service's own message, if there was one."""

    server = ""
    """What the web server calls itself that sent an HTTP error."""

    def __init__(self, problem: str, call: Call, http_code: int = 0) -> None:
        StratusLabError.__init__(self, f"{problem} ({call})")
        self.problem = without_secrets(problem)
        self.call = call._replace(url=without_secrets(call.url))
        self.http_code = http_code

    def amend(self, text: str) -> None:
        """Add to the message what the result of the request is."""
        self.problem = f"{self.problem}; {text}"
        self.value = without_secrets(f"{self.problem} ({self.call})")
        self.args = (self.value,)


class RefusedCredentialsError(ServiceError, InvalidCredsError):
    """The service does not know this user with this password or certificate."""


class PermissionDeniedError(ServiceError):
    """The service knows the user, but does not allow this."""


class NotFoundError(ServiceError):
    """There is no such machine, disk or image, or it does not exist any more."""


class ConflictError(ServiceError):
    """The thing is in use, or in a state that does not allow this."""


class NameTakenError(ConflictError):
    """Another image of the same user has this name, and names of images are unique."""


class LimitExceededError(ServiceError):
    """A quota is used up, or a size or a number is too large."""

    resource: str | None = None
    """What is limited, where OpenNebula says it, such as ``VM CPU`` or ``DATASTORE SIZE``."""

    limit: str | None = None
    """How much of it there may be."""


class RequestRejectedError(ServiceError):
    """The service refused the request for another reason, which is in the message."""


class ServiceUnavailableError(ServiceError, LibcloudServiceUnavailableError):
    """The service is down, overloaded or unreachable.

    :param retry_after: seconds that the service asked to wait, if it did
    """

    def __init__(self, problem: str, call: Call, http_code: int = 0, retry_after: float | None = None) -> None:
        super().__init__(problem, call, http_code)
        self.retry_after = retry_after


class ServiceTimeoutError(ServiceError, TimeoutError):
    """The service did not answer completely within the time limit."""


class MalformedReplyError(ServiceError, MalformedResponseError):
    """The answer does not follow the service's protocol.

    :param body: the start of the answer
    """

    outcome_unknown = True

    def __init__(self, problem: str, call: Call, http_code: int = 0, body: str | None = None) -> None:
        super().__init__(problem, call, http_code)
        self.body = body


class UnknownOutcomeError(ServiceError):
    """A write was sent, its answer was lost, and it is not known whether the service executed it.

    :param mark: what the new machine or disk would have as its mark; look for it before trying again
    """

    def __init__(self, problem: str, call: Call, mark: str) -> None:
        super().__init__(problem, call)
        self.mark = mark
