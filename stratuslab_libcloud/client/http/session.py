"""The `requests` session of one service: what all requests to it have in common."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import unquote

import requests
import urllib3
from requests.auth import HTTPBasicAuth
from requests.utils import get_environ_proxies, select_proxy

from stratuslab_libcloud.client.http.authorities import Authorities
from stratuslab_libcloud.client.http.file_upload import FileUpload
from stratuslab_libcloud.client.http.redaction import Redaction, url_without_credentials
from stratuslab_libcloud.client.http.shared_connections import connections_to
from stratuslab_libcloud.config import Certificate, Password, ServiceConfig, SessionPassword, proxies
from stratuslab_libcloud.config.credentials import check_credentials


class ServiceSession(requests.Session):
    """Credentials, verification of TLS, and the HTTP proxy.

    The environment's proxies are looked up only once: `requests` does it for each request, which takes more time than
    the rest of its work. ``~/.netrc`` and cookies are never used.

    :param config: of the service
    :param location: the section, for messages
    :param proxy_url: an HTTP proxy to use instead of the environment's
    :ivar process: the ID of the process that may use it; a forked one needs its own
    :ivar shared: the connections that it uses
    :ivar redaction: hides what this session sends and nobody else may see
    :raises ConfigurationError: when the files of the credentials, or of the authorities, cannot be used
    """

    def __init__(self, config: ServiceConfig, location: str, proxy_url: str | None) -> None:
        super().__init__()
        self.process = os.getpid()
        self._config = config
        self._given_proxies = {"http": proxy_url, "https": proxy_url} if proxy_url else None
        self._proxies = self._given_proxies or _environments_proxies(config.url)
        if not proxy_url:
            proxies.check_environment()
        self._authorities = Authorities(config.verify, location)
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self.shared = connections_to(config.url, config.connections)
        self.mount("http://", self.shared.adapter)
        self.mount("https://", self.shared.adapter)
        self.headers["Accept-Encoding"] = "identity"
        self.redaction = Redaction([*_secrets_of(config), *_secrets_of_proxies(self._proxies)])
        self._set_credentials(location)

    def send_request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        data: bytes | Mapping[str, str] | FileUpload | None,
        time_limits: urllib3.Timeout,
    ) -> requests.Response:
        """Send a request; a redirect is not followed.

        :return: the answer, with its body not read yet
        """
        prepared = requests.PreparedRequest()
        prepared.prepare(
            method,
            url,
            headers={**self.headers, **headers},
            data=data,
            auth=self.auth,
        )
        return self.send(
            prepared,
            timeout=time_limits,  # type: ignore[arg-type]  # it is passed on to urllib3
            stream=True,
            verify=self._authorities.verify(url),
            proxies=self._proxies_for(url),
        )

    def proxy_for(self, url: str) -> str | None:
        """The HTTP proxy through which a URL is reached, without credentials."""
        try:
            proxy = select_proxy(url, self._proxies_for(url))
        except ValueError:  # for a URL that cannot be used
            return None
        return url_without_credentials(proxy) if proxy else None

    def resolve_redirects(self, *_: object, **__: object) -> Iterator[requests.Response]:
        """None is followed: `requests` would read the whole body of an answer that redirects, however long."""
        return iter(())

    def _proxies_for(self, url: str) -> dict[str, str]:
        """Of another host than the service's, to which it redirects, the environment may say something else."""
        if self._given_proxies or url.startswith(self._config.url):
            return self._proxies
        return _environments_proxies(url)

    def _set_credentials(self, location: str) -> None:
        credentials = self._config.credentials
        if credentials is not None:
            check_credentials(credentials, location)
        if isinstance(credentials, Certificate):
            self.cert = (str(credentials.certificate), str(credentials.key))
        if isinstance(credentials, Password):
            self.auth = HTTPBasicAuth(credentials.username.encode("utf-8"), credentials.password.encode("utf-8"))
        else:
            self.auth = _leave_unauthenticated


def _secrets_of(config: ServiceConfig) -> Iterator[str]:
    """The password, and what stands in the header of HTTP Basic before it is encoded."""
    credentials = config.credentials
    if isinstance(credentials, (Password, SessionPassword)):
        yield credentials.password
        yield f"{credentials.username}:{credentials.password}"


def _secrets_of_proxies(proxies: Mapping[str, str]) -> Iterator[str]:
    for proxy in proxies.values():
        name, has_password, password = proxy.rpartition("@")[0].rpartition("//")[2].partition(":")
        if has_password:
            yield password
            yield unquote(password)
            yield f"{unquote(name)}:{unquote(password)}"


def _environments_proxies(url: str) -> dict[str, str]:
    try:
        return get_environ_proxies(url)
    except ValueError:  # for a URL that cannot be used, which the request itself reports
        return {}


def _leave_unauthenticated(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Without any authentication of its own, `requests` would use ``~/.netrc``."""
    return request
