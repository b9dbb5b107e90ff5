"""The port translation service: ``GET /cgi-bin/vmports.py[?vmid=N]``, plain HTTP, without credentials.

It answers ``{"23": [["22", "15000"]]}``: for each machine its ports, each with the gateway's port for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from stratuslab_libcloud.sandbox.guests.ssh_access import SshAccess
from stratuslab_libcloud.sandbox.http.exchange import current_exchange
from stratuslab_libcloud.sandbox.http.fault import FaultKind
from stratuslab_libcloud.sandbox.http.negotiation import JSON, error_page


class PortTranslationService:
    """The service's route.

    :param ssh_access: has the ports
    """

    name = "pat"
    prefix = "/cgi-bin/"
    operations: Sequence[str] = ("GET /cgi-bin/vmports.py",)
    wrong_answers: Mapping[FaultKind, str] = {FaultKind.WRONG_TYPES: "[[[7]]]"}

    def __init__(self, ssh_access: SshAccess[Any]) -> None:
        self._ssh_access = ssh_access

    def routes(self) -> Blueprint:
        """What is served at which addresses."""
        routes = Blueprint("pat", __name__)
        routes.get("/cgi-bin/vmports.py")(self._ports)
        return routes

    def before(self) -> None:
        """Note what is asked."""
        current_exchange().identify(f"{request.method} {request.path}")

    def error(self, error: HTTPException) -> Response:
        """Answer with a page."""
        return error_page(error)

    def _ports(self) -> Response:
        wanted = request.args.get("vmid")
        ports = {
            str(machine_id): [[str(own), str(gateway)] for own, gateway in pairs]
            for machine_id, pairs in self._ssh_access.translations().items()
            if wanted in (None, str(machine_id))
        }
        return Response(json.dumps(ports), content_type=JSON)
