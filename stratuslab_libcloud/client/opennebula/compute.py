"""The compute service: OpenNebula's XML-RPC behind StratusLab's authenticating proxy.

What is particular to this kind of cloud stands at the top: the names of the actions, and the session string that
goes first. The proxy replaces it by its own (OneProxyServlet); a daemon that is asked directly wants it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from stratuslab_libcloud.client.http.transport import Answer, Request, Transport
from stratuslab_libcloud.client.opennebula import xmlrpc
from stratuslab_libcloud.client.opennebula.machine import EVERYTHING, Selection, VirtualMachine, read_machines
from stratuslab_libcloud.client.xml_stream import NotReadable
from stratuslab_libcloud.config import CloudConfig, Credentials, Password
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

KILL = "finalize"
SHUTDOWN = "shutdown"

_MY_MACHINES = -3
_NO_BOUND = -1

_ERROR_OF_CODE: dict[int, type[ServiceError]] = {
    0x0100: RefusedCredentialsError,
    0x0200: PermissionDeniedError,
    0x0400: NotFoundError,
    0x0800: ConflictError,
}


def session_string(credentials: Credentials | None) -> str:
    """What goes before the other parameters of each call."""
    if isinstance(credentials, Password):
        return f"{credentials.username}:{credentials.password}"
    return "dummy:pass"


class Compute:
    """Machines of one cloud.

    :param config: the cloud
    :param proxy_url: an HTTP proxy to use instead of the environment's
    """

    def __init__(self, config: CloudConfig, proxy_url: str | None = None) -> None:
        self._session = session_string(config.compute.credentials)
        self._newest = -1
        self._lock = threading.Lock()
        self._transport = Transport(
            config.compute,
            location=config.section,
            service="compute",
            explain=_no_words,
            proxy_url=proxy_url,
        )

    def allocate(self, template: str, timeout: float | None = None) -> int:
        """Create a machine; `client.once` does it exactly once.

        :param template: made by `client.blueprint`
        :param timeout: seconds; the configured time limit by default
        :return: its number
        """
        return self._noted(self._call("one.vm.allocate", template, read=_number, timeout=timeout))

    def machine(self, number: int) -> VirtualMachine:
        """Ask for one machine; one that has ended is known, too.

        :raises NotFoundError: when there never was such a machine
        """
        return self._call("one.vm.info", number, read=_only_machine, repeatable=True)

    @property
    def newest(self) -> int:
        """The highest number of a machine that was seen so far; what is created from now on has a higher one."""
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
        """Ask for machines of the user and make something out of them while they arrive.

        :param read: takes the machines; once more from the start when the connection broke off
        :param timeout: seconds, reading included; the configured time limit by default
        :return: what `read` returned
        """
        first, last, state = selection
        return self._call(
            "one.vmpool.info",
            _MY_MACHINES,
            _NO_BOUND if first is None else first,
            _NO_BOUND if last is None else last,
            state,
            read=lambda text: read(read_machines(text)),
            repeatable=True,
            timeout=timeout,
        )

    def kill(self, number: int) -> None:
        """End a machine at once, in whatever state it is; what is not saved is lost."""
        self._call("one.vm.action", KILL, number, read=_number, repeatable=True)

    def shutdown(self, number: int) -> None:
        """Shut a machine down by its own operating system."""
        self._call("one.vm.action", SHUTDOWN, number, read=_number)

    def close(self) -> None:
        """Close the idle connections."""
        self._transport.close()

    def _noted(self, number: int) -> int:
        with self._lock:
            self._newest = max(self._newest, number)
        return number

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
            body=xmlrpc.call_body(method, (self._session, *parameters)),
            headers={"Content-Type": "text/xml", "Accept": "text/xml"},
            repeatable=repeatable,
        )
        return self._transport.request(request, lambda answer: _read(answer, read), timeout=timeout)


def _read(answer: Answer, read: Callable[[Iterable[str]], T]) -> T:
    """Read a reply's value; what the daemon or the bytes say against it is raised as one of the errors."""
    text = xmlrpc.reply_text(answer.chunks())
    try:
        return read(text)
    except xmlrpc.Refusal as refusal:
        raise _refused(refusal, answer) from None
    except xmlrpc.Fault as fault:
        words = f"the service could not make sense of the call: {answer.words(fault.text)} ({fault.code})"
        raise RequestRejectedError(words, answer.call) from None
    except NotReadable as error:
        raise MalformedReplyError(f"the answer can not be read: {answer.words(str(error))}", answer.call) from error


def _refused(refusal: xmlrpc.Refusal, answer: Answer) -> ServiceError:
    words = answer.words(refusal.text)
    kind = _ERROR_OF_CODE.get(refusal.code, RequestRejectedError)
    if "quota" in words.lower():
        kind = LimitExceededError
    error = kind(f"the service refused it: {words}", answer.call)
    error.service_message = words
    return error


def _number(text: Iterable[str]) -> int:
    """The value of a reply that is a machine's number."""
    value = "".join(text).strip()
    if not (value.isascii() and value.isdigit() and len(value) < 11):
        raise NotReadable("it should have a machine's number")
    return int(value)


def _only_machine(text: Iterable[str]) -> VirtualMachine:
    machines = list(read_machines(text))
    if len(machines) != 1:
        raise NotReadable("it should have one machine")
    return machines[0]


def _no_words(_: bytes) -> None:
    """The proxy's refusals are HTML pages of its container, which say nothing that the status doesn't."""
