"""StratusLab's authenticating proxy (one-proxy), which stands before an OpenNebula 3.2."""

from __future__ import annotations

from urllib.parse import unquote_plus

from stratuslab_libcloud.client.opennebula.dialect import Dialect
from stratuslab_libcloud.client.opennebula.states import OPENNEBULA_3
from stratuslab_libcloud.config import Credentials, Password

DIALECT = Dialect(kill="finalize", shutdown="shutdown", states=OPENNEBULA_3)
"""The words of OpenNebula 3.2."""

MAX_REQUEST = 512 * 1024 - 1024
"""Bytes of a request: OpenNebula 3.2 reads 512 KiB, and the proxy replaces the session string by a longer one."""


def user_name(name: str) -> str:
    """A user's name without the URL-encoding that the proxy gives to names."""
    return unquote_plus(name) if "%" in name or "+" in name else name


def session_string(credentials: Credentials | None) -> str:
    """What goes before the other parameters of each call.

    The proxy replaces the session string by its own (OneProxyServlet). A daemon without a proxy, as a developer may
    have it, needs the real one.

    :param credentials: of the compute service
    """
    if isinstance(credentials, Password):
        return f"{credentials.username}:{credentials.password}"
    return "dummy:pass"
