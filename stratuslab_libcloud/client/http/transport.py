"""The transport of one service: it sends requests, and sends them again where this does no harm.

Reads are repeated while there is time. A write is repeated only when it is certain that the service did not execute
it. When this is not certain, the exception says so (`errors.ServiceError.outcome_unknown`), and the caller can ask
the service what happened.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from itertools import islice
from typing import NoReturn, TypeVar
from urllib.parse import urljoin

import requests
import urllib3

from stratuslab_libcloud.client.http import cancellation, time_limit
from stratuslab_libcloud.client.http.body import pieces
from stratuslab_libcloud.client.http.failures import (
    MAX_ATTEMPTS_TO_READ,
    RetryableFailure,
    connection_failure,
    redirect_error,
    refusal,
)
from stratuslab_libcloud.client.http.messages import Answer, Request
from stratuslab_libcloud.client.http.redaction import url_without_credentials
from stratuslab_libcloud.client.http.session import ServiceSession
from stratuslab_libcloud.client.http.shared_connections import NoFreeConnectionError
from stratuslab_libcloud.client.http.wire_log import start_wire_log
from stratuslab_libcloud.config import ServiceConfig
from stratuslab_libcloud.errors import Call, MalformedReplyError, ServiceError, ServiceTimeoutError

T = TypeVar("T")

_log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
"""What making a connection may take, within the time limit of the call."""

_MAX_REFUSAL_BODY = 4096
_MAX_REDIRECTS = 5
_MAX_SECONDS = 1e6
_PERMANENT = (301, 308)
_SEE_OTHER = 303


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
        deadline = min(time.monotonic() + min(seconds, _MAX_SECONDS), time_limit.current().deadline)
        attempt = 1
        while True:
            try:
                return self._attempt(request, read, deadline)
            except RetryableFailure as failure:
                pause = failure.pause_before(attempt + 1, request.repeatable)
                if pause is None or time.monotonic() + pause >= deadline:
                    raise failure.error from None
                _log.debug("%s; trying again in %.1f s", failure.error, pause)
                if not cancellation.pause(pause):
                    raise failure.error from None
                attempt += 1

    def call(self, request: Request) -> Call:
        """The request as exceptions name it."""
        # An @ in the path, of an e-mail address, would look like the end of a password.
        url = url_without_credentials(self._config.url + request.path.replace("@", "%40"))
        return Call(self._location, self._service, request.operation, url)

    def close(self) -> None:
        """Close the idle connections; the transport can be used again afterwards."""
        session, self._session = self._session, None
        if session and session.process == os.getpid():
            session.close()

    def _attempt(self, request: Request, read: Callable[[Answer], T], deadline: float) -> T:
        session = self._open_session()
        call = self.call(request)
        try:
            with (
                session.shared.reserve_one(deadline - time.monotonic()),
                self._answer_to(request, session, deadline, call) as answer,
            ):
                return _result(answer, read)
        except NoFreeConnectionError:
            raise ServiceTimeoutError("all connections were busy until the time limit", call) from None

    @contextmanager
    def _answer_to(self, request: Request, session: ServiceSession, deadline: float, call: Call) -> Iterator[Answer]:
        """Send a request. A failure until its answer has been read is raised as the error that it means."""
        redaction = session.redaction
        wire_log = start_wire_log(request.method, call.url, request.body, request.form, redaction)
        with time_limit.until(deadline) as limit:
            try:
                response, lasting_url = self._send(request, session, deadline, call)
                with response:
                    if wire_log:
                        wire_log.add_head(response)
                    if not _is_success(response.status_code, request):
                        self._refuse(response, session, call)
                    body_log = None if request.answer_is_secret else wire_log
                    yield Answer(response, call, self._config.max_answer, redaction, body_log, lasting_url)
            except (requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, OSError) as error:
                if isinstance(error, ServiceError):
                    raise
                proxy = session.proxy_for(self._config.url)
                was_sent = limit.request_was_sent
                raise connection_failure(error, call, redaction, was_sent=was_sent, proxy=proxy) from None
            finally:
                if wire_log:
                    wire_log.log_answer()

    def _send(
        self, request: Request, session: ServiceSession, deadline: float, call: Call
    ) -> tuple[requests.Response, str]:
        """Send a request, and follow redirects where the service is known to redirect.

        :return: the answer, and the address that leads to it for good
        """
        url = lasting_url = self._config.url + request.path
        is_lasting = True
        for _ in range(_MAX_REDIRECTS + 1):
            body = request.upload or (request.body if request.form is None else request.form)
            response = session.send_request(request.method, url, request.headers or {}, body, _time_limits(deadline))
            target = session.get_redirect_target(response) if request.follows_redirects else None
            if target is None:
                return response, lasting_url
            response.close()
            time_limit.current().request_was_sent = False
            url = _redirected(url, target, session, call)
            is_lasting = is_lasting and response.status_code in _PERMANENT
            lasting_url = url if is_lasting else lasting_url
        raise redirect_error(f"more than {_MAX_REDIRECTS} redirects, the last one to", url, call, session.redaction)

    def _open_session(self) -> ServiceSession:
        """The session of this process: one that a fork copied would share its connections with the parent."""
        session = self._session
        if session is None or session.process != os.getpid():
            session = self._session = ServiceSession(self._config, self._location, self._proxy_url)
        return session

    def _refuse(self, response: requests.Response, session: ServiceSession, call: Call) -> NoReturn:
        """Raise what an answer without a successful status means."""
        body = b"".join(islice(pieces(response), 1))[:_MAX_REFUSAL_BODY]
        message = session.redaction.line(self._explain(body) or "")
        has_credentials = self._config.credentials is not None
        proxy = session.proxy_for(self._config.url)
        raise refusal(response, call, message, session.redaction, has_credentials=has_credentials, proxy=proxy)


def _is_success(status: int, request: Request) -> bool:
    return 200 <= status < 300 or (status == _SEE_OTHER and request.ends_elsewhere)


def _redirected(url: str, target: str, session: ServiceSession, call: Call) -> str:
    """The URL that a redirect leads to.

    :raises ServiceError: when it is not one to follow
    """
    try:
        redirected = urljoin(url, target)
    except ValueError:
        raise MalformedReplyError("the answer redirects to something that is not a URL", call) from None
    if url.lower().startswith("https:") and not redirected.lower().startswith("https:"):
        raise redirect_error(
            "the service redirects from https to a URL without TLS:", redirected, call, session.redaction
        )
    return redirected


def _result(answer: Answer, read: Callable[[Answer], T]) -> T:
    """What `read` makes of an answer. One that cannot be read may be from a proxy, and another one may be better."""
    try:
        return read(answer)
    except MalformedReplyError as error:
        if answer.is_too_long:
            raise
        raise RetryableFailure(error, max_attempts=MAX_ATTEMPTS_TO_READ) from None


def _time_limits(deadline: float) -> urllib3.Timeout:
    remaining = max(0.001, deadline - time.monotonic())
    return urllib3.Timeout(total=remaining, connect=min(CONNECT_SECONDS, remaining))
