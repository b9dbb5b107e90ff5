"""``one.vm.*``: what can be done with a machine."""

from __future__ import annotations

from typing import ClassVar

from stratuslab_libcloud.sandbox.compute.xmlrpc import Parameters
from stratuslab_libcloud.sandbox.opennebula.documents import Documents
from stratuslab_libcloud.sandbox.opennebula.methods import (
    MethodGroup,
    Table,
    check_may_create,
    chmod,
    read_template,
    vector_of,
)
from stratuslab_libcloud.sandbox.state.opennebula.cloud import OpenNebula
from stratuslab_libcloud.sandbox.state.opennebula.errors import (
    ActionError,
    InternalError,
    InvalidTemplateError,
    QuotaExceededError,
)
from stratuslab_libcloud.sandbox.state.opennebula.machine import LcmState, Machine, VmState
from stratuslab_libcloud.sandbox.state.opennebula.machines import check_capacity
from stratuslab_libcloud.sandbox.state.opennebula.objects import Right
from stratuslab_libcloud.sandbox.state.opennebula.quotas import Amounts
from stratuslab_libcloud.sandbox.state.opennebula.users import User
from stratuslab_libcloud.sandbox.state.template import Template

_DELETE = 3


class MachineMethods(MethodGroup):
    """The methods, over a cloud's state."""

    def __init__(self, cloud: OpenNebula, documents: Documents) -> None:
        self._cloud = cloud
        self._machines = cloud.machines
        self._hotplug = cloud.hotplug
        self._documents = documents.machines

    def _find(self, user: User, parameters: Parameters, right: Right = Right.MANAGE) -> Machine:
        return self._machines.pool.find(user, parameters.number(), right)

    def _allocate(self, user: User, parameters: Parameters) -> int:
        text, on_hold = parameters.text(), parameters.boolean(False)
        check_may_create(user, "VM")
        try:
            return self._machines.allocate(user, read_template(self._cloud, text), on_hold=on_hold).id
        except InvalidTemplateError as problem:
            raise InternalError(str(problem)) from None

    def _info(self, user: User, parameters: Parameters) -> str:
        machine = self._find(user, parameters, Right.USE)
        return self._documents.full(machine, decrypts=parameters.boolean(False))

    def _action(self, user: User, parameters: Parameters) -> int:
        action, number = parameters.text(), parameters.number()
        try:
            self._machines.act(user, number, action)
        except QuotaExceededError as problem:
            raise ActionError(str(problem)) from None
        return number

    def _rename(self, user: User, parameters: Parameters) -> int:
        number, name = parameters.number(), parameters.text()
        self._machines.rename(user, number, name)
        return number

    def _update(self, user: User, parameters: Parameters) -> int:
        number, text, append = parameters.number(), parameters.text(), parameters.number()
        self._machines.update(user, number, read_template(self._cloud, text), append=append == 1)
        return number

    def _updateconf(self, user: User, parameters: Parameters) -> int:
        machine, text, append = self._find(user, parameters), parameters.text(), parameters.number(0)
        wanted = vector_of(read_template(self._cloud, text), "CONTEXT")
        before = machine.given_context or {}
        self._hotplug.set_context(user, machine, {**before, **wanted} if append == 1 else wanted)
        return machine.id

    def _resize(self, user: User, parameters: Parameters) -> int:
        machine, text, _ = self._find(user, parameters), parameters.text(), parameters.boolean(True)
        asked = read_template(self._cloud, text)
        capacity = {name: value for name in ("CPU", "MEMORY", "VCPU") if (value := asked.text(name)) is not None}
        wanted = Template({"CPU": str(machine.cpu), "MEMORY": str(machine.memory), **capacity}.items())
        try:
            check_capacity(wanted)
        except InvalidTemplateError as problem:
            raise InternalError(str(problem)) from None
        more = {
            "CPU": float(wanted.text("CPU") or 0) - machine.cpu,
            "MEMORY": float(wanted.text("MEMORY") or 0) - machine.memory,
        }
        running = {
            f"RUNNING_{name}": amount for name, amount in more.items() if f"RUNNING_{name}" in machine.capacity()
        }
        self._machines.check_quotas(machine.owner, Amounts().add("VM", "", {**more, **running}))
        self._machines.check_capacity(capacity)
        self._hotplug.resize(user, machine, capacity)
        return machine.id

    def _lock(self, user: User, parameters: Parameters) -> int:
        number, level, _ = parameters.number(), parameters.number(), parameters.boolean(False)
        self._machines.lock(user, number, level)
        return number

    def _unlock(self, user: User, parameters: Parameters) -> int:
        number = parameters.number()
        self._machines.unlock(user, number)
        return number

    def _recover(self, user: User, parameters: Parameters) -> int:
        machine, operation = self._find(user, parameters, Right.ADMIN), parameters.number()
        if operation != _DELETE or machine.state == VmState.DONE:
            raise ActionError(f"Recover operation {operation} is not possible in state {machine.exact_state.name}")
        self._machines.put(machine.id, LcmState.CLEANUP_DELETE)
        return machine.id

    def _administer(self, user: User, parameters: Parameters) -> int:
        self._find(user, parameters, Right.ADMIN)
        raise ActionError("This sandbox leaves it to the scheduler where machines are")

    def _monitoring(self, user: User, parameters: Parameters) -> str:
        self._find(user, parameters, Right.USE)
        return "<MONITORING_DATA></MONITORING_DATA>"

    def _schedadd(self, user: User, parameters: Parameters) -> int:
        machine, text = self._find(user, parameters), parameters.text()
        return self._machines.schedule(machine, vector_of(read_template(self._cloud, text), "SCHED_ACTION")).id

    # Disks

    def _attach(self, user: User, parameters: Parameters) -> int:
        machine, text = self._find(user, parameters), parameters.text()
        wanted = vector_of(read_template(self._cloud, text), "DISK")
        self._machines.check_quotas(machine.owner, self._hotplug.amounts_of_disk(wanted))
        self._hotplug.attach(user, machine, wanted)
        return machine.id

    def _detach(self, user: User, parameters: Parameters) -> int:
        machine, disk_id = self._find(user, parameters), parameters.number()
        self._hotplug.detach(user, machine, disk_id)
        return machine.id

    def _diskresize(self, user: User, parameters: Parameters) -> int:
        machine, disk_id, size = self._find(user, parameters), parameters.number(), parameters.text()
        if not size.isdecimal():
            raise ActionError("Disk SIZE is not a valid integer")
        self._hotplug.resize_disk(user, machine, disk_id, int(size))
        return self._cloud.release.result_of_change(machine.id, disk_id)

    def _disksaveas(self, user: User, parameters: Parameters) -> int:
        machine, disk_id = self._find(user, parameters), parameters.number()
        name, kind, snapshot_id = parameters.text(), parameters.text(), parameters.number()
        return self._hotplug.save_disk(user, machine, disk_id, name, kind, snapshot_id).id

    def _disksnapshotcreate(self, user: User, parameters: Parameters) -> int:
        machine, disk_id, name = self._find(user, parameters), parameters.number(), parameters.text()
        return self._hotplug.snapshot_disk(user, machine, disk_id, name)

    def _disksnapshotdelete(self, user: User, parameters: Parameters) -> int:
        machine, disk_id, number = self._find(user, parameters), parameters.number(), parameters.number()
        self._hotplug.delete_disk_snapshot(user, machine, disk_id, number)
        return self._cloud.release.result_of_change(machine.id, number)

    def _disksnapshotrevert(self, user: User, parameters: Parameters) -> int:
        machine, disk_id, number = self._find(user, parameters), parameters.number(), parameters.number()
        self._hotplug.revert_disk(user, machine, disk_id, number)
        return machine.id

    def _disksnapshotrename(self, user: User, parameters: Parameters) -> int:
        machine, disk_id, number = self._find(user, parameters), parameters.number(), parameters.number()
        self._hotplug.rename_disk_snapshot(machine, disk_id, number, parameters.text())
        return machine.id

    # Snapshots of the whole machine

    def _snapshotcreate(self, user: User, parameters: Parameters) -> int:
        machine, name = self._find(user, parameters), parameters.text()
        return self._hotplug.snapshot(user, machine, name)

    def _snapshotdelete(self, user: User, parameters: Parameters) -> int:
        machine, number = self._find(user, parameters), parameters.number()
        self._hotplug.delete_snapshot(user, machine, number)
        return self._cloud.release.result_of_change(machine.id, -1)

    def _snapshotrevert(self, user: User, parameters: Parameters) -> int:
        machine, number = self._find(user, parameters), parameters.number()
        self._hotplug.revert(user, machine, number)
        return self._cloud.release.result_of_change(machine.id, -1)

    # NICs

    def _attachnic(self, user: User, parameters: Parameters) -> int:
        machine, text = self._find(user, parameters), parameters.text()
        template = read_template(self._cloud, text)
        wanted = vector_of(template, "NIC", "NIC_ALIAS")
        leases = Amounts().add("NETWORK", wanted["NETWORK_ID"], {"LEASES": 1}) if "NETWORK_ID" in wanted else Amounts()
        self._machines.check_quotas(machine.owner, leases)
        self._hotplug.attach_nic(user, machine, wanted, alias=not template.vectors("NIC"))
        return machine.id

    def _detachnic(self, user: User, parameters: Parameters) -> int:
        machine, nic_id = self._find(user, parameters), parameters.number()
        self._hotplug.detach_nic(user, machine, nic_id)
        return machine.id

    table: ClassVar[Table] = {
        "one.vm.allocate": _allocate,
        "one.vm.info": _info,
        "one.vm.action": _action,
        "one.vm.rename": _rename,
        "one.vm.update": _update,
        "one.vm.updateconf": _updateconf,
        "one.vm.resize": _resize,
        "one.vm.chmod": lambda self, user, parameters: chmod(self._machines.pool, user, parameters).id,
        "one.vm.lock": _lock,
        "one.vm.unlock": _unlock,
        "one.vm.recover": _recover,
        "one.vm.deploy": _administer,
        "one.vm.migrate": _administer,
        "one.vm.backup": _administer,
        "one.vm.monitoring": _monitoring,
        "one.vm.schedadd": _schedadd,
        "one.vm.attach": _attach,
        "one.vm.detach": _detach,
        "one.vm.diskresize": _diskresize,
        "one.vm.disksaveas": _disksaveas,
        "one.vm.disksnapshotcreate": _disksnapshotcreate,
        "one.vm.disksnapshotdelete": _disksnapshotdelete,
        "one.vm.disksnapshotrevert": _disksnapshotrevert,
        "one.vm.disksnapshotrename": _disksnapshotrename,
        "one.vm.snapshotcreate": _snapshotcreate,
        "one.vm.snapshotdelete": _snapshotdelete,
        "one.vm.snapshotrevert": _snapshotrevert,
        "one.vm.attachnic": _attachnic,
        "one.vm.detachnic": _detachnic,
    }
