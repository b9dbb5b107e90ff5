"""The cloud's machines: who may make, see and change which."""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Mapping, Sequence

from stratuslab_libcloud.sandbox.state.opennebula.connections import Connections
from stratuslab_libcloud.sandbox.state.opennebula.context import Macros, network_variables
from stratuslab_libcloud.sandbox.state.opennebula.errors import (
    ActionError,
    AuthorizationError,
    InvalidTemplateError,
)
from stratuslab_libcloud.sandbox.state.opennebula.life_cycle import LifeCycle
from stratuslab_libcloud.sandbox.state.opennebula.machine import Machine, MachineState, ScheduledAction, VmState
from stratuslab_libcloud.sandbox.state.opennebula.names import refused_name
from stratuslab_libcloud.sandbox.state.opennebula.networks import Network
from stratuslab_libcloud.sandbox.state.opennebula.objects import Lock, Pool, Right
from stratuslab_libcloud.sandbox.state.opennebula.quotas import Amounts
from stratuslab_libcloud.sandbox.state.opennebula.release import Release610
from stratuslab_libcloud.sandbox.state.opennebula.restricted import restricted_attribute
from stratuslab_libcloud.sandbox.state.opennebula.scheduler import CPUS, MEMORY
from stratuslab_libcloud.sandbox.state.opennebula.security_groups import SecurityGroup
from stratuslab_libcloud.sandbox.state.opennebula.storage import Storage
from stratuslab_libcloud.sandbox.state.opennebula.users import User
from stratuslab_libcloud.sandbox.state.steps import Steps
from stratuslab_libcloud.sandbox.state.template import Template

_UNDERSTOOD = frozenset(
    (
        "CPU",
        "CPU_COST",
        "CPU_MODEL",
        "DISK_COST",
        "EMULATOR",
        "FEATURES",
        "GRAPHICS",
        "HYPERV_OPTIONS",
        "INPUT",
        "MEMORY",
        "MEMORY_COST",
        "MEMORY_MAX",
        "MEMORY_RESIZE_MODE",
        "MEMORY_SLOTS",
        "NIC_DEFAULT",
        "NUMA_NODE",
        "OS",
        "PCI",
        "RAW",
        "SECURITY_GROUP_RULE",
        "SPICE_OPTIONS",
        "TEMPLATE_ID",
        "TOPOLOGY",
        "TPM",
        "VCPU",
        "VCPU_MAX",
        "VIDEO",
        "VMGROUP",
    )
)
_BUILT = frozenset(("NAME", "DISK", "NIC", "NIC_ALIAS", "CONTEXT", "SCHED_ACTION"))
_CLUSTERS = '("CLUSTERS/ID" @> 0)'


