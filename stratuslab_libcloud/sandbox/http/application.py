"""The services together, as one application behind one port."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from stratuslab_libcloud.sandbox.http.exchange import current_exchange
from stratuslab_libcloud.sandbox.http.same_origin import check_origin
from stratuslab_libcloud.sandbox.http.service import Service


def make_application(services: Sequence[Service]) -> Flask:
    """A WSGI application that serves `services`; bugs in it are raised, not answered."""
    app = Flask(__name__, static_folder=None)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    app.url_map.merge_slashes = False

    def addressed() -> Service | None:
        return next((s for s in services if request.path.startswith(s.prefix)), None)

    @app.before_request
    def identify() -> None:
        check_origin()
        service = addressed()
        if service is not None:
            current_exchange().service = service
            service.before()

    @app.errorhandler(HTTPException)
    def explain(error: HTTPException) -> AnyResponse:
        service = addressed()
        if service is None or error.response is not None:
            return error.get_response()
        return service.error(error)

    for service in services:
        app.register_blueprint(service.routes())
    return app
