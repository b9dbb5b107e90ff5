"""The compute service: the authenticating proxy with an OpenNebula 3.2.1 daemon behind it.

``POST /one-proxy/pswd/xmlrpc`` and ``/one-proxy/cert/xmlrpc``. The proxy knows the user and replaces the
first XML-RPC parameter, whatever it is. ``POST /RPC2`` asks the daemon directly: the first parameter is
``user:password``. Served are the methods that StratusLab's own client used for machines,
``one.vm.allocate``, ``one.vm.info``, ``one.vm.action`` and ``one.vmpool.info``, and the further lists, see `pools`;
answers, error texts and codes are those of 3.2.1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from stratuslab_libcloud.sandbox.compute import proxy
from stratuslab_libcloud.sandbox.compute import xmlrpc as rpc
from stratuslab_libcloud.sandbox.compute.machine_xml import NO_MACHINE, listed_machine_xml, machine_xml
from stratuslab_libcloud.sandbox.compute.pools import Pools, is_between
from stratuslab_libcloud.sandbox.compute.template_parser import TemplateError, parse_template
from stratuslab_libcloud.sandbox.http.authentication import compute_user
from stratuslab_libcloud.sandbox.http.exchange import current_exchange
from stratuslab_libcloud.sandbox.http.fault import Fault, FaultKind
from stratuslab_libcloud.sandbox.http.negotiation import error_page
from stratuslab_libcloud.sandbox.state.errors import (
    AllocationError,
    BadFilterError,
    NoDriverYetError,
    NoSuchMachineError,
    NoSuchObjectError,
    NotAuthenticatedError,
    NotAuthorizedError,
    QuotaError,
    RefusedError,
    UnknownActionError,
    WrongStateError,
)
from stratuslab_libcloud.sandbox.state.record import stored
from stratuslab_libcloud.sandbox.state.state import State
from stratuslab_libcloud.sandbox.state.vm import Machine, VmState

_DAEMON = "/RPC2"

_MAX_BODY = 512 * 1024
_POOL_START, _POOL_END = escape("<VM_POOL>"), escape("</VM_POOL>")

_AUTHENTICATION, _AUTHORIZATION, _NO_EXISTS, _ACTION, _API, _INTERNAL = 0x100, 0x200, 0x400, 0x800, 0x1000, 0x2000

_MINE, _ALL = -3, -2
_ANY_STATE, _NOT_DONE = -2, -1


_CODES: dict[type[RefusedError], int] = {
    NotAuthenticatedError: _AUTHENTICATION,
    NoDriverYetError: _AUTHORIZATION,
    NotAuthorizedError: _AUTHORIZATION,
    QuotaError: _AUTHORIZATION,
    NoSuchMachineError: _NO_EXISTS,
    NoSuchObjectError: _NO_EXISTS,
    WrongStateError: _ACTION,
    BadFilterError: _API,
    UnknownActionError: _INTERNAL,
}


class ComputeService:
    """The methods of the daemon, over a cloud's state."""

    name = "compute"
    prefix = ("/one-proxy/", _DAEMON)
    operations: Sequence[str] = (
        "one.vm.allocate",
        "one.vm.info",
        "one.vm.action",
        "one.vmpool.info",
        "one.hostpool.info",
        "one.host.info",
        "one.vnpool.info",
        "one.vn.info",
        "one.imagepool.info",
        "one.image.info",
        "one.templatepool.info",
        "one.template.info",
        "one.userpool.info",
        "one.user.info",
        "one.grouppool.info",
    )
    wrong_answers: Mapping[FaultKind, str] = {
        FaultKind.XMLRPC_FAULT: rpc.FaultError(-500, "The compute service failed on purpose.").as_answer(),
        FaultKind.PROXY_FAULT: proxy.DAEMON_IS_DOWN,
        FaultKind.PROXY_FAULT_AFTER: proxy.CONNECTION_BROKE,
        FaultKind.DOUBLED_FAULT: proxy.CONNECTION_BROKE,
        FaultKind.RESTART: proxy.CONNECTION_BROKE,
        FaultKind.WRONG_TYPES: rpc.response(
            "<params><param><value><struct><member><name>success</name><value><string>yes</string></value></member>"
            "</struct></value></param></params>"
        ),
    }

    def __init__(self, state: State) -> None:
        self._state = state
        self._away_until = 0.0
        self._listings: dict[int, tuple[int, str]] = {}
        self._methods: dict[str, tuple[str, Callable[[str, rpc.Parameters], str | int]]] = {
            "one.vm.allocate": ("VirtualMachineAllocate", self._allocate),
            "one.vm.info": ("VirtualMachineInfo", self._info),
            "one.vm.action": ("VirtualMachineAction", self._action),
            "one.vmpool.info": ("VirtualMachinePoolInfo", self._pool_info),
            **Pools(state).methods,
        }

    def routes(self) -> Blueprint:
        """What is served at which addresses."""
        routes = Blueprint("compute", __name__)
        path = "/one-proxy/<any(pswd,cert):_credentials>/xmlrpc"
        routes.add_url_rule(path, "call", self._answer_by_proxy, methods=["POST"])
        routes.add_url_rule(_DAEMON, "call_directly", self._answer, methods=["POST"])
        return routes

    def before(self) -> None:
        """Find out who the user is, as far as the proxy knows it."""
        if request.path != _DAEMON:
            current_exchange().user = compute_user(self._state.accounts)

    def error(self, error: HTTPException) -> Response:
        """Answer with a page, as the servlet container does."""
        return error_page(error)

    def _answer_by_proxy(self, _credentials: str) -> Response:
        answer = self._answer()
        if answer.status_code == 200:
            answer.set_data(proxy.passed_on(answer.get_data(as_text=True)))
        return answer

    def _answer(self) -> Response:
        if request.content_length is None:
            return Response("Length required", 411)
        exchange = current_exchange()
        if request.content_length > _MAX_BODY:
            # The daemon's answer is 500, but it closes the connection so early that what arrives is a reset.
            exchange.fault = Fault(FaultKind.RESET_BEFORE, self.name)
            return Response(f"XML-RPC request too large ({request.content_length} bytes)", 500)
        if not request.content_length:
            return Response("XML-RPC request without a body", 400)
        try:
            method, values = rpc.parse_call(request.get_data())
            exchange.identify(method)
            if self._is_away():
                return _xml(proxy.DAEMON_IS_DOWN)
            answer = self._call(method, values)
        except rpc.FaultError as fault:
            answer = fault.as_answer()
        if exchange.fault is not None and exchange.fault.kind == FaultKind.RESTART:
            self._away_until = self._state.clock.now() + exchange.fault.seconds
            self._state.start_daemon(exchange.fault.seconds)
        return _xml(answer)

    def _is_away(self) -> bool:
        """Whether the daemon has ended and not started again."""
        return self._state.clock.now() < self._away_until

    def _call(self, method: str, values: Sequence[Any]) -> str:
        if method not in self._methods:
            raise rpc.FaultError(-506, f"Method '{method}' not defined")
        name, function = self._methods[method]
        try:
            user = current_exchange().user or self._user_of_session(values)
            self._state.check_daemon_is_up(user)
            return rpc.success(function(user, rpc.Parameters(values[1:])))
        except RefusedError as refusal:
            return rpc.failure(f"[{name}] {refusal}", _CODES.get(type(refusal), _INTERNAL))

    def _user_of_session(self, values: Sequence[Any]) -> str:
        """Who asks the daemon directly."""
        user, _, password = str(next(iter(values), "")).partition(":")
        if not self._state.accounts.has_password(user, password):
            raise NotAuthenticatedError
        current_exchange().user = user
        return user

    def _allocate(self, user: str, parameters: rpc.Parameters) -> str | int:
        try:
            template = parse_template(parameters.text())
        except TemplateError as problem:
            raise AllocationError(str(problem)) from None
        return self._state.machines.allocate(user, template).id

    def _info(self, user: str, parameters: rpc.Parameters) -> str | int:
        machine_id = parameters.number()
        if machine_id == -1 and self._state.users.of_account(user).is_admin:
            return NO_MACHINE
        with self._state.lock:
            return machine_xml(self._state.machines.find(user, machine_id))

    def _action(self, user: str, parameters: rpc.Parameters) -> str | int:
        action, machine_id = parameters.text(), parameters.number()
        self._state.machines.act(user, machine_id, action)
        return machine_id

    def _pool_info(self, user: str, parameters: rpc.Parameters) -> str | int:
        owner, first, last, state = (parameters.number() for _ in range(4))
        if owner < _MINE:
            raise BadFilterError("Incorrect filter_flag")
        if not _ANY_STATE <= state <= VmState.FAILED:
            raise BadFilterError("Incorrect filter_flag, state")
        with self._state.lock:
            machines = [
                machine
                for machine in map(stored, self._state.machines.visible_to(user))
                if self._matches_owner(machine, user, owner)
                and is_between(machine.id, first, last)
                and _matches_state(machine, state)
            ]
            return rpc.Escaped(f"{_POOL_START}{''.join(map(self._listing, machines))}{_POOL_END}")

    def _matches_owner(self, machine: Machine, user: str, owner: int) -> bool:
        if owner == _ALL:
            return True
        if owner >= 0:
            return machine.owner.id == owner
        # _MINE_AND_GROUP is the same: a group has no rights for its machines.
        return machine.owner == self._state.users.of_account(user)

    def _listing(self, machine: Machine) -> str:
        """The machine in a listing, escaped for XML-RPC; kept until it changes."""
        revision, text = self._listings.get(machine.id, (-1, ""))
        if revision != machine.revision:
            text = escape(listed_machine_xml(machine))
            self._listings[machine.id] = (machine.revision, text)
        return text


def _xml(answer: str) -> Response:
    return Response(answer, content_type="text/xml; charset=utf-8")


def _matches_state(machine: Machine, state: int) -> bool:
    if state == _ANY_STATE:
        return True
    if state == _NOT_DONE:
        return machine.state != VmState.DONE
    return machine.state == state
