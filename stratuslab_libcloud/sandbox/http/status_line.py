"""Status lines, in the words that servers use: ``404 Not Found``, and not ``404 NOT FOUND``."""

from __future__ import annotations

from werkzeug.http import HTTP_STATUS_CODES


def status_line(code: int) -> str:
    """A status code with its reason phrase."""
    return f"{code} {HTTP_STATUS_CODES.get(code, 'Unknown')}"
