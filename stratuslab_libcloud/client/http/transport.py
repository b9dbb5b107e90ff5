"""One HTTP session a service: credentials, TLS, time limits, pooling, what may be repeated, status to exception.

Reads are repeated while there is time; a write is repeated only where it is certain that it did nothing. Where it is
not, the exception says so (`errors.ServiceError.outcome_unknown`), and who wrote can look for what became of it.
"""

from __future__ import annotations

import http.client
import json
import logging
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import requests
import urllib3

from stratuslab_libcloud.client.http import cancellation as leash
from stratuslab_libcloud.client.http import wire_log as debug
from stratuslab_libcloud.client.http.session import ServiceSession
from stratuslab_libcloud.config import Password, ServiceConfig
from stratuslab_libcloud.errors import (
    Call,
    ConflictError,
    LimitExceededError,
    MalformedReplyError,
    NotFoundError,
    PermissionDeniedError,
    RefusedCredentialsError,
    RequestRejectedError,
    ServiceError,
    ServiceTimeoutError,
    ServiceUnavailableError,
)

T = TypeVar("T")

_log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
"""What a connection may take to be made, within the time limit of the call."""

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 3.0
MOST_ATTEMPTS = 8
MOST_ATTEMPTS_TO_CONNECT = 4

_CREDENTIALS = re.compile(r"//[^/?#]*@")
_CHUNK = 65536
_ERROR_BODY = 4096
_LONGEST_SECONDS = 1e6
_MESSAGE = 300

_ERROR_OF_STATUS: Mapping[int, type[ServiceError]] = {
    401: RefusedCredentialsError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: LimitExceededError,
    429: ServiceUnavailableError,
}
_NO_ADDRESS = (requests.exceptions.InvalidURL, urllib3.exceptions.LocationValueError)
_PASSING = frozenset({429, 502, 503, 504})
_OUTCOME_UNKNOWN = frozenset({502, 503, 504})


@dataclass(frozen=True)
class Request:
    """What is sent to a service.

    :param operation: in the service's own words, for messages
    :param method: the HTTP verb
    :param path: what comes after the service's base address
    :param form: the fields of a form, which become the body
    :param body: the body, where it is not a form
    :param headers: besides the usual ones
    :param repeatable: whether it may be carried out twice without harm
    """

    operation: str
    method: str
    path: str
    form: Mapping[str, str] | None = None
    body: bytes | None = None
    headers: Mapping[str, str] | None = None
    repeatable: bool = False


class Answer:
    """An answer with a status of success, whose body is still to come."""

    def __init__(
        self,
        response: requests.Response,
        call: Call,
        limit: int,
        tap: debug.Tap | None = None,
        secrets: Sequence[str] = (),
    ) -> None:
        self._response = response
        self._limit = limit
        self._tap = tap
        self._secrets = secrets
        self.call = call
        self.url = response.url

    def chunks(self) -> Iterator[bytes]:
        """The body, piece by piece.

        :raises MalformedReplyError: when it is longer than is allowed
        """
        size = 0
        while chunk := self._response.raw.read(_CHUNK):
            size += len(chunk)
            if size > self._limit:
                raise MalformedReplyError(
                    f"the answer is longer than {self._limit} bytes; if it is meant to be, "
                    "raise endpoint_max_answer in the configuration",
                    self.call,
                )
            if self._tap:
                self._tap.received(chunk)
            yield chunk

    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.chunks())

    def json(self) -> Any:
        """The body as a JSON document.

        :raises MalformedReplyError: when it is none
        """
        body = self.body()
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            start = debug.redacted(body[:_MESSAGE].decode("utf-8", "replace"), self._secrets)
            raise MalformedReplyError("the answer is not JSON", self.call, body=start) from error

    def words(self, text: str) -> str:
        """A text of the service's as it may stand in a message: without what it should not repeat."""
        return one_line(debug.redacted(text, self._secrets))


