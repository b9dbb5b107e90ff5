"""The compute service: the XML-RPC of OpenNebula's daemon, directly or behind a proxy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TypeVar

from libcloud.common.types import LibcloudError

from stratuslab_libcloud.client.deadline import Deadline
from stratuslab_libcloud.client.http.messages import Answer, Request
from stratuslab_libcloud.client.http.transport import Transport
from stratuslab_libcloud.client.opennebula import xmlrpc
from stratuslab_libcloud.client.opennebula.dialect import Dialect
from stratuslab_libcloud.client.opennebula.machine import (
    ANY_STATE,
    EVERYTHING,
    Selection,
    VirtualMachine,
    read_machines,
    worthwhile_ranges,
)
from stratuslab_libcloud.client.parallel import outcomes
from stratuslab_libcloud.client.xml_stream import UnreadableDocumentError
from stratuslab_libcloud.config import CloudConfig
from stratuslab_libcloud.errors import (
    ConflictError,
    LimitExceededError,
    MalformedReplyError,
    NotFoundError,
    PermissionDeniedError,
    RefusedCredentialsError,
    RequestRejectedError,
    ServiceError,
)

T = TypeVar("T")

_MY_MACHINES = -3
_NO_LIMIT = -1

_ERROR_OF_CODE: dict[int, type[ServiceError]] = {
    0x0100: RefusedCredentialsError,
    0x0200: PermissionDeniedError,
    0x0400: NotFoundError,
    0x0800: ConflictError,
}


class Compute:
    """Machines of one cloud.

    :param config: the cloud
    :param dialect: what this kind of cloud wants in the calls
    :param proxy_url: an HTTP proxy to use instead of the environment's
    """

    def __init__(self, config: CloudConfig, dialect: Dialect, proxy_url: str | None = None) -> None:
        self._dialect = dialect
        self._timeout = config.compute.timeout
        self._newest = -1
        self._lock = threading.Lock()
        self._transport = Transport(
            config.compute,
            location=config.section,
            service="compute",
            explain=_no_message,
            proxy_url=proxy_url,
        )

    def allocate(self, template: str, timeout: float | None = None) -> int:
        """Create a machine; `client.exactly_once` does it exactly once.

        :param template: the text of its template
        :param timeout: seconds; the configured time limit by default
        :return: its ID
        """
        return self._remember(self._call("one.vm.allocate", template, read=_read_id, timeout=timeout))

    def machine(self, machine_id: int, timeout: float | None = None) -> VirtualMachine:
        """Ask for one machine; also for one that has ended.

        :param timeout: seconds; the configured time limit by default
        :raises NotFoundError: when there never was such a machine
        """
        return self._call("one.vm.info", machine_id, read=_only_machine, repeatable=True, timeout=timeout)

    def certain_machines(
        self, machine_ids: Collection[int], timeout: float | None = None
    ) -> dict[int, VirtualMachine | LibcloudError]:
        """Ask for these machines, also for those that have ended, in as few requests as are sensible.

        :param timeout: seconds; the configured time limit by default
        :return: for each ID the machine, or why it is not known
        """
        deadline = Deadline(self._timeout if timeout is None else timeout)

        def ask(part: Sequence[int]) -> list[VirtualMachine]:
            if len(part) == 1:
                return [self.machine(part[0], deadline.left())]
            return self.machines(Selection(part[0], part[-1], ANY_STATE), deadline.left())

        found: dict[int, VirtualMachine | LibcloudError] = {}
        _collect(found, ask, worthwhile_ranges(machine_ids))
        # The list has the user's own machines; those of others can be asked for one by one.
        _collect(found, ask, [[machine_id] for machine_id in machine_ids if machine_id not in found])
        return {machine_id: found[machine_id] for machine_id in machine_ids}

    @property
    def newest(self) -> int:
        """The highest ID of a machine created here so far, or -1; a machine that is created later has a higher one."""
        return self._newest

    def machines(self, selection: Selection = EVERYTHING, timeout: float | None = None) -> list[VirtualMachine]:
        """Ask for machines of the user.

        :param timeout: seconds; the configured time limit by default
        """
        return self.read_machines(list, selection, timeout)

    def read_machines(
        self,
        read: Callable[[Iterator[VirtualMachine]], T],
        selection: Selection = EVERYTHING,
        timeout: float | None = None,
    ) -> T:
        """Ask for machines of the user and process them while they arrive.

        :param read: takes the machines; is called again, from the start, when the connection was lost
        :param timeout: seconds, reading included; the configured time limit by default
        :return: what `read` returned
        """
        first, last, state = selection
        return self._call(
            "one.vmpool.info",
            _MY_MACHINES,
            _NO_LIMIT if first is None else first,
            _NO_LIMIT if last is None else last,
            state,
            read=lambda text: read(read_machines(text)),
            repeatable=True,
            timeout=timeout,
        )

    def kill(self, machine_id: int) -> None:
        """End a machine at once, in whatever state it is; what is not saved is lost."""
        self._call("one.vm.action", self._dialect.kill, machine_id, read=_read_id, repeatable=True)

    def shutdown(self, machine_id: int) -> None:
        """Let a machine's operating system shut it down."""
        self._call("one.vm.action", self._dialect.shutdown, machine_id, read=_read_id)

    def close(self) -> None:
        """Close the idle connections."""
        self._transport.close()

    def _remember(self, machine_id: int) -> int:
        with self._lock:
            self._newest = max(self._newest, machine_id)
        return machine_id

    def _call(
        self,
        method: str,
        *parameters: str | int,
        read: Callable[[Iterable[str]], T],
        repeatable: bool = False,
        timeout: float | None = None,
    ) -> T:
        request = Request(
            operation=method,
            method="POST",
            path="",
            body=xmlrpc.call_body(method, (self._dialect.session, *parameters)),
            headers={"Content-Type": "text/xml", "Accept": "text/xml"},
            repeatable=repeatable,
        )
        return self._transport.request(request, lambda answer: _read(answer, read), timeout=timeout)


