"""The Marketplace of StratusLab 14.06: ``/marketplace/metadata/...``, XML, JSON and a little HTML.

No credentials are asked for; trust is in the signatures of the entries. Kept oddities:

* values in the path and in the parameters ``identifier``, ``email`` and ``created`` are told apart by their
  form, not by their names;
* a listing without result is a 404 in XML, and a 200 in JSON, whose ``rMsg`` says that nothing was found, always;
* missing values in a JSON listing are the text ``"null"``; paging needs ``sSortDir_0``;
* an entry is found by the path as it was sent: not with ``%40``, and not with a slash at the end;
* errors in JSON have their status as a key;
* every unknown address is answered with the home page;
* ``/query`` without a query is answered with nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from flask import Blueprint, Response, request
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    InternalServerError,
    NotFound,
    UnsupportedMediaType,
)
from werkzeug.routing import PathConverter

from stratuslab_libcloud.sandbox.http.exchange import current_exchange
from stratuslab_libcloud.sandbox.http.fault import FaultKind
from stratuslab_libcloud.sandbox.http.negotiation import HTML, JSON, TEXT, XML, base_url, error_page, page, preferred
from stratuslab_libcloud.sandbox.marketplace.constraints import read_upload
from stratuslab_libcloud.sandbox.marketplace.data_tables import BadSortingError, arrange, row, search
from stratuslab_libcloud.sandbox.marketplace.endorsers import endorsers, history, sparql_results, tags
from stratuslab_libcloud.sandbox.marketplace.rdf_writing import metadata_xml, rdf_json
from stratuslab_libcloud.sandbox.state.entries import ANYWHERE, VALID, Entry
from stratuslab_libcloud.sandbox.state.errors import InvalidEntryError, UnhandledInputError
from stratuslab_libcloud.sandbox.state.state import State

_RDF_XML = "application/rdf+xml"
_XML_TYPES = (XML, "text/xml")
_RESULT_TYPES = {"xml": "application/sparql-results+xml", "json": "application/sparql-results+json"}
_RESULT_FORMS = {
    XML: "xml",
    "text/xml": "xml",
    _RESULT_TYPES["xml"]: "xml",
    JSON: "json",
    _RESULT_TYPES["json"]: "json",
}
_NOTHING_FOUND = "no metadata matching query found"
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]+")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class _RestOfPath(PathConverter):
    """The rest of the path, with or without slashes."""

    part_isolating = False
    regex = ".*?"


class MarketplaceService:
    """The service's routes, over a cloud's state."""

    name = "marketplace"
    prefix = "/marketplace"
    operations: Sequence[str] = (
        "GET /metadata",
        "GET /metadata/{id}",
        "GET /metadata/{id}/{email}/{created}",
        "GET /metadata/{email}?tag",
        "POST /metadata",
        "POST /metadata (query)",
        "GET /endorsers",
        "GET /endorsers/{email}",
        "GET /endorsers/{email}/tags",
        "GET /query",
    )
    wrong_answers: Mapping[FaultKind, str] = {
        FaultKind.WRONG_TYPES: "<metadata><entry>an image</entry></metadata>",
    }

    def __init__(self, state: State) -> None:
        self._entries = state.entries
        self._clock = state.clock

    def routes(self) -> Blueprint:
        """What is served at which addresses."""
        routes = Blueprint("marketplace", __name__, url_prefix="/marketplace")
        routes.record_once(lambda setup: setup.app.url_map.converters.update(rest=_RestOfPath))
        for rule in ("", "<rest:path>"):
            routes.add_url_rule(rule, "dispatch", self._dispatch, methods=["GET", "POST"])
        routes.register_error_handler(InvalidEntryError, lambda problem: self.error(BadRequest(str(problem))))
        routes.register_error_handler(
            UnhandledInputError, lambda problem: self.error(InternalServerError(str(problem)))
        )
        return routes

    def before(self) -> None:
        """Note what is asked; the view says it more exactly."""
        current_exchange().operation = f"{request.method} {request.path.removeprefix(self.prefix)}"

    def error(self, error: HTTPException) -> Response:
        """In the format that the client accepts first."""
        code, message = error.code or 500, error.description or ""
        first = next(iter(request.accept_mimetypes.values()), "")
        if first in (*_XML_TYPES, _RDF_XML):
            text = f'<?xml version="1.0" encoding="UTF-8"?><error>{message}</error>'
            return Response(text, code, content_type=XML)
        if first == JSON:
            return Response(json.dumps({str(code): message}), code, content_type=JSON)
        return error_page(error)

    def _dispatch(self, path: str = "") -> Response:
        # Not left to the framework: paths count as they were sent, and doubled slashes as one.
        uri: str = request.environ["REQUEST_URI"]
        sent = re.sub("/+", "/", uri.partition("?")[0]).removeprefix(self.prefix)
        pieces = [unquote(piece) for piece in sent.split("/") if piece]
        match [request.method, *pieces]:
            case ["GET", "metadata", _, _, _]:
                return self._one(sent)
            case ["GET", "metadata", email] if "tag" in request.args:
                return self._tagged(email, request.args["tag"])
            case ["GET", "tag", email, tag]:
                return self._tagged(email, tag)
            case ["GET", "metadata", *filters] if len(filters) <= 2:
                return self._list(filters, request.args)
            case ["POST", "metadata", *filters] if len(filters) <= 2:
                return self._post(filters)
            case ["GET", "query"]:
                return self._query(request.args.get("query", ""))
            case ["GET", "endorsers", *_]:
                return self._endorsers(pieces[1:])
        return page("Marketplace", "See metadata/ for the images.")

    # Single entries

    def _one(self, sent: str) -> Response:
        _identify("GET /metadata/{id}/{email}/{created}")
        _, _, *key = sent.split("/")
        entry = self._entries.find(*key) if len(key) == 3 else None
        if entry is None:
            raise NotFound("metadata entry not found.\n")
        return _one_entry(entry)

    def _tagged(self, email: str, tag: str) -> Response:
        _identify("GET /metadata/{email}?tag")
        entry = self._entries.tagged(email, tag)
        if entry is None:
            raise NotFound("metadata entry not found.\n")
        return _one_entry(entry)

    # Listings

    def _list(self, filters: Sequence[str], parameters: Mapping[str, str]) -> Response:
        _identify("GET /metadata/{id}" if filters else "GET /metadata")
        kind = preferred((XML, "text/xml", JSON, HTML))
        if kind == JSON:
            return self._list_as_json(filters, parameters)
        if kind == HTML:
            return page("Images", "Ask for application/xml or application/json.")
        try:
            entries = arrange(self._select(filters, parameters), parameters)
        except BadSortingError:
            raise InternalServerError("malformed query") from None
        if not entries:
            raise NotFound(_NOTHING_FOUND)
        return Response(metadata_xml(entries), content_type=XML)

    def _list_as_json(self, filters: Sequence[str], parameters: Mapping[str, str]) -> Response:
        selected = self._select(filters, parameters)
        matching = search(selected, parameters)
        try:
            shown = arrange(selected, parameters)
        except BadSortingError:
            shown = []
        table = {
            "sEcho": int(parameters.get("sEcho", "0")) if parameters.get("sEcho", "0").isdigit() else 0,
            "iTotalRecords": len(selected),
            "iTotalDisplayRecords": len(matching),
            "rMsg": _NOTHING_FOUND,
            "aaData": [row(entry) for entry in shown],
        }
        return Response(json.dumps(table), content_type=JSON)

    def _select(self, filters: Sequence[str], parameters: Mapping[str, str]) -> Sequence[Entry]:
        named = [parameters[name] for name in ("identifier", "email", "created") if name in parameters]
        wanted = {_kind_of_filter(value): value for value in [*filters, *named] if value}
        return self._entries.select(
            identifier=wanted.get("identifier"),
            email=wanted.get("email"),
            created=wanted.get("created"),
            status=parameters.get("status", VALID),
            where=parameters.get("location", ANYWHERE),
        )

    # Uploads

    def _post(self, filters: Sequence[str]) -> Response:
        if request.mimetype == "application/x-www-form-urlencoded":
            _identify("POST /metadata (query)")
            return self._list_as_json(filters, {**request.args, **request.form})
        _identify("POST /metadata")
        entry = read_upload(_uploaded())
        try:
            self._entries.add(entry)
        except InvalidEntryError as problem:
            raise BadRequest(f"invalid metadata: {problem}") from None
        location = f"{base_url()}{self.prefix}/metadata/{'/'.join(entry.key)}"
        return Response("metadata entry created", 201, headers={"Location": location}, content_type=TEXT)

    # Endorsers

    def _endorsers(self, pieces: Sequence[str]) -> Response:
        _identify(f"GET /{'/'.join(['endorsers', *(['{email}'] if pieces else []), *pieces[1:]])}")
        if preferred((XML, "text/xml", HTML)) == HTML:
            return page("Endorsers", *sorted({entry.email for entry in self._entries}))
        match pieces:
            case []:
                names, rows = endorsers(self._entries)
            case [email]:
                days = request.args.get("range", "")
                names, rows = history(self._entries, email, self._clock.now(), int(days) if days.isdigit() else 30)
            case [email, "tags"]:
                names, rows = tags(self._entries, email)
            case _:
                return page("Marketplace", "See metadata/ for the images.")
        return Response(sparql_results(names, rows), content_type=XML)

    # Queries

    def _query(self, query: str) -> Response:
        _identify("GET /query")
        kind = preferred((HTML, *_RESULT_FORMS))
        if not query:
            return Response(b"", content_type=HTML if kind == HTML else _RESULT_TYPES[_RESULT_FORMS[kind]])
        form = _RESULT_FORMS.get(kind, "xml")
        # Only now: few ask a query, and the library for it takes half a second.
        from stratuslab_libcloud.sandbox.marketplace.sparql import QueryRefusedError, answer_query

        try:
            result = answer_query(query, self._entries.with_latest(), form)
        except QueryRefusedError as problem:
            raise BadRequest(str(problem)) from None
        if kind == HTML:
            return page("Query", result.decode())
        return Response(result, content_type=_RESULT_TYPES[form])


def _one_entry(entry: Entry) -> Response:
    kind = preferred((_RDF_XML, XML, "text/xml", JSON, HTML))
    if kind == JSON:
        return Response(json.dumps(rdf_json(entry)), content_type=JSON)
    if kind == HTML:
        return page(entry.title or entry.identifier, entry.description or "")
    return Response(
        entry.document,
        content_type=_RDF_XML,
        headers={"Content-Disposition": f"attachment; filename={entry.identifier}.xml"},
    )


def _uploaded() -> bytes:
    if request.mimetype == "multipart/form-data":
        for _, file in request.files.items(multi=True):
            if file.filename:
                return bytes(file.read())
        raise BadRequest("no valid file uploaded")
    if request.mimetype not in (_RDF_XML, XML):
        raise UnsupportedMediaType(request.mimetype)
    body = request.get_data()
    if not body:
        raise BadRequest("post with null entity")
    return body


def _kind_of_filter(value: str) -> str:
    if _EMAIL.fullmatch(value):
        return "email"
    return "created" if _DATE.fullmatch(value) else "identifier"


def _identify(operation: str) -> None:
    current_exchange().identify(operation)
