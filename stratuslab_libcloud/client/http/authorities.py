"""Which authorities are trusted to sign a service's certificate, and whether their file can be used."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import libcloud.security
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from stratuslab_libcloud.errors import ConfigurationError

_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class Authorities:
    """What TLS is verified with at one service.

    In this order: the section's setting; `libcloud.security`, with ``SSL_CERT_FILE``, which Libcloud reads; the
    variables ``REQUESTS_CA_BUNDLE`` and ``CURL_CA_BUNDLE``; the authorities that come with `requests`.

    :param setting: the section's: True or False, a file or folder, or None for the others
    :param location: the section, for messages
    :raises ConfigurationError: when the section's file contains no certificate
    """

    def __init__(self, setting: bool | Path | None, location: str) -> None:
        self._setting = setting
        self._location = location
        self._checked: set[str] = set()
        if isinstance(setting, Path):
            self._check(str(setting), f"tls_ca_bundle for location '{location}'", "tls_ca_bundle")

    def verify(self, url: str) -> bool | str:
        """The value of ``verify`` for `requests`, at this moment.

        :param url: of the request; only one with TLS needs a file
        :raises ConfigurationError: when the file contains no certificate
        """
        if isinstance(self._setting, Path):
            return str(self._setting)
        if self._setting is not None:
            return self._setting
        if not libcloud.security.VERIFY_SSL_CERT:
            return False
        path, name = _default()
        if path != DEFAULT_CA_BUNDLE_PATH and url.lower().startswith("https:"):
            self._check(path, name, name)
        return path

    def _check(self, path: str, name: str, key: str) -> None:
        """Check a file; otherwise each handshake would fail, with a message that does not name it."""
        if path in self._checked:
            return
        is_folder = Path(path).is_dir()
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(
                capath=path if is_folder else None, cafile=None if is_folder else path
            )
        except OSError as error:
            raise ConfigurationError(
                f"{path}, named by {name}, contains no certificate of an authority: {error.strerror or error}",
                section=self._location,
                key=key,
            ) from None
        self._checked.add(path)


def _default() -> tuple[str, str]:
    """The file or folder of the authorities that all programs use, and who names it."""
    libclouds = str(libcloud.security.CA_CERTS_PATH or "")
    if libclouds and libclouds != DEFAULT_CA_BUNDLE_PATH:
        is_variable = libclouds == os.environ.get("SSL_CERT_FILE")
        return libclouds, "SSL_CERT_FILE" if is_variable else "libcloud.security.CA_CERTS_PATH"
    for variable in _VARIABLES:
        if os.environ.get(variable):
            return os.environ[variable], variable
    return DEFAULT_CA_BUNDLE_PATH, "requests"
