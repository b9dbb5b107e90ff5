"""The further lists of OpenNebula 3.2.1, which StratusLab's proxy lets through as it does every method.

The daemon shows what the user may use. A StratusLab cloud lets everybody use its networks; its hosts are shown to
administrators only, and of users and groups each sees their own. Its own images and templates are never used, so these
lists are empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import IPv4Address
from typing import TypeVar

from stratuslab_libcloud.sandbox.compute import xmlrpc as rpc
from stratuslab_libcloud.sandbox.compute.pool_xml import group_xml, host_xml, network_xml, user_xml
from stratuslab_libcloud.sandbox.state.errors import BadFilterError, NoSuchObjectError, NotAuthorizedError
from stratuslab_libcloud.sandbox.state.state import HOSTS, State
from stratuslab_libcloud.sandbox.state.users import User
from stratuslab_libcloud.sandbox.state.vm import Host, Machine, VmState

_MINE, _ALL = -3, -2
_SELF = -1
_T = TypeVar("_T")

Method = Callable[[str, rpc.Parameters], str | int]


class Pools:
    """The methods, over a cloud's state."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.methods: Mapping[str, tuple[str, Method]] = {
            "one.hostpool.info": ("HostPoolInfo", self._hosts),
            "one.host.info": ("HostInfo", self._host),
            "one.vnpool.info": ("VirtualNetworkPoolInfo", self._networks),
            "one.vn.info": ("VirtualNetworkInfo", self._network),
            "one.imagepool.info": ("ImagePoolInfo", self._nothing("IMAGE_POOL")),
            "one.image.info": ("ImageInfo", self._none("image")),
            "one.templatepool.info": ("TemplatePoolInfo", self._nothing("VMTEMPLATE_POOL")),
            "one.template.info": ("TemplateInfo", self._none("virtual machine template")),
            "one.userpool.info": ("UserPoolInfo", self._users),
            "one.user.info": ("UserInfo", self._user),
            "one.grouppool.info": ("GroupPoolInfo", self._groups),
        }

    def _hosts(self, account: str, _: rpc.Parameters) -> str:
        hosts: Sequence[Host] = HOSTS if self._user_of(account).is_admin else ()
        return f"<HOST_POOL>{''.join(map(self._host_xml, hosts))}</HOST_POOL>"

    def _host(self, account: str, parameters: rpc.Parameters) -> str:
        number = parameters.number()
        host = _found("host", number, {host.id: host for host in HOSTS})
        self._check(account, "HOST", number)
        return self._host_xml(host)

    def _networks(self, account: str, parameters: rpc.Parameters) -> str:
        owner, first, last = _filter(parameters)
        user = self._user_of(account)
        with self._state.lock:
            networks = "".join(
                network_xml(network)
                for network in self._state.networks
                if (owner in (_ALL, 0) or (owner < 0 and user.is_admin)) and is_between(network.number, first, last)
            )
        return f"<VNET_POOL>{networks}</VNET_POOL>"

    def _network(self, _: str, parameters: rpc.Parameters) -> str:
        number = parameters.number()
        with self._state.lock:
            network = _found("virtual network", number, {each.number: each for each in self._state.networks})
            return network_xml(network, self._leases())

    def _users(self, account: str, _: rpc.Parameters) -> str:
        return f"<USER_POOL>{''.join(map(user_xml, self._visible_users(account)))}</USER_POOL>"

    def _user(self, account: str, parameters: rpc.Parameters) -> str:
        user = self._user_of(account)
        number = parameters.number()
        wanted = user if number == _SELF else _found("user", number, {each.id: each for each in self._state.users})
        if wanted != user:
            self._check(account, "USER", number)
        return user_xml(wanted)

    def _groups(self, account: str, _: rpc.Parameters) -> str:
        groups = {user.group_id: user.group for user in self._visible_users(account)}
        documents = (
            group_xml(number, name, (user for user in self._state.users if user.group_id == number))
            for number, name in sorted(groups.items())
        )
        return f"<GROUP_POOL>{''.join(documents)}</GROUP_POOL>"

    def _nothing(self, element: str) -> Method:
        def answer(_: str, parameters: rpc.Parameters) -> str:
            _filter(parameters)
            return f"<{element}></{element}>"

        return answer

    def _none(self, kind: str) -> Method:
        def answer(_: str, parameters: rpc.Parameters) -> str:
            raise NoSuchObjectError(kind, parameters.number())

        return answer

    def _host_xml(self, host: Host) -> str:
        with self._state.lock:
            return host_xml(host, [machine for machine in self._state.machines if _is_on(machine, host)], self._now)

    @property
    def _now(self) -> float:
        return self._state.clock.now()

    def _leases(self) -> Mapping[IPv4Address, int]:
        connected = [machine for machine in self._state.machines if machine.connected]
        return {IPv4Address(nic["IP"]): machine.id for machine in connected for nic in machine.nics}

    def _user_of(self, account: str) -> User:
        return self._state.users.of_account(account)

    def _visible_users(self, account: str) -> Iterable[User]:
        user = self._user_of(account)
        return [each for each in self._state.users if user.is_admin or each == user]

    def _check(self, account: str, kind: str, number: int) -> None:
        user = self._user_of(account)
        if not user.is_admin:
            raise NotAuthorizedError(user.id, "USE", f"{kind} [{number}]")


def is_between(number: int, first: int, last: int) -> bool:
    """Whether a number is in the range that a listing was asked for; -1 is no limit."""
    return first == -1 or (first <= number and (last == -1 or number <= last))


def _filter(parameters: rpc.Parameters) -> tuple[int, int, int]:
    owner, first, last = (parameters.number() for _ in range(3))
    if owner < _MINE:
        raise BadFilterError("Incorrect filter_flag")
    return owner, first, last


def _found(kind: str, number: int, known: Mapping[int, _T]) -> _T:
    if number not in known:
        raise NoSuchObjectError(kind, number)
    return known[number]


def _is_on(machine: Machine, host: Host) -> bool:
    return machine.state == VmState.ACTIVE and bool(machine.history) and machine.history[-1].host == host
