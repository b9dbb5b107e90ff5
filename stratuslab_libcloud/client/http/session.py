"""The `requests` session of one service: what is the same for all requests to it."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import libcloud.security
import requests
import urllib3
from requests.auth import HTTPBasicAuth

from stratuslab_libcloud.client.http.connections import BoundedAdapter
from stratuslab_libcloud.config import Certificate, Password, ServiceConfig
from stratuslab_libcloud.config.credentials import check_credentials
from stratuslab_libcloud.errors import ConfigurationError


class ServiceSession(requests.Session):
    """Who is asking, how TLS is verified, through which proxy.

    The environment's proxies are looked up once: `requests` does it for each request, which takes longer than all
    else that it does. ``~/.netrc`` never speaks for the user.

    :param config: the service's
    :param location: the section, for messages
    :param proxy_url: an HTTP proxy to use instead of the environment's
    :raises ConfigurationError: when the credentials' files can not be used
    """

    def __init__(self, config: ServiceConfig, location: str, proxy_url: str | None) -> None:
        super().__init__()
        self._config = config
        self._proxies = {"http": proxy_url, "https": proxy_url} if proxy_url else {}
        self._settings: dict[bool | str, Mapping[str, Any]] = {}
        adapter = BoundedAdapter(config.connections)
        self.mount("http://", adapter)
        self.mount("https://", adapter)
        self.headers["Accept-Encoding"] = "identity"
        if isinstance(config.verify, Path):
            _check_authorities(config.verify, location)
        self._introduce(location)

    def begin(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        data: bytes | Mapping[str, str] | None,
        time_limits: urllib3.Timeout,
    ) -> requests.Response:
        """Send a request; the answer's body is still to come."""
        prepared = requests.PreparedRequest()
        prepared.prepare(
            method,
            url,
            headers={**self.headers, **headers},
            data=data,
            auth=self.auth,
            cookies=self.cookies.copy(),
        )
        return self.send(
            prepared,
            timeout=time_limits,  # type: ignore[arg-type]  # it is passed on to urllib3
            allow_redirects=self._config.credentials is None,
            **self._settings_for(url),
        )

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Leave the credentials out when an answer redirects."""
        prepared_request.headers.pop("Authorization", None)

    def _introduce(self, location: str) -> None:
        credentials = self._config.credentials
        if credentials is not None:
            check_credentials(credentials, location)
        if isinstance(credentials, Certificate):
            self.cert = (str(credentials.certificate), str(credentials.key))
        if isinstance(credentials, Password):
            self.auth = HTTPBasicAuth(credentials.username.encode("utf-8"), credentials.password.encode("utf-8"))
        else:
            self.auth = _leave_unauthenticated

    def _settings_for(self, url: str) -> Mapping[str, Any]:
        verify = self._verify_now()
        if verify not in self._settings:
            self._settings[verify] = self.merge_environment_settings(url, self._proxies, True, verify, None)
        return self._settings[verify]

    def _verify_now(self) -> bool | str:
        """What `requests` is told about TLS: the section's settings, else Libcloud's of this moment."""
        verify = self._config.verify
        if verify is None and libcloud.security.VERIFY_SSL_CERT:
            return str(libcloud.security.CA_CERTS_PATH or "") or True
        return str(verify) if isinstance(verify, Path) else bool(verify)


def _check_authorities(bundle: Path, location: str) -> None:
    """A bundle without a certificate would be found out only in the middle of each handshake.

    :raises ConfigurationError: when it has none
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(
            capath=str(bundle) if bundle.is_dir() else None, cafile=None if bundle.is_dir() else str(bundle)
        )
    except OSError as error:
        raise ConfigurationError(
            f"{bundle}, named by tls_ca_bundle for location '{location}', has no certificate of an authority in it: "
            f"{error.strerror or error}",
            section=location,
            key="tls_ca_bundle",
        ) from None


def _leave_unauthenticated(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """As a session's authentication it keeps ``~/.netrc`` from being asked."""
    return request
