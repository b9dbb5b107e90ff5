"""Who may see and use the page: whoever has the sandbox's token, and no other site's page in the same browser.

The token is in the part of the page's address after ``#``, which browsers send to nobody. The page's script keeps it
for its tab and its origin, port included, and sends it in a header. A cookie would not do: browsers send those to all
ports of a computer, those of its other users included.
"""

from __future__ import annotations

import hmac

from flask import request
from werkzeug.exceptions import Unauthorized

from stratuslab_libcloud.sandbox.http.same_origin import check_origin, check_site

TOKEN_HEADER = "X-Sandbox-Token"

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of each answer: the page runs its own script only, loads and sends nothing elsewhere, and is in no other page."""


def check_sender(token: str) -> None:
    """Refuse the current request unless it comes from the page itself, or from a program that has the token.

    :raises Forbidden: if another site's page has sent it, or it was not meant for this computer
    :raises Unauthorized: if it does not have the token
    """
    check_origin()
    check_site()
    given = request.headers.get(TOKEN_HEADER, "")
    if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), token.encode()):
        raise Unauthorized("The token is missing, or is that of another sandbox.")
