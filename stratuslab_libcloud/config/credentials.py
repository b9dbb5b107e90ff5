"""Which credentials are sent to a cloud's services."""

from __future__ import annotations

import os

from stratuslab_libcloud.config import values
from stratuslab_libcloud.config.records import Certificate, Credentials, Password
from stratuslab_libcloud.config.settings import Setting, Settings

DEFAULT_CERTIFICATE = "~/.globus/usercert.pem"
DEFAULT_KEY = "~/.globus/userkey.pem"


def for_compute(settings: Settings) -> Credentials:
    """The credentials for the compute service: a user name and a password where both are set, else a certificate.

    :raises ConfigurationError: there is neither, or only a user name or only a password
    """
    return _choose(settings, settings.find("username"), settings.find("password"))


def for_disks(settings: Settings) -> Credentials:
    """The credentials for the persistent disk service: its own user name and password, else the compute service's.

    :raises ConfigurationError: as `for_compute`
    """
    username = settings.find("pdisk_username") or settings.find("username")
    password = settings.find("pdisk_password") or settings.find("password")
    return _choose(settings, username, password)


def check_credentials(credentials: Credentials, location: str | None = None) -> None:
    """Check that the files of a certificate can be used; a password can only be checked by the service.

    This opens the files, so it is called just before the first request.

    :param credentials: for a service
    :param location: the location that they are for, for messages
    :raises ConfigurationError: a file is missing, unreadable or of the wrong kind, the certificate has
        expired, the key is encrypted or does not belong to the certificate
    """
    if isinstance(credentials, Certificate):
        from stratuslab_libcloud.config.certificates import check_files

        check_files(credentials, location)


def _choose(settings: Settings, username: Setting | None, password: Setting | None) -> Credentials:
    if username and password:
        if ":" in username.text:
            name_alone = username._replace(
                text=username.text.partition(":")[0] + ":..."
            )  # what follows may be a password
            raise name_alone.error("a name without a colon, because HTTP Basic authentication does not allow one")
        return Password(username.text, password.text)
    certificate = settings.read("pem_certificate", values.path)
    if certificate is None:
        _refuse_half(settings, username, password)
        certificate = values.path(DEFAULT_CERTIFICATE)
        if not os.access(certificate, os.F_OK):
            raise settings.error(
                f"has no credentials: set {_ways_to_have_them(settings)} (both the same file for a proxy certificate), "
                f"or put a certificate at {DEFAULT_CERTIFICATE} "
                f"and its key at {DEFAULT_KEY}",
                key="username",
            )
    return Certificate(certificate, settings.read("pem_key", values.path, values.path(DEFAULT_KEY)))


def _refuse_half(settings: Settings, username: Setting | None, password: Setting | None) -> None:
    if username is None and password is None:
        return
    present, missing = ("name", "password") if username else ("password", "name")
    raise settings.error(
        f"has a user's {present} ({username or password}) but no {missing}: set {_ways_to_have_them(settings)}",
        key="password" if username else "username",
    )


def _ways_to_have_them(settings: Settings) -> str:
    username, password, certificate, key = map(settings.called, ("username", "password", "pem_certificate", "pem_key"))
    return f"{username} and {password}, or {certificate} and {key}"