class Transport:
    """What a service client speaks through. Threads may share it.

    :param config: where the service is and how it is spoken to
    :param location: the section, for messages
    :param service: ``compute``, ``disk`` or ``Marketplace``, for messages
    :param explain: takes the body of a refusal and returns the service's own words in it
    :param proxy_url: an HTTP proxy to use instead of the environment's
    """

    def __init__(
        self,
        config: ServiceConfig,
        *,
        location: str,
        service: str,
        explain: Callable[[bytes], str | None],
        proxy_url: str | None = None,
    ) -> None:
        self._config = config
        self._location = location
        self._service = service
        self._explain = explain
        self._proxy_url = proxy_url
        self._places = threading.BoundedSemaphore(config.connections)
        self._lock = threading.Lock()
        self._session: ServiceSession | None = None

    def request(self, request: Request, read: Callable[[Answer], T], *, timeout: float | None = None) -> T:
        """Send a request and read its answer, again if that is harmless and may help.

        :param request: what to send
        :param read: makes the result out of the answer; is called once an attempt
        :param timeout: seconds for all attempts together; the configured time limit by default
        :return: what `read` returned
        :raises ServiceError: one of its kinds
        :raises ConfigurationError: when the credentials' files can not be used
        """
        seconds = self._config.timeout if timeout is None else timeout
        deadline = time.monotonic() + min(seconds, _LONGEST_SECONDS)
        attempt = 1
        while True:
            try:
                return self._attempt(request, read, deadline)
            except _MayPass as failure:
                pause = failure.pause_before(attempt + 1, request.repeatable)
                if pause is None or time.monotonic() + pause >= deadline:
                    raise failure.error from failure.__cause__
                _log.debug("%s; trying again in %.1f s", failure.error, pause)
                if not leash.pause(pause):
                    raise failure.error from failure.__cause__
                attempt += 1

    def call(self, request: Request) -> Call:
        """The request as exceptions name it."""
        url = _without_credentials(self._config.url + request.path)
        return Call(self._location, self._service, request.operation, url)

    def close(self) -> None:
        """Close the idle connections; the transport can be used again afterwards."""
        with self._lock:
            session, self._session = self._session, None
        if session:
            session.close()

    def _attempt(self, request: Request, read: Callable[[Answer], T], deadline: float) -> T:
        call = self.call(request)
        if not self._places.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise ServiceTimeoutError("all connections were busy until the time limit", call)
        try:
            with self._exchange(request, deadline, call) as answer:
                return read(answer)
        finally:
            self._places.release()

    @contextmanager
    def _exchange(self, request: Request, deadline: float, call: Call) -> Iterator[Answer]:
        """Send a request; what breaks until its answer has been read is raised as what it means."""
        tap = debug.tap(request.method, call.url, request.body, request.form, self._secrets())
        try:
            with self._send(request, deadline, call) as response:
                if tap:
                    tap.answered(response)
                if not 200 <= response.status_code < 300:
                    self._refuse(response, call)
                yield Answer(response, call, self._config.max_answer, tap, self._secrets())
        except ServiceError:
            raise
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _failure_of(error, call) from error
        finally:
            if tap:
                tap.end()

    def _send(self, request: Request, deadline: float, call: Call) -> requests.Response:
        try:
            return self._open_session().begin(
                request.method,
                self._config.url + request.path,
                request.headers or {},
                request.body if request.form is None else request.form,
                _time_limits(deadline),
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, ServiceError):
            raise
        except ValueError as error:  # of a library that takes an answer's address apart
            raise MalformedReplyError(f"the answer can not be read: {one_line(str(error))}", call) from error

    def _open_session(self) -> ServiceSession:
        with self._lock:
            if self._session is None:
                self._session = ServiceSession(self._config, self._location, self._proxy_url)
            return self._session

    def _secrets(self) -> tuple[str, ...]:
        credentials = self._config.credentials
        return (credentials.password,) if isinstance(credentials, Password) else ()

    def _refuse(self, response: requests.Response, call: Call) -> NoReturn:
        """Raise what an answer without success means."""
        status = response.status_code
        body = response.raw.read(_ERROR_BODY)
        words = one_line(debug.redacted(self._explain(body) or "", self._secrets()))
        problem = _problem(status, words, response, self._config.credentials is not None)
        if status >= 500 or status == 429:
            error: ServiceError = ServiceUnavailableError(problem, call, status, _retry_after(response))
        else:
            error = _ERROR_OF_STATUS.get(status, RequestRejectedError)(problem, call, status)
        error.outcome_unknown = status in _OUTCOME_UNKNOWN
        error.service_message = words
        if status in _PASSING:
            raise _MayPass(error, harmless=status == 429)
        raise error


