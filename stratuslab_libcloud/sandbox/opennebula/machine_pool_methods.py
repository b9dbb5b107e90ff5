"""``one.vmpool.*``: lists of machines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from stratuslab_libcloud.sandbox.compute.xmlrpc import Escaped, Parameters
from stratuslab_libcloud.sandbox.http.exchange import current_exchange
from stratuslab_libcloud.sandbox.http.fault import Fault, FaultKind
from stratuslab_libcloud.sandbox.opennebula.documents import Documents
from stratuslab_libcloud.sandbox.opennebula.methods import MethodGroup, Table
from stratuslab_libcloud.sandbox.state.opennebula.cloud import OpenNebula
from stratuslab_libcloud.sandbox.state.opennebula.errors import ApiError, InternalError
from stratuslab_libcloud.sandbox.state.opennebula.machine import Machine, VmState
from stratuslab_libcloud.sandbox.state.opennebula.objects import Right
from stratuslab_libcloud.sandbox.state.opennebula.users import User

_ANY_STATE, _NOT_DONE = -2, -1
_POOL_START, _POOL_END = escape("<VM_POOL>"), escape("</VM_POOL>")
_OUTAGE_SECONDS = 3600.0


class MachinePoolMethods(MethodGroup):
    """The methods, over a cloud's state."""

    def __init__(self, cloud: OpenNebula, documents: Documents) -> None:
        self._cloud = cloud
        self._pool = cloud.machines.pool
        self._documents = documents.machines
        self._abridged: dict[int, tuple[int, str]] = {}

    def _info(self, user: User, parameters: Parameters) -> str:
        return self._abridged_pool(self._asked(user, parameters))

    def _infoextended(self, user: User, parameters: Parameters) -> str:
        return self._full_pool(self._asked(user, parameters))

    def _infoset(self, user: User, parameters: Parameters) -> str:
        numbers, extended = parameters.text(), parameters.boolean()
        asked = sorted({int(number) for number in numbers.split(",") if number.strip().isdecimal()}, reverse=True)
        found = [machine for number in asked if (machine := self._pool.get(number)) is not None]
        machines = [machine for machine in found if machine.allows(user, Right.USE)]
        return self._full_pool(machines) if extended else self._abridged_pool(machines)

    def _asked(self, user: User, parameters: Parameters) -> list[Machine]:
        flag, first, last, state = (parameters.number() for _ in range(4))
        search = parameters.text("")
        if not _ANY_STATE <= state <= VmState.CLONING_FAILURE.value:
            raise ApiError("Incorrect filter_flag, state")
        if not search:
            return self._pool.listed(user, flag, first, last, lambda machine: _has_state(machine, state))
        self._check_search(search)
        return self._pool.listed(
            user, flag, first, last, lambda machine: _has_state(machine, state) and self._contains(machine, search)
        )

    def _check_search(self, search: str) -> None:
        if not self._cloud.release.can_search():
            raise InternalError("JSON query search is not supported by the SQL backend")
        if search == "=":
            # The daemon ends.
            current_exchange().fault = Fault(FaultKind.REFUSE, seconds=_OUTAGE_SECONDS)

    def _contains(self, machine: Machine, search: str) -> bool:
        """Whether a machine's document has all of these texts, each anywhere or in an element."""
        document = self._documents.full(machine)
        for condition in search.split("&"):
            path, equals, text = condition.partition("=")
            if not equals:
                if condition not in document:
                    return False
                continue
            elements = path.removeprefix("VM.").replace("[*]", "").replace(".", "/")
            if all(text not in (found.text or "") for found in ElementTree.fromstring(document).iterfind(elements)):
                return False
        return True

    def _abridged_pool(self, machines: Iterable[Machine]) -> str:
        return Escaped(f"{_POOL_START}{''.join(map(self._listing, machines))}{_POOL_END}")

    def _full_pool(self, machines: Iterable[Machine]) -> str:
        documents = "".join(self._documents.full(machine, whole_history=False) for machine in machines)
        return f"<VM_POOL>{documents}</VM_POOL>"

    def _listing(self, machine: Machine) -> str:
        """The machine in a list, escaped for XML-RPC; kept until it changes."""
        revision, text = self._abridged.get(machine.id, (-1, ""))
        if revision != machine.revision:
            text = escape(self._documents.abridged(machine))
            self._abridged[machine.id] = (machine.revision, text)
        return text

    table: ClassVar[Table] = {
        "one.vmpool.info": _info,
        "one.vmpool.infoextended": _infoextended,
        "one.vmpool.infoset": _infoset,
        "one.vmpool.monitoring": lambda self, user, parameters: "<MONITORING_DATA></MONITORING_DATA>",
        "one.vmpool.accounting": lambda self, user, parameters: "<HISTORY_RECORDS></HISTORY_RECORDS>",
        "one.vmpool.showback": lambda self, user, parameters: "<SHOWBACK_RECORDS></SHOWBACK_RECORDS>",
    }


def _has_state(machine: Machine, state: int) -> bool:
    if state == _ANY_STATE:
        return True
    if state == _NOT_DONE:
        return machine.state != VmState.DONE
    return bool(machine.state.value == state)
