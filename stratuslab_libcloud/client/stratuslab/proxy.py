"""StratusLab's authenticating proxy (one-proxy), which stands before an OpenNebula 3.2."""

from __future__ import annotations

from stratuslab_libcloud.client.opennebula.dialect import Dialect
from stratuslab_libcloud.config import Credentials, Password


def proxy_dialect(credentials: Credentials | None) -> Dialect:
    """The dialect of OpenNebula 3.2 behind the proxy.

    The proxy replaces the session string by its own (OneProxyServlet). A daemon without a proxy, as a developer may
    have it, needs the real one.

    :param credentials: of the compute service
    """
    return Dialect(session=_session_string(credentials), kill="finalize", shutdown="shutdown")


def _session_string(credentials: Credentials | None) -> str:
    if isinstance(credentials, Password):
        return f"{credentials.username}:{credentials.password}"
    return "dummy:pass"