class _MayPass(Exception):  # noqa: N818 - a signal between an attempt and the loop around it
    """An attempt failed for a reason that may be gone the next time.

    :param error: what to raise when there is no next time
    :param harmless: whether it is certain that the request was not carried out
    :param connecting: whether no connection could be made
    """

    def __init__(self, error: ServiceError, *, harmless: bool = False, connecting: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.harmless = harmless
        self.connecting = connecting

    def pause_before(self, attempt: int, repeatable: bool) -> float | None:
        """Seconds to wait before that attempt; None when there should be none."""
        most = MOST_ATTEMPTS_TO_CONNECT if self.connecting else MOST_ATTEMPTS
        if attempt > most or not (repeatable or self.harmless):
            return None
        if isinstance(self.error, ServiceUnavailableError) and self.error.retry_after is not None:
            return self.error.retry_after
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 2))
        return longest * random.uniform(0.5, 1.0)


def _time_limits(deadline: float) -> urllib3.Timeout:
    remaining = max(0.001, deadline - time.monotonic())
    return urllib3.Timeout(total=remaining, connect=min(CONNECT_SECONDS, remaining))


def _failure_of(error: Exception, call: Call) -> ServiceError | _MayPass:
    reason = _root_of(error)
    if isinstance(reason, (urllib3.exceptions.ConnectTimeoutError, urllib3.exceptions.NewConnectionError)):
        problem = f"no connection could be made: {_words_of(reason)}"
        return _MayPass(ServiceUnavailableError(problem, call), harmless=True, connecting=True)
    if "CERTIFICATE_VERIFY_FAILED" in str(reason) or "doesn't match" in str(reason):
        return ServiceUnavailableError(
            f"the service's certificate is not trusted: {_words_of(reason)}; "
            "set tls_ca_bundle to the authority's certificate in the section",
            call,
        )
    if isinstance(reason, (TimeoutError, urllib3.exceptions.TimeoutError)):
        late = ServiceTimeoutError("no complete answer came within the time limit", call)
        late.outcome_unknown = True
        return late
    if isinstance(error, requests.exceptions.InvalidSchema) or isinstance(reason, _NO_ADDRESS):
        return RequestRejectedError(f"the address can not be used: {_words_of(reason)}", call)
    if "WRONG_VERSION_NUMBER" in str(reason) or "HTTP_REQUEST" in str(reason):
        return RequestRejectedError("the service does not speak TLS: write its address with http://", call)
    if _is_no_http(reason):
        return MalformedReplyError(f"the answer is not HTTP: {_words_of(reason)}", call)
    lost = ServiceUnavailableError(f"the connection broke off: {_words_of(reason)}", call)
    lost.outcome_unknown = True
    return _MayPass(lost)


def _is_no_http(reason: BaseException) -> bool:
    """Whether an answer came that can not be understood; one that was cut off can come whole another time."""
    inner = next((a for a in reason.args if isinstance(a, BaseException)), reason)
    if isinstance(inner, (http.client.RemoteDisconnected, http.client.IncompleteRead)):
        return False
    return isinstance(inner, (http.client.HTTPException, urllib3.exceptions.InvalidChunkLength))


def _root_of(error: BaseException) -> BaseException:
    """The exception inside those that `requests` and `urllib3` wrap around it."""
    while True:
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((a for a in error.args if isinstance(a, urllib3.exceptions.HTTPError)), None)
        if inner is None or inner is error:
            return error
        error = inner


def _words_of(error: BaseException) -> str:
    """What the innermost exception says, without what the libraries put around it."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, OSError) and cause.strerror:
        return one_line(cause.strerror)
    inner = error.args[-1] if error.args and isinstance(error.args[-1], Exception) else error
    return one_line(str(inner))


def _problem(status: int, words: str, response: requests.Response, has_credentials: bool) -> str:
    if status == 401 and not has_credentials:
        return "the service asks for a name and a password, which the Marketplace never does: is this its address?"
    if status == 401:
        return "the user name with this password, or the certificate, was refused"
    if 300 <= status < 400:
        return f"the service has moved to {_without_query(response.headers.get('Location', 'nowhere'))}"
    if status == 429:
        return f"the service asks to slow down{': ' if words else ''}{words}"
    verb = "refused it" if status < 500 else "failed"
    return f"the service {verb} with status {status}{': ' if words else ''}{words}"


def _without_credentials(url: str) -> str:
    """An address as it may stand in a message."""
    return one_line(_CREDENTIALS.sub("//", url))


def _without_query(url: str) -> str:
    return one_line(url.partition("?")[0])


def _retry_after(response: requests.Response) -> float | None:
    value: str = response.headers.get("Retry-After", "")
    return float(int(value)) if value.isascii() and value.isdigit() and len(value) < 6 else None


def one_line(text: str) -> str:
    """Text from a service as it may stand in a message: short, on one line, printable."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _MESSAGE else line[:_MESSAGE] + "..."
