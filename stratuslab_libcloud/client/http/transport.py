"""The transport of one service: it sends requests, and sends them again where this does no harm.

Reads are repeated while there is time. A write is repeated only when it is certain that the service did not execute
it. When this is not certain, the exception says so (`errors.ServiceError.outcome_unknown`), and the caller can ask
the service what happened.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, TypeVar

import requests
import urllib3

from stratuslab_libcloud.client.http import cancellation
from stratuslab_libcloud.client.http.failures import MAX_ATTEMPTS_TO_READ, RetryableFailure, connection_failure, refusal
from stratuslab_libcloud.client.http.messages import Answer, Request, read_part
from stratuslab_libcloud.client.http.redaction import one_line, redacted, url_without_credentials
from stratuslab_libcloud.client.http.session import ServiceSession
from stratuslab_libcloud.client.http.wire_log import start_wire_log
from stratuslab_libcloud.config import Password, ServiceConfig, SessionPassword
from stratuslab_libcloud.errors import Call, MalformedReplyError, ServiceError, ServiceTimeoutError

T = TypeVar("T")

_log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
"""What making a connection may take, within the time limit of the call."""

_MAX_REFUSAL_BODY = 4096
_MAX_SECONDS = 1e6


class Transport:
    """Sends the requests of one service client. Threads may share it.

    :param config: where the service is and how to speak to it
    :param location: the section, for messages
    :param service: ``compute``, ``disk`` or ``Marketplace``, for messages
    :param explain: takes the body of a refusal and returns the service's own message in it
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
        self._free_connections = threading.BoundedSemaphore(config.connections)
        self._lock = threading.Lock()
        self._session: ServiceSession | None = None

    def request(self, request: Request, read: Callable[[Answer], T], *, timeout: float | None = None) -> T:
        """Send a request and read its answer; send it again if this does no harm and may help.

        :param request: what to send
        :param read: makes the result of the answer; it is called once in each attempt
        :param timeout: seconds for all attempts together; the configured time limit by default
        :return: what `read` returned
        :raises ServiceError: one of its subclasses
        :raises ConfigurationError: when the files of the credentials cannot be used
        """
        seconds = self._config.timeout if timeout is None else timeout
        deadline = time.monotonic() + min(seconds, _MAX_SECONDS)
        attempt = 1
        while True:
            try:
                return self._attempt(request, read, deadline)
            except RetryableFailure as failure:
                pause = failure.pause_before(attempt + 1, request.repeatable)
                if pause is None or time.monotonic() + pause >= deadline:
                    raise failure.error from failure.__cause__
                _log.debug("%s; trying again in %.1f s", failure.error, pause)
                if not cancellation.pause(pause):
                    raise failure.error from failure.__cause__
                attempt += 1

    def call(self, request: Request) -> Call:
        """The request as exceptions name it."""
        url = url_without_credentials(self._config.url + request.path)
        return Call(self._location, self._service, request.operation, url)

    def close(self) -> None:
        """Close the idle connections; the transport can be used again afterwards."""
        with self._lock:
            session, self._session = self._session, None
        if session:
            session.close()

    def _attempt(self, request: Request, read: Callable[[Answer], T], deadline: float) -> T:
        call = self.call(request)
        if not self._free_connections.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise ServiceTimeoutError("all connections were busy until the time limit", call)
        try:
            with self._answer_to(request, deadline, call) as answer:
                return _result(answer, read)
        finally:
            self._free_connections.release()

    @contextmanager
    def _answer_to(self, request: Request, deadline: float, call: Call) -> Iterator[Answer]:
        """Send a request. A failure until its answer has been read is raised as the error that it means."""
        wire_log = start_wire_log(request.method, call.url, request.body, request.form, self._secrets())
        try:
            with self._send(request, deadline, call) as response:
                if wire_log:
                    wire_log.add_head(response)
                if not 200 <= response.status_code < 300:
                    self._refuse(response, call)
                body_log = None if request.answer_is_secret else wire_log
                yield Answer(response, call, self._config.max_answer, body_log, self._secrets())
        except ServiceError:
            raise
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise connection_failure(error, call) from error
        finally:
            if wire_log:
                wire_log.log_answer()

    def _send(self, request: Request, deadline: float, call: Call) -> requests.Response:
        try:
            return self._open_session().send_request(
                request.method,
                self._config.url + request.path,
                request.headers or {},
                request.body if request.form is None else request.form,
                _time_limits(deadline),
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, ServiceError):
            raise
        except ValueError as error:  # from a library that parses the URL in an answer
            raise MalformedReplyError(f"the answer cannot be read: {one_line(str(error))}", call) from error

    def _open_session(self) -> ServiceSession:
        with self._lock:
            if self._session is None:
                self._session = ServiceSession(self._config, self._location, self._proxy_url)
            return self._session

    def _secrets(self) -> tuple[str, ...]:
        credentials = self._config.credentials
        return (credentials.password,) if isinstance(credentials, (Password, SessionPassword)) else ()

    def _refuse(self, response: requests.Response, call: Call) -> NoReturn:
        """Raise what an answer without a successful status means."""
        message = self._explain(read_part(response, _MAX_REFUSAL_BODY, call)) or ""
        has_credentials = self._config.credentials is not None
        raise refusal(response, call, one_line(redacted(message, self._secrets())), has_credentials=has_credentials)


def _result(answer: Answer, read: Callable[[Answer], T]) -> T:
    """What `read` makes of an answer. One that cannot be read may be from a proxy, and another one may be better."""
    try:
        return read(answer)
    except MalformedReplyError as error:
        if answer.is_too_long:
            raise
        raise RetryableFailure(error, max_attempts=MAX_ATTEMPTS_TO_READ) from error.__cause__


def _time_limits(deadline: float) -> urllib3.Timeout:
    remaining = max(0.001, deadline - time.monotonic())
    return urllib3.Timeout(total=remaining, connect=min(CONNECT_SECONDS, remaining))
