"""HTTP Basic authentication as the servlet container before StratusLab's services does it."""

from __future__ import annotations

import base64
import binascii
from html import escape

from flask import Response, request
from werkzeug.exceptions import Unauthorized

from .state.users import Accounts

_REALM = "StratusLab Password Realm"
_UNAUTHORIZED = """<html>
<head><meta http-equiv="Content-Type" content="text/html;charset=ISO-8859-1"/>
<title>Error 401 Unauthorized</title></head>
<body><h2>HTTP ERROR: 401</h2><p>Problem accessing {path}. Reason:<pre>    Unauthorized</pre></p></body>
</html>
"""


def basic_user(accounts: Accounts) -> str:
    """The name of the user who sent the current request; a wrong password ends it with 401."""
    credentials = _credentials()
    for encoding in ("utf-8", "latin-1"):
        name, _, password = credentials.decode(encoding, "replace").partition(":")
        if accounts.check(name, password):
            return name
    raise Unauthorized(response=_unauthorized())


def _credentials() -> bytes:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise Unauthorized(response=_unauthorized())
    try:
        return base64.b64decode(encoded)
    except binascii.Error:
        raise Unauthorized(response=_unauthorized()) from None


def _unauthorized() -> Response:
    response = Response(
        _UNAUTHORIZED.format(path=escape(request.path)), 401, content_type="text/html;charset=ISO-8859-1"
    )
    response.headers["WWW-Authenticate"] = f'Basic realm="{_REALM}"'
    return response
