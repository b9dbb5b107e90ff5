"""Which of a service's formats a client wants, and pages for browsers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from flask import Response, abort, request
from werkzeug.exceptions import HTTPException

HTML, JSON, XML, TEXT, GZIP = (
    "text/html",
    "application/json",
    "application/xml",
    "text/plain",
    "application/x-gzip",
)


def preferred(offers: Sequence[str]) -> str:
    """The one of `offers` that the current request's ``Accept`` likes best, the first among equals.

    A client that accepts none of them gets 406.
    """
    if request.args.get("media") == "json" and JSON in offers:
        return JSON
    if not request.accept_mimetypes:
        return offers[0]
    best = request.accept_mimetypes.best_match(offers)
    if best is None:
        abort(406)
    return best


def first_accepted(offers: Sequence[str], otherwise: str) -> str:
    """The first entry of the current request's ``Accept`` that is one of `offers`."""
    for accepted in request.accept_mimetypes.values():
        if accepted in offers:
            return accepted
    return otherwise


def page(title: str, *lines: str, status: int = 200) -> Response:
    """A small HTML page; `lines` are text."""
    paragraphs = "\n".join(f"<p>{escape(line)}</p>" for line in lines)
    title = escape(title)
    return Response(
        f"<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n"
        f"<body><h1>{title}</h1>\n{paragraphs}\n</body></html>\n",
        status,
        content_type="text/html; charset=UTF-8",
    )


def error_page(error: HTTPException) -> Response:
    """A page for an HTTP error."""
    code = error.code or 500
    return page(f"Error {code}", error.description or "", status=code)


def base_url() -> str:
    """The URL of this server for the client, as the services work it out behind their proxy."""
    scheme = request.headers.get("X-Forwarded-Proto", request.scheme)
    return f"{scheme}://{request.host}"
