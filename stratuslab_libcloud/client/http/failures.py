"""What a failed request means: each failure becomes one of the package's errors.

A request that may succeed at another attempt becomes a `RetryableFailure`, which knows when that may be.
"""

from __future__ import annotations

import http.client
import random
import re
import ssl
from collections.abc import Mapping

import requests
import urllib3

from stratuslab_libcloud.client.http.body import UnknownEncodingError
from stratuslab_libcloud.client.http.redaction import Redaction
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

FIRST_PAUSE_SECONDS = 0.1
MAX_PAUSE_SECONDS = 3.0
MAX_ATTEMPTS = 8
MAX_ATTEMPTS_TO_CONNECT = 4
MAX_ATTEMPTS_TO_READ = 2

_ERROR_OF_STATUS: Mapping[int, type[ServiceError]] = {
    401: RefusedCredentialsError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: LimitExceededError,
    429: ServiceUnavailableError,
}
_GATEWAY_STATUS = frozenset({502, 503, 504})
_SEE_OTHER = 303
_TUNNEL = re.compile(r"Tunnel connection failed: (?P<status>\d{3})")
_PROXY_ASKS = (
    "the HTTP proxy {} asks for a user name and a password, or refuses those that it got: "
    "write them into the proxy's URL"
)
_UNUSABLE_URL = (requests.exceptions.InvalidURL, urllib3.exceptions.LocationValueError)


class RetryableFailure(Exception):  # noqa: N818 - a signal between an attempt and the loop around it
    """An attempt failed for a reason that may be gone at the next one.

    :param error: what to raise when there is no next attempt
    :param not_executed: whether it is certain that the service did not execute the request
    :param max_attempts: how many attempts there are, at the most
    """

    def __init__(self, error: ServiceError, *, not_executed: bool = False, max_attempts: int = MAX_ATTEMPTS) -> None:
        super().__init__(str(error))
        self.error = error
        self.not_executed = not_executed
        self.max_attempts = max_attempts

    def pause_before(self, attempt: int, repeatable: bool) -> float | None:
        """Seconds to wait before that attempt; None when there should be no other attempt."""
        if attempt > self.max_attempts or not (repeatable or self.not_executed):
            return None
        if isinstance(self.error, ServiceUnavailableError) and self.error.retry_after is not None:
            return self.error.retry_after
        longest = min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 2))
        return longest * random.uniform(0.5, 1.0)


def refusal(
    response: requests.Response,
    call: Call,
    service_message: str,
    redaction: Redaction,
    *,
    has_credentials: bool,
    proxy: str | None = None,
) -> ServiceError | RetryableFailure:
    """What an answer without a successful status means.

    :param service_message: the service's own message in it, printable and without secrets
    :param redaction: what the rest of the answer goes through
    :param has_credentials: whether the request carried credentials
    :param proxy: the URL of the HTTP proxy that was used, without credentials
    """
    status = response.status_code
    problem = _problem_of_status(status, service_message, response, redaction, has_credentials)
    if status == 407:
        problem = _PROXY_ASKS.format(proxy or "before the service")
    if status >= 500 or status == 429:
        error: ServiceError = ServiceUnavailableError(problem, call, status, _retry_after(response))
    else:
        error = _ERROR_OF_STATUS.get(status, RequestRejectedError)(problem, call, status)
    error.outcome_unknown = _is_outcome_unknown(status, service_message)
    error.service_message = service_message
    error.server = redaction.line(response.headers.get("Server", ""))
    may_pass = status == 429 or (status >= 500 and error.outcome_unknown)
    return RetryableFailure(error, not_executed=status == 429) if may_pass else error


def not_its_own(error: NotFoundError) -> ServiceError:
    """What a status 404 means that the service itself did not send: nothing is at the URL, which says nothing of what
    was asked for.
    """
    problem = f"{error.problem}: there is no such service at this URL, or the web server before it does not find it"
    rejected = RequestRejectedError(problem, error.call, error.http_code)
    rejected.service_message, rejected.server = error.service_message, error.server
    return rejected


def redirect_error(problem: str, url: str, call: Call, redaction: Redaction) -> ServiceError:
    """Why a redirect is not followed.

    :param url: where it leads
    """
    return RequestRejectedError(f"{problem} {redaction.url(url)}", call)


def connection_failure(
    error: Exception, call: Call, redaction: Redaction, *, was_sent: bool, proxy: str | None = None
) -> ServiceError | RetryableFailure:
    """What an exception of `requests`, `urllib3` or a socket means.

    :param redaction: what the exception's text goes through
    :param was_sent: whether a part of the request may have left
    :param proxy: the URL of the HTTP proxy that was used, without credentials
    """
    reason = _innermost(error)
    text = redaction.line(_message_of(reason))
    if proxy and isinstance(error, requests.exceptions.ProxyError):
        return _proxy_failure(str(reason), text, proxy, call)
    if isinstance(error, requests.exceptions.InvalidSchema) or isinstance(reason, _UNUSABLE_URL):
        return RequestRejectedError(f"the URL cannot be used: {text}", call)
    if not was_sent:
        failure = _failure_before_sending(error, reason, text, call)
        if failure is not None:
            return failure
    if any(isinstance(each, (TimeoutError, urllib3.exceptions.TimeoutError)) for each in (reason, *reason.args)):
        late = ServiceTimeoutError("no complete answer came within the time limit", call)
        late.outcome_unknown = was_sent
        return late
    if _is_not_http(reason):
        return _unreadable(reason, text, call, was_sent=was_sent)
    lost = ServiceUnavailableError(f"the connection was lost: {text}", call)
    lost.outcome_unknown = was_sent
    return RetryableFailure(lost, not_executed=not was_sent)