class Machines:
    """All machines of a cloud, including those that are done."""

    def __init__(
        self,
        *,
        pool: Pool[Machine],
        life_cycle: LifeCycle,
        storage: Storage,
        connections: Connections,
        networks: Pool[Network],
        security_groups: Pool[SecurityGroup],
        steps: Steps,
        release: Release610,
    ) -> None:
        self.pool = pool
        self._life_cycle = life_cycle
        self._storage = storage
        self._connections = connections
        self._networks = networks
        self._security_groups = security_groups
        self._steps = steps
        self._release = release
        self._scheduled_ids = itertools.count()

    def allocate(
        self, user: User, template: Template, *, on_hold: bool = False, template_id: int | None = None
    ) -> Machine:
        """Create a machine.

        :param on_hold: it waits until somebody releases it
        :param template_id: of the template that it was made from; the user may have restricted attributes from there
        :raises RefusedError: if it cannot be
        """
        if template_id is None:
            self._check_restricted(user, template)
        self._check_name(template.text("NAME"))
        self._check_capacity(user, template)
        machine = self._new_machine(user, template, on_hold)
        if template_id is not None:
            machine.template.replace("TEMPLATE_ID", str(template_id))
        try:
            self._storage.give_all(user, machine, template.vectors("DISK"))
            self._connections.connect_all(user, machine, template.vectors("NIC"), template.vectors("NIC_ALIAS"))
            self.check_quotas(user, machine.amounts())
            self.refresh(machine)
        except BaseException:
            self._storage.take_all(machine)
            self._connections.disconnect_all(machine)
            raise
        self.pool.add(machine)
        for action in template.vectors("SCHED_ACTION"):
            self.schedule(machine, action)
        self._life_cycle.begin(machine)
        return machine

    def check_quotas(self, user: User, more: Amounts) -> None:
        """Make sure that a user may have more of what machines take.

        :raises QuotaExceededError: if not
        """
        if user.limits:
            mine = [machine.amounts() for machine in self.pool if machine.owner is user]
            user.limits.check(f"user [{user.id}]", Amounts().add_all(mine), more)
        if user.group.limits:
            ours = [machine.amounts() for machine in self.pool if machine.group is user.group]
            user.group.limits.check(f"group [{user.group.id}]", Amounts().add_all(ours), more)

    def act(self, user: User, machine_id: int, action: str) -> None:
        """Begin to do something with a machine.

        :param action: OpenNebula's name of it, such as ``poweroff``
        :raises RefusedError: if that cannot be
        """
        admins = action in ("resched", "unresched")
        machine = self.pool.find(user, machine_id, Right.ADMIN if admins else Right.MANAGE)
        if action == "resume" and machine.state != VmState.ACTIVE:
            running = {f"RUNNING_{name}": amount for name, amount in machine.capacity().items()}
            self.check_quotas(machine.owner, Amounts().add("VM", "", {"RUNNING_VMS": 1, **running}))
        self._life_cycle.act(user, machine, action)

    def put(self, machine_id: int, state: MachineState) -> None:
        """Let a machine be in a state, as accidents and administrators do it; it stays unless the state passes."""
        self._life_cycle.enter(self.pool[machine_id], state)

    def report(self, machine_id: int, **monitoring: str) -> None:
        """Let a machine's hypervisor say something of it, as nothing does by itself here.

        :param monitoring: such as ``GUEST_IP="10.0.0.7"``
        """
        machine = self.pool[machine_id]
        machine.monitoring = monitoring
        machine.touch()

    def rename(self, user: User, machine_id: int, name: str) -> None:
        """Give a machine another name.

        :raises RefusedError: if it cannot have this one
        """
        machine = self.pool.find(user, machine_id, Right.MANAGE)
        refusal = refused_name(name)
        if refusal:
            raise ActionError(refusal)
        machine.name = name
        machine.touch()

    def update(self, user: User, machine_id: int, attributes: Template, *, append: bool) -> None:
        """Change what OpenNebula itself does not understand of a machine's template.

        :param append: add and replace single ones; otherwise these are all
        :raises RefusedError: if that cannot be
        """
        machine = self.pool.find(user, machine_id, Right.MANAGE)
        self._check_restricted(user, attributes)
        machine.user_template = machine.user_template.copy() if append else Template()
        machine.user_template.merge(attributes)
        machine.touch()

    def lock(self, user: User, machine_id: int, level: int) -> None:
        """Keep a machine from being changed.

        :param level: 1 for everything, 2 for managing, 3 for administering
        :raises RefusedError: if the user may not do that
        """
        machine = self.pool.find(user, machine_id, Right.USE)
        machine.lock = Lock(level, user.id, self._steps.now, -1)
        machine.touch()

    def unlock(self, user: User, machine_id: int) -> None:
        """Let a machine be changed again.

        :raises RefusedError: if the user may not do that
        """
        machine = self.pool[machine_id]
        if machine.lock is not None and not user.is_admin and machine.lock.user_id != user.id:
            raise AuthorizationError(user.id, f"Not authorized to perform MANAGE VM [{machine_id}].")
        machine.lock = None
        machine.touch()

    def schedule(self, machine: Machine, wanted: Mapping[str, str]) -> ScheduledAction:
        """Do something with a machine later.

        :param wanted: ACTION and TIME: seconds since 1970, or ``+`` and seconds since the machine was created
        :raises ActionError: if there is no such time
        """
        text = wanted.get("TIME", "")
        if not re.fullmatch(r"\+?\d+", text):
            raise ActionError(f"Wrong TIME in SCHED_ACTION: {text}")
        planned = ScheduledAction(next(self._scheduled_ids), wanted.get("ACTION", ""), text)
        machine.scheduled.append(planned)
        machine.touch()
        moment = machine.time + int(text) if text.startswith("+") else int(text)

        def act() -> None:
            planned.done = self._steps.now
            try:
                self._life_cycle.act(machine.owner, machine, planned.action)
            except ActionError as problem:
                planned.message = str(problem)
            machine.touch()

        self._steps.schedule(("scheduled", machine.id, planned.id), max(0.0, moment - self._steps.now), act)
        return planned

    def refresh(self, machine: Machine) -> None:
        """Make anew what a machine's contextualization gets, and the rules of its security groups.

        :raises InvalidTemplateError: if the contextualization cannot be read
        """
        numbers = [n for nic in (*machine.nics, *machine.aliases) for n in nic.get("SECURITY_GROUPS", "").split(",")]
        groups = [self._security_groups.get(int(number)) for number in dict.fromkeys(numbers) if number.isdecimal()]
        rules = [rule for group in groups if group for rule in group.rules_of_machine()]
        machine.template.replace("SECURITY_GROUP_RULE", *rules)
        machine.context = self._context(machine)
        machine.touch()

    def check_capacity(self, capacity: Mapping[str, str]) -> None:
        """Make sure that a machine can have these processors and this memory.

        :raises ActionError: if no host has them
        """
        kilobytes = int(capacity.get("MEMORY", "0")) * 1024
        if kilobytes > MEMORY * 1024:
            raise ActionError(f"Not enough memory: {kilobytes}/{MEMORY * 1024}")
        if float(capacity.get("CPU", "0")) > CPUS:
            raise ActionError(f"Not enough CPU: {int(float(capacity['CPU']) * 100)}/{CPUS * 100}")

    # Internal

    def _new_machine(self, user: User, template: Template, on_hold: bool) -> Machine:
        number = self.pool.take_id()
        own = Template((name, value) for name, value in template if name in _UNDERSTOOD)
        more = Template((name, value) for name, value in template if name not in _UNDERSTOOD | _BUILT)
        system = next(iter(own.vectors("OS")), {})
        own.replace("OS", {**system, "UUID": str(uuid.uuid4())})
        own.replace("AUTOMATIC_DS_REQUIREMENTS", _CLUSTERS)
        own.replace("AUTOMATIC_NIC_REQUIREMENTS", _CLUSTERS)
        own.replace("AUTOMATIC_REQUIREMENTS", self._release.requirements)
        own.replace("VMID", str(number))
        return Machine(
            id=number,
            owner=user,
            name=template.text("NAME") or f"one-{number}",
            time=self._steps.now,
            template=own,
            user_template=more,
            given_context=next(iter(template.vectors("CONTEXT")), None),
            on_hold=on_hold,
        )

    def _context(self, machine: Machine) -> Mapping[str, str]:
        given = machine.given_context
        if given is None:
            return {}
        if given.get("TOKEN", "").upper() == "YES":
            raise InvalidTemplateError("Cannot make a TOKEN: there is no OneGate, ONEGATE_ENDPOINT was not set.")
        if machine.context_disk is None:
            machine.context_disk = (machine.next_disk_id, self._storage.context_target(machine))
            machine.next_disk_id += 1
        macros = Macros(
            _words(machine), machine.template, machine.nics, self._attributes, _texts(machine.owner.template)
        )
        variables = {name: macros.expand(value) for name, value in given.items()}
        if given.get("NETWORK", "").upper() == "YES":
            extras: Sequence[str] = self._release.context_extras
            variables |= network_variables(machine.nics, machine.aliases, self._attributes, extras)
        number, target = machine.context_disk
        return {**variables, "DISK_ID": str(number), "TARGET": target}

    def _attributes(self, network_id: str) -> Mapping[str, str]:
        network = self._networks.get(int(network_id)) if network_id else None
        return _texts(network.template) if network else {}

    def _check_capacity(self, user: User, template: Template) -> None:
        memory = template.text("MEMORY") or ""
        if re.fullmatch(r"-\d+", memory):
            reason = "MEMORY attribute must be a positive integer value."
            raise self._release.negative_memory(user.id, reason)
        check_capacity(template)

    @staticmethod
    def _check_name(name: str | None) -> None:
        refusal = refused_name(name) if name else None
        if refusal:
            raise InvalidTemplateError(refusal)

    @staticmethod
    def _check_restricted(user: User, template: Template) -> None:
        found = None if user.is_admin else restricted_attribute(template)
        if found:
            raise AuthorizationError(user.id, f"VM Template includes a restricted attribute {found[0]}.")


def check_capacity(template: Template) -> None:
    """Make sure that processors and memory are numbers above 0, and there.

    :raises InvalidTemplateError: if not
    """
    if not _is_above_0(template.text("MEMORY") or "", r"\d+"):
        raise InvalidTemplateError("MEMORY attribute must be a positive integer value.")
    if not _is_above_0(template.text("CPU") or "", r"\d*\.?\d+|\d+\.?"):
        raise InvalidTemplateError("CPU attribute must be a positive float or integer value.")
    vcpu = template.text("VCPU")
    if vcpu is not None and not _is_above_0(vcpu, r"\d+"):
        raise InvalidTemplateError("VCPU attribute must be a positive integer value.")


def _is_above_0(text: str, pattern: str) -> bool:
    return re.fullmatch(pattern, text) is not None and float(text) > 0


def _words(machine: Machine) -> Mapping[str, str]:
    return {
        "NAME": machine.name,
        "VMID": str(machine.id),
        "UID": str(machine.owner.id),
        "GID": str(machine.group.id),
        "UNAME": machine.owner.name,
        "GNAME": machine.group.name,
    }


def _texts(template: Template) -> Mapping[str, str]:
    return {name: value for name, value in template if isinstance(value, str)}
