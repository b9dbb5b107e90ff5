"""Calls to OpenNebula's daemon (``oned``), directly or behind a proxy, and what its refusals mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from stratuslab_libcloud.client.http.failures import RetryableFailure, not_its_own
from stratuslab_libcloud.client.http.messages import Answer, Request
from stratuslab_libcloud.client.http.transport import Transport
from stratuslab_libcloud.client.opennebula import wrong_kind, xmlrpc
from stratuslab_libcloud.client.xml_stream import UnreadableDocumentError
from stratuslab_libcloud.config import ServiceConfig, SessionPassword
from stratuslab_libcloud.errors import (
    Call,
    ConflictError,
    InvalidArgumentError,
    LimitExceededError,
    MalformedReplyError,
    NameTakenError,
    NotFoundError,
    PermissionDeniedError,
    RefusedCredentialsError,
    RequestRejectedError,
    ServiceError,
    ServiceTimeoutError,
    ServiceUnavailableError,
)

T = TypeVar("T")

_ERROR_OF_CODE: dict[int, type[ServiceError]] = {
    0x0100: RefusedCredentialsError,
    0x0200: PermissionDeniedError,
    0x0400: NotFoundError,
    0x0800: ConflictError,
}
_PROBLEM_OF_KIND: dict[type[ServiceError], str] = {
    RefusedCredentialsError: "the user name with this password was refused"
}

_NAME_IS_TAKEN_CODES = frozenset({0x0800, 0x4000})

_AUTHORIZATION = 0x0200

_FAULTS_OF_THE_DAEMON = frozenset({-501, -503, -506})
"""Parameters that do not fit, a call that is not XML-RPC, no such method."""

_NO_USER = "certificate DN or username not provided"
_TIMED_OUT = re.compile("timed out|timeout", re.IGNORECASE)
_STARTING = "Could not find Authorization driver"
_OVER_QUOTA = re.compile(r"quota exceeded|limit of \S+ reached for \w+ quota", re.IGNORECASE)

_METHOD = re.compile(r"\[[\w.]+\]\s*")
_QUOTA = re.compile(r"limit of (?P<limit>\S+) reached for (?P<resource>\w+) quota in (?P<kind>\w+)")
_NAME_IS_TAKEN = re.compile("already taken by|collides with")


class Daemon:
    """One daemon, through which machines, images and all else of its cloud are asked for. Threads may share it.

    :param config: where it is and how to speak to it
    :param session: the session string, the first parameter of each call; it can contain a password
    :param location: the section, for messages
    :param proxy_url: an HTTP proxy to use instead of the environment's
    :param max_request: bytes of a request that the daemon reads; None if it reads any
    """

    def __init__(
        self,
        config: ServiceConfig,
        session: str,
        *,
        location: str,
        proxy_url: str | None = None,
        max_request: int | None = None,
    ) -> None:
        self.timeout = config.timeout
        self._session = session
        self._is_today = isinstance(config.credentials, SessionPassword)
        self._location = location
        self._max_request = max_request
        self._transport = Transport(
            config, location=location, service="compute", explain=_no_message, proxy_url=proxy_url
        )

    def call(
        self,
        method: str,
        *parameters: xmlrpc.Parameter,
        read: Callable[[Iterable[str]], T],
        repeatable: bool = False,
        answer_is_secret: bool = False,
        timeout: float | None = None,
    ) -> T:
        """Call a method.

        :param method: such as ``one.vm.info``
        :param parameters: those after the session string
        :param read: makes the result of the value, which arrives piece by piece; is called again, from the start,
            when the connection was lost
        :param repeatable: whether the call may be sent again although the first one may have been carried out
        :param answer_is_secret: whether the answer contains secrets
        :param timeout: seconds for all attempts; the configured time limit by default
        :raises ServiceError: one of its kinds
        :raises InvalidArgumentError: when the request would be too long; nothing was sent
        """
        request = Request(
            operation=method,
            method="POST",
            path="",
            body=self._body(method, parameters),
            headers={"Content-Type": "text/xml", "Accept": "text/xml"},
            repeatable=repeatable,
            answer_is_secret=answer_is_secret,
        )
        is_damaged = False

        def read_answer(answer: Answer) -> T:
            nonlocal is_damaged
            try:
                return self._read(answer, read, is_damaged)
            except MalformedReplyError:
                is_damaged = True  # which is of use if it is asked for again
                raise

        try:
            return self._transport.request(request, read_answer, timeout=timeout)
        except (NotFoundError, RefusedCredentialsError) as error:
            if not error.http_code:  # the daemon says it with status 200
                raise
            problem = not_its_own(error) if isinstance(error, NotFoundError) else error
            raise wrong_kind.explain_status(problem, is_for_today=self._is_today) from None

    def _read(self, answer: Answer, read: Callable[[Iterable[str]], T], is_damaged: bool) -> T:
        """Read a reply's value; a refusal, a fault or an unreadable reply is raised as one of the package's errors.

        :param is_damaged: whether characters that XML does not have are replaced
        """
        chunks = answer.chunks()
        text = xmlrpc.reply_text(xmlrpc.repaired(chunks) if is_damaged else chunks)
        try:
            return read(text)
        except xmlrpc.RefusalError as refusal:
            error = _error_of(refusal, answer)
            wrong_kind.explain_refusal(error, refusal.items, is_for_today=self._is_today)
            raise (RetryableFailure(error, not_executed=True) if _is_starting(refusal) else error) from None
        except xmlrpc.FaultError as fault:
            raise _failure_of(fault, answer) from None
        except UnreadableDocumentError as error:
            raise answer.unreadable(error) from None

    def _body(self, method: str, parameters: tuple[xmlrpc.Parameter, ...]) -> bytes:
        body = xmlrpc.call_body(method, (self._session, *parameters))
        if self._max_request is not None and len(body) > self._max_request:
            raise InvalidArgumentError(
                f"the request {method} would have {len(body)} bytes, and the compute service of location "
                f"'{self._location}' accepts {self._max_request}: put less into the contextualization"
            )
        return body

    def asked(self, method: str) -> Call:
        """What was asked of which service, for an error that is found out afterwards."""
        return self._transport.call(Request(operation=method, method="POST", path=""))

    def close(self) -> None:
        """Close the idle connections."""
        self._transport.close()


def read_id(text: Iterable[str]) -> int:
    """The value of a reply that is an ID.

    :raises UnreadableDocumentError: when it is none
    """
    value = "".join(text).strip()
    if not (value.isascii() and value.isdigit() and len(value) < 11):
        raise UnreadableDocumentError("it should contain an ID")
    return int(value)


def read_text(text: Iterable[str]) -> str:
    """The value of a reply that is a text."""
    return "".join(text)


def read_nothing(text: Iterable[str]) -> None:
    """Read a reply to its end for whether it is a refusal; its value means another thing in each version."""
    for _ in text:
        pass


def _failure_of(fault: xmlrpc.FaultError, answer: Answer) -> ServiceError | RetryableFailure:
    """The error that a fault means.

    Only some faults are the daemon's own and say that nothing was done. A proxy before it sends a fault when its
    connection to the daemon breaks, after the daemon may have carried out the call, and even twice: the HTTP client of
    Java repeats a POST by itself.
    """
    text = answer.printable(fault.text)
    if fault.code in _FAULTS_OF_THE_DAEMON:
        return RequestRejectedError(f"the service did not understand the call: {text} ({fault.code})", answer.call)
    if _NO_USER in fault.text:
        return RefusedCredentialsError(f"the proxy refused the request: {text}", answer.call)
    problem = f"the proxy could not get the daemon's answer: {text} ({fault.code})"
    kind = ServiceTimeoutError if _TIMED_OUT.search(text) else ServiceUnavailableError
    error = kind(problem, answer.call)
    error.outcome_unknown = True
    return RetryableFailure(error)


def _is_starting(refusal: xmlrpc.RefusalError) -> bool:
    """Whether the daemon has not loaded its drivers yet; it refuses everybody then, for some seconds."""
    return refusal.code == _AUTHORIZATION and _STARTING in refusal.text


def _error_of(refusal: xmlrpc.RefusalError, answer: Answer) -> ServiceError:
    """The error that a refusal means. Its code says it, but for quotas and names, which have no code of their own."""
    message = _METHOD.sub("", answer.printable(refusal.text), count=1)
    kind = _kind_of(refusal.code, message)
    error = kind(f"{_PROBLEM_OF_KIND.get(kind, 'the service refused the request')}: {message}", answer.call)
    error.service_message = message
    quota = _QUOTA.search(message)
    if quota and isinstance(error, LimitExceededError):
        error.resource, error.limit = f"{quota['kind']} {quota['resource']}", quota["limit"]
    return error


def _kind_of(code: int, message: str) -> type[ServiceError]:
    if _STARTING in message:
        return ServiceUnavailableError
    if _OVER_QUOTA.search(message):
        return LimitExceededError
    if code in _NAME_IS_TAKEN_CODES and _NAME_IS_TAKEN.search(message):
        return NameTakenError
    return _ERROR_OF_CODE.get(code, RequestRejectedError)


def _no_message(_: bytes) -> None:
    """HTTP errors come with an HTML page of the web server, which says no more than the status."""