def _collect(
    found: dict[int, VirtualMachine | LibcloudError],
    ask: Callable[[Sequence[int]], list[VirtualMachine]],
    parts: Sequence[Sequence[int]],
) -> None:
    """Add the answer about each part of some IDs; an error counts for all of its part."""
    for part, outcome in zip(parts, outcomes(ask, parts), strict=True):
        if isinstance(outcome, LibcloudError):
            found.update(dict.fromkeys(part, outcome))
        else:
            found.update({machine.id: machine for machine in outcome})


def _read(answer: Answer, read: Callable[[Iterable[str]], T]) -> T:
    """Read a reply's value; a refusal, a fault or an unreadable reply is raised as one of the package's errors."""
    text = xmlrpc.reply_text(answer.chunks())
    try:
        return read(text)
    except xmlrpc.RefusalError as refusal:
        raise _error_of(refusal, answer) from None
    except xmlrpc.FaultError as fault:
        problem = f"the service did not understand the call: {answer.printable(fault.text)} ({fault.code})"
        raise RequestRejectedError(problem, answer.call) from None
    except UnreadableDocumentError as error:
        raise MalformedReplyError(f"the answer cannot be read: {answer.printable(str(error))}", answer.call) from error


def _error_of(refusal: xmlrpc.RefusalError, answer: Answer) -> ServiceError:
    message = answer.printable(refusal.text)
    kind = _ERROR_OF_CODE.get(refusal.code, RequestRejectedError)
    if "quota" in message.lower():
        kind = LimitExceededError
    error = kind(f"the service refused the request: {message}", answer.call)
    error.service_message = message
    return error


def _read_id(text: Iterable[str]) -> int:
    """The value of a reply that is a machine's ID."""
    value = "".join(text).strip()
    if not (value.isascii() and value.isdigit() and len(value) < 11):
        raise UnreadableDocumentError("it should contain the ID of a machine")
    return int(value)


def _only_machine(text: Iterable[str]) -> VirtualMachine:
    machines = list(read_machines(text))
    if len(machines) != 1:
        raise UnreadableDocumentError("it should contain one machine")
    return machines[0]


def _no_message(_: bytes) -> None:
    """HTTP errors come with an HTML page of the web server, which says no more than the status."""
