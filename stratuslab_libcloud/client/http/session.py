"""The `requests` session of one service: what all requests to it have in common."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import libcloud.security
import requests
import urllib3
from requests.auth import HTTPBasicAuth

from stratuslab_libcloud.client.http.connections import TimeLimitedAdapter
from stratuslab_libcloud.config import Certificate, Password, ServiceConfig, proxies
from stratuslab_libcloud.config.credentials import check_credentials
from stratuslab_libcloud.errors import ConfigurationError


class ServiceSession(requests.Session):
    """Credentials, verification of TLS, and the HTTP proxy.

    The environment's proxies are looked up only once: `requests` does it for each request, which takes more time than
    the rest of its work. ``~/.netrc`` is never used.

    :param config: of the service
    :param location: the section, for messages
    :param proxy_url: an HTTP proxy to use instead of the environment's
    :raises ConfigurationError: when the files of the credentials cannot be used
    """

    def __init__(self, config: ServiceConfig, location: str, proxy_url: str | None) -> None:
        super().__init__()
        self._config = config
        self._proxies = {"http": proxy_url, "https": proxy_url} if proxy_url else {}
        if not proxy_url:
            proxies.check_environment()
        self._settings: dict[bool | str, Mapping[str, Any]] = {}
        adapter = TimeLimitedAdapter(config.connections)
        self.mount("http://", adapter)
        self.mount("https://", adapter)
        self.headers["Accept-Encoding"] = "identity"
        if isinstance(config.verify, Path):
            _check_authorities(config.verify, location)
        self._set_credentials(location)

    def send_request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        data: bytes | Mapping[str, str] | None,
        time_limits: urllib3.Timeout,
    ) -> requests.Response:
        """Send a request.

        :return: the answer, with its body not read yet
        """
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

    def _settings_for(self, url: str) -> Mapping[str, Any]:
        verify = self._verify_now()
        if verify not in self._settings:
            self._settings[verify] = self.merge_environment_settings(url, self._proxies, True, verify, None)
        return self._settings[verify]

    def _verify_now(self) -> bool | str:
        """The value of ``verify`` for `requests`: the section's setting, else Libcloud's setting at this moment."""
        verify = self._config.verify
        if verify is None and libcloud.security.VERIFY_SSL_CERT:
            return str(libcloud.security.CA_CERTS_PATH or "") or True
        return str(verify) if isinstance(verify, Path) else bool(verify)


def _check_authorities(bundle: Path, location: str) -> None:
    """Check that a bundle has certificates in it; otherwise each handshake would fail, with a less clear message.

    :raises ConfigurationError: when it has none
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(
            capath=str(bundle) if bundle.is_dir() else None, cafile=None if bundle.is_dir() else str(bundle)
        )
    except OSError as error:
        raise ConfigurationError(
            f"{bundle}, named by tls_ca_bundle for location '{location}', contains no certificate of an authority: "
            f"{error.strerror or error}",
            section=location,
            key="tls_ca_bundle",
        ) from None


def _leave_unauthenticated(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Without any authentication of its own, `requests` would use ``~/.netrc``."""
    return request
