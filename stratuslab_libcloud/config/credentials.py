"""Which credentials a cloud's services are shown, and whether the files that hold them can be used."""

from __future__ import annotations

from pathlib import Path

from stratuslab_libcloud.config import values
from stratuslab_libcloud.config.records import Certificate, Credentials, Password
from stratuslab_libcloud.config.settings import Setting, Settings

_DEFAULT_CERTIFICATE = "~/.globus/usercert.pem"
_DEFAULT_KEY = "~/.globus/userkey.pem"


def for_compute(settings: Settings) -> Credentials:
    """What the compute service is shown: a name and a password where both are set, else a certificate.

    :raises ConfigurationError: neither is there, or only half of the first
    """
    return _choose(settings, settings.find("username"), settings.find("password"))


def for_disks(settings: Settings) -> Credentials:
    """What the persistent disk service is shown: its own name and password, else the compute service's.

    :raises ConfigurationError: as `for_compute`
    """
    username = settings.find("pdisk_username") or settings.find("username")
    password = settings.find("pdisk_password") or settings.find("password")
    return _choose(settings, username, password)


def _choose(settings: Settings, username: Setting | None, password: Setting | None) -> Credentials:
    if username and password:
        return Password(username.text, password.text)
    certificate = settings.read("pem_certificate", values.path)
    if certificate is None:
        if username or password:
            there, missing = ("name", "password") if username else ("password", "name")
            raise settings.error(
                f"has a user's {there} ({username or password}) but no {missing}: "
                "set 'username' and 'password', or 'pem_certificate' and 'pem_key' for a certificate",
                key="password" if username else "username",
            )
        certificate = Path(_DEFAULT_CERTIFICATE).expanduser()
        if not certificate.exists():
            raise settings.error(
                "has no credentials: set 'username' and 'password', or 'pem_certificate' and 'pem_key' "
                f"(which may be one proxy certificate), or put a certificate at {_DEFAULT_CERTIFICATE} "
                f"and its key at {_DEFAULT_KEY}",
                key="username",
            )
    return Certificate(certificate, settings.read("pem_key", values.path) or Path(_DEFAULT_KEY).expanduser())
