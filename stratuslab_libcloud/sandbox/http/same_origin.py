"""Keeps web pages out: a page in the browser of this computer's user must not reach a sandbox.

A page of another site can send requests to 127.0.0.1, and by DNS rebinding under a host name of its own. Browsers say
so in ``Host`` and ``Origin``. No client of a cloud sends an ``Origin``, and all of them use the sandbox's own address.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request
from werkzeug.exceptions import Forbidden

_OWN_HOSTS = frozenset({"127.0.0.1", "localhost"})


def check_origin() -> None:
    """Refuse the current request unless it was meant for this computer, and not sent by another site's page.

    :raises Forbidden: if it was not
    """
    if _host_name(f"//{request.host}") not in _OWN_HOSTS:
        raise Forbidden("The Host of the request is not this computer.")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"{request.scheme}://{request.host}":
        raise Forbidden("The request comes from a page of another site.")


def _host_name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