def _failure_before_sending(
    error: Exception, reason: BaseException, text: str, call: Call
) -> ServiceError | RetryableFailure | None:
    """A failure of which it is certain that the service did not execute the request; None for another one."""
    if isinstance(reason, (urllib3.exceptions.ConnectTimeoutError, urllib3.exceptions.NewConnectionError)):
        problem = f"no connection could be made: {text}"
        return RetryableFailure(
            ServiceUnavailableError(problem, call), not_executed=True, max_attempts=MAX_ATTEMPTS_TO_CONNECT
        )
    if "CERTIFICATE_VERIFY_FAILED" in str(reason) or "doesn't match" in str(reason):
        return ServiceUnavailableError(
            f"the service's certificate is not trusted: {text}; "
            "set tls_ca_bundle to the authority's certificate in the section",
            call,
        )
    if "WRONG_VERSION_NUMBER" in str(reason) or "HTTP_REQUEST" in str(reason):
        return RequestRejectedError("the service does not speak TLS: write its URL with http://", call)
    if _is_tls_alert(reason):
        return ServiceUnavailableError(f"no TLS connection to the service could be made: {text}", call)
    return None


def _is_tls_alert(reason: BaseException) -> bool:
    inner = next((a for a in reason.args if isinstance(a, BaseException)), reason)
    return isinstance(inner, ssl.SSLError) and not isinstance(inner, (ssl.SSLEOFError, ssl.SSLZeroReturnError))


def _proxy_failure(answer: str, text: str, proxy: str, call: Call) -> ServiceError | RetryableFailure:
    """What it means that an HTTP proxy makes no connection to the service."""
    refused = _TUNNEL.search(answer)
    status = int(refused["status"]) if refused else 0
    if status == 407:
        return RequestRejectedError(_PROXY_ASKS.format(proxy), call, status)
    error = ServiceUnavailableError(f"the HTTP proxy {proxy} makes no connection to the service: {text}", call, status)
    if 400 <= status < 500:
        return error
    return RetryableFailure(error, not_executed=True, max_attempts=MAX_ATTEMPTS_TO_CONNECT)


def _unreadable(reason: BaseException, text: str, call: Call, *, was_sent: bool) -> ServiceError:
    what = "the answer cannot be read" if isinstance(reason, UnknownEncodingError) else "the answer is not HTTP"
    error = MalformedReplyError(f"{what}: {text}", call)
    error.outcome_unknown = was_sent
    return error


def _is_outcome_unknown(status: int, service_message: str) -> bool:
    """Whether the service may have carried out a request that was answered with this status.

    A refusal (4xx) says that it did not, and so does a failure in the service's own words. Any other failure can come
    from a proxy that lost the service's answer.
    """
    if status >= 500:
        return status in _GATEWAY_STATUS or not service_message
    return status < 200 or status == _SEE_OTHER


def _is_not_http(reason: BaseException) -> bool:
    """Whether an answer came that is not HTTP. One that was cut off may be complete at the next attempt."""
    inner = next((a for a in reason.args if isinstance(a, BaseException)), reason)
    if isinstance(inner, (http.client.RemoteDisconnected, http.client.IncompleteRead)):
        return False
    return isinstance(inner, (http.client.HTTPException, urllib3.exceptions.InvalidChunkLength))


def _innermost(error: BaseException) -> BaseException:
    """The exception inside those that `requests` and `urllib3` wrap around it."""
    while True:
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((a for a in error.args if isinstance(a, urllib3.exceptions.HTTPError)), None)
        if inner is None or inner is error:
            return error
        error = inner


def _message_of(error: BaseException) -> str:
    """The message of the innermost exception, without what the libraries add to it."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, OSError):
        return cause.strerror or str(cause)
    return str(error.args[-1] if error.args and isinstance(error.args[-1], Exception) else error)


def _problem_of_status(
    status: int, service_message: str, response: requests.Response, redaction: Redaction, has_credentials: bool
) -> str:
    if status == 401 and not has_credentials:
        return "the service asks for a user name and a password, which a Marketplace never does: is this its URL?"
    if status == 401:
        return "the user name with this password, or the certificate, was refused"
    if 300 <= status < 400:
        return f"the service has moved to {redaction.url(response.headers.get('Location', '?'))}"
    colon = ": " if service_message else ""
    if status == 429:
        return f"the service asks to send fewer requests{colon}{service_message}"
    verb = "refused the request" if status < 500 else "failed"
    return f"the service {verb} with status {status}{colon}{service_message}"


def _retry_after(response: requests.Response) -> float | None:
    value: str = response.headers.get("Retry-After", "")
    return float(int(value)) if value.isascii() and value.isdigit() and len(value) < 6 else None
