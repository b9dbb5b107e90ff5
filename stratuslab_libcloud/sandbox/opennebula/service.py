"""OpenNebula's daemon of today: ``POST /RPC2``, one request a connection.

Each call begins with a session, ``user:password`` or ``user:token``. Answers, error texts and codes are those of
6.10.0 and 7.4.0; a failure has five items, the last one of 64 bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from stratuslab_libcloud.sandbox.compute import xmlrpc as rpc
from stratuslab_libcloud.sandbox.http.exchange import current_exchange
from stratuslab_libcloud.sandbox.http.fault import FaultKind
from stratuslab_libcloud.sandbox.opennebula.documents import DOCUMENTS
from stratuslab_libcloud.sandbox.opennebula.image_methods import ImageMethods
from stratuslab_libcloud.sandbox.opennebula.machine_methods import MachineMethods
from stratuslab_libcloud.sandbox.opennebula.machine_pool_methods import MachinePoolMethods
from stratuslab_libcloud.sandbox.opennebula.methods import MethodGroup
from stratuslab_libcloud.sandbox.opennebula.network_methods import NetworkMethods
from stratuslab_libcloud.sandbox.opennebula.system_methods import SystemMethods
from stratuslab_libcloud.sandbox.opennebula.template_methods import TemplateMethods
from stratuslab_libcloud.sandbox.opennebula.user_methods import UserMethods
from stratuslab_libcloud.sandbox.state.errors import RefusedError
from stratuslab_libcloud.sandbox.state.opennebula.cloud import OpenNebula
from stratuslab_libcloud.sandbox.state.opennebula.errors import (
    ActionError,
    AllocateError,
    ApiError,
    AuthenticationError,
    AuthorizationError,
    InternalError,
    NoExistsError,
    QuotaExceededError,
)
from stratuslab_libcloud.sandbox.state.opennebula.users import User

_CODES: dict[type[RefusedError], int] = {
    AuthenticationError: 0x100,
    AuthorizationError: 0x200,
    QuotaExceededError: 0x200,
    NoExistsError: 0x400,
    ActionError: 0x800,
    ApiError: 0x1000,
    InternalError: 0x2000,
    AllocateError: 0x4000,
}
_LIST_METHODS = "system.listMethods"
_GROUPS: Sequence[type[MethodGroup]] = (
    MachineMethods,
    MachinePoolMethods,
    ImageMethods,
    TemplateMethods,
    NetworkMethods,
    UserMethods,
    SystemMethods,
)


class OpenNebulaService:
    """The methods of the daemon, over a cloud's state."""

    name = "opennebula"
    prefix = "/"  # nothing else is behind this web server
    operations: Sequence[str] = (_LIST_METHODS, *(method for group in _GROUPS for method in group.table))
    wrong_answers: Mapping[FaultKind, str] = {
        FaultKind.XMLRPC_FAULT: rpc.FaultError(-500, "The daemon is having a bad day.").as_answer("i4"),
        FaultKind.WRONG_TYPES: rpc.response(
            "<params><param><value><struct><member><name>success</name><value><string>yes</string></value></member>"
            "</struct></value></param></params>"
        ),
    }

    def __init__(self, cloud: OpenNebula) -> None:
        self._cloud = cloud
        documents = DOCUMENTS[cloud.release.number]
        groups: Sequence[MethodGroup] = (
            MachineMethods(cloud, documents),
            MachinePoolMethods(cloud, documents),
            ImageMethods(cloud, documents),
            TemplateMethods(cloud),
            NetworkMethods(cloud, documents),
            UserMethods(cloud, documents),
            SystemMethods(cloud),
        )
        self._groups = {method: group for group in groups for method in group.table}

    def routes(self) -> Blueprint:
        """What is served at which addresses."""
        routes = Blueprint("opennebula", __name__)
        routes.add_url_rule("/RPC2", "call", self._answer, methods=["POST", "OPTIONS"])
        return routes

    def before(self) -> None:
        """Who asks stands in the call itself."""

    def error(self, error: HTTPException) -> Response:
        """A page, as of the daemon's library."""
        return _by_abyss(Response(f"<p>{error.name}</p>", error.code, content_type="text/html"))

    def _answer(self) -> Response:
        if request.method == "OPTIONS":
            return _by_abyss(Response(headers={"Allow": "POST"}))
        try:
            method, values = rpc.parse_call(request.get_data())
            current_exchange().identify(method)
            answer = self._call(method, values)
        except rpc.FaultError as fault:
            answer = fault.as_answer("i4")
        return _by_abyss(Response(answer, content_type="text/xml; charset=utf-8"))

    def call(self, method: str, user: User, parameters: rpc.Parameters) -> str | int:
        """Do what a method does; the caller holds the lock.

        :raises FaultError: if an argument is missing, or of the wrong type
        :raises RefusedError: if it cannot be done
        """
        return self._groups[method].call(method, user, parameters)

    def _call(self, method: str, values: Sequence[Any]) -> str:
        if method == _LIST_METHODS:
            return rpc.array(*self.operations)
        if method not in self._groups:
            raise rpc.FaultError(-506, f"Method '{method}' not defined")
        if not values:
            raise rpc.FaultError(*self._cloud.release.missing_session)
        session, parameters = rpc.Parameters(values[:1]).text(), rpc.Parameters(values[1:])
        user: User | None = None
        try:
            with self._cloud.lock:
                user = self._cloud.users.authenticate(session)
                current_exchange().user = user.name
                return rpc.success(self.call(method, user, parameters))
        except RefusedError as refusal:
            return _failure(method, refusal, user)


def _failure(method: str, refusal: RefusedError, user: User | None) -> str:
    text = str(refusal)
    if isinstance(refusal, QuotaExceededError) and user is not None:
        text = f"User [{user.id}] : {text}."
    number = refusal.object_id if isinstance(refusal, NoExistsError) else -1
    code = _CODES.get(type(refusal), _CODES[InternalError])
    return rpc.array(False, f"[{method}] {text}", code, number, rpc.Long(-1))


def _by_abyss(response: Response) -> Response:
    """An answer as the daemon's web server, Abyss, sends it."""
    response.headers["Connection"] = "close"
    response.headers["Server"] = "Xmlrpc-c_Abyss/1.33.14"
    return response
