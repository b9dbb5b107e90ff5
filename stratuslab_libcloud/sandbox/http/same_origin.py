"""Keeps web pages out: a page in the browser of this computer's user must not reach a sandbox.

A page of another site can send requests to 127.0.0.1, and by DNS rebinding under a host name of its own. Browsers say
so in ``Host``, and in ``Origin`` or ``Sec-Fetch-Site``. No client of a cloud sends these two, and all of them use the
sandbox's own address.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request
from werkzeug.exceptions import Forbidden

_OTHER_SITE = "The request comes from a page of another site."
_OWN_HOSTS = frozenset({"127.0.0.1", "localhost"})


def check_origin() -> None:
    """Refuse the current request unless it was meant for this computer, and not sent by another site's page.

    :raises Forbidden: if it was not
    """
    if _host_name(f"//{request.host}") not in _OWN_HOSTS:
        raise Forbidden("The Host of the request is not this computer.")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"{request.scheme}://{request.host}":
        raise Forbidden(_OTHER_SITE)
    # Somebody may follow a link to the sandbox; what a page loads by itself, such as an image, comes without an Origin.
    if request.headers.get("Sec-Fetch-Mode") != "navigate":
        check_site()


def check_site() -> None:
    """Refuse the current request if it comes from another site's page, links there included.

    :raises Forbidden: if it does
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden(_OTHER_SITE)


def _host_name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
