"""Authentication, as the servlet container does it in front of StratusLab's services.

``/pswd/`` asks for HTTP Basic, ``/cert/`` for a client certificate. If a client sends both, the compute proxy takes the
user of the certificate, and the disk service the user of the password.
"""

from __future__ import annotations

import base64
from html import escape

from cryptography import x509
from flask import Response, request
from werkzeug.exceptions import BadRequest, HTTPException

from stratuslab_libcloud.sandbox.http.certificates import subject_of
from stratuslab_libcloud.sandbox.state.users import Accounts

CERTIFICATE = "cert"

_REALM = "StratusLab Password Realm"
_PAGE = """<html>
<head><meta http-equiv="Content-Type" content="text/html;charset=ISO-8859-1"/>
<title>Error {code} {reason}</title></head>
<body><h2>HTTP ERROR: {code}</h2><p>Problem accessing {path}. Reason:<pre>    {reason}</pre></p></body>
</html>
"""


def credential_kind() -> str:
    """Which kind of credentials the current request uses: ``pswd`` or ``cert``, the second part of its path."""
    return [*request.path.split("/"), "", ""][2]


def compute_user(accounts: Accounts) -> str:
    """The user, as the compute proxy sees it.

    :raises HTTPException: the answer of the servlet container, if there is no such user
    """
    name = _authenticate(accounts)
    return _certificate_subject() or name


def disk_user(accounts: Accounts) -> str:
    """The user, as the disk service sees it.

    :raises HTTPException: the answer of the servlet container, if there is no such user
    """
    return _authenticate(accounts)


def _authenticate(accounts: Accounts) -> str:
    return _certificate_user(accounts) if credential_kind() == CERTIFICATE else _basic_user(accounts)


def _certificate_user(accounts: Accounts) -> str:
    subject = _certificate_subject()
    if subject is None or not accounts.has_certificate(subject):
        raise _refusal(403, "Forbidden")
    return subject


def _certificate_subject() -> str | None:
    pem: str | None = request.environ.get("SSL_CLIENT_CERT")
    return None if pem is None else subject_of(x509.load_pem_x509_certificate(pem.encode("ascii")))


def _basic_user(accounts: Accounts) -> str:
    credentials = _basic_credentials()
    for encoding in ("utf-8", "latin-1"):
        name, _, password = credentials.decode(encoding, "replace").partition(":")
        if accounts.has_password(name, password):
            return name
    raise _refusal(401, "Unauthorized")


def _basic_credentials() -> bytes:
    """The decoded credentials.

    :raises BadRequest: if they cannot be decoded
    """
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        return base64.b64decode(encoded) if scheme.lower() == "basic" else b""
    except ValueError:  # not base64, or not even ASCII
        raise BadRequest from None


def _refusal(code: int, reason: str) -> HTTPException:
    response = Response(
        _PAGE.format(code=code, reason=reason, path=escape(request.path)),
        code,
        content_type="text/html;charset=ISO-8859-1",
    )
    if code == 401:
        response.headers["WWW-Authenticate"] = f'Basic realm="{_REALM}"'
    return HTTPException(response=response)
