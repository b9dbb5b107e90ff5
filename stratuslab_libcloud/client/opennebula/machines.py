"""The machines of today's OpenNebula: calls that do one thing each; `machine_changes` waits for what they start."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

from libcloud.common.types import LibcloudError

from stratuslab_libcloud.client.deadline import Deadline
from stratuslab_libcloud.client.opennebula import machine_changes, text_template, xml_template
from stratuslab_libcloud.client.opennebula.compute import Compute
from stratuslab_libcloud.client.opennebula.daemon import read_id, read_nothing
from stratuslab_libcloud.client.opennebula.dialect import Dialect
from stratuslab_libcloud.client.opennebula.machine import ANY_STATE, EVERYTHING, Selection, VirtualMachine
from stratuslab_libcloud.client.opennebula.machine_xml import read_machines
from stratuslab_libcloud.client.opennebula.states import OPENNEBULA_TODAY
from stratuslab_libcloud.client.opennebula.xml_template import Attributes, Vector
from stratuslab_libcloud.client.parallel import outcomes
from stratuslab_libcloud.errors import RequestRejectedError

T = TypeVar("T")

DIALECT = Dialect(kill="terminate-hard", shutdown="terminate", states=OPENNEBULA_TODAY)

_NOT_DEFINED = "(-506)"
_APPEND = 1
_CHECK_CAPACITY = True
_SAME_TYPE = ""
_CURRENT_CONTENT = -1
_IS_NO_COPY = False


class Machines(Compute):
    """Machines of one cloud of OpenNebula 5.4 or later.

    :param daemon: the cloud's daemon
    """

    def read_machines(
        self,
        read: Callable[[Iterator[VirtualMachine]], T],
        selection: Selection = EVERYTHING,
        timeout: float | None = None,
    ) -> T:
        """Ask for machines and process them while they arrive, the last one first unless the cloud is set otherwise.

        :param read: takes the machines; is called again, from the start, when the connection was lost
        :param timeout: seconds, reading included; the configured time limit by default
        :return: what `read` returned
        """
        try:
            return super().read_machines(read, selection, timeout)
        except RequestRejectedError as error:
            if not selection.is_full or _NOT_DEFINED not in str(error):
                raise
            # Before 5.8 the usual list has full documents, and there is no other.
            return super().read_machines(read, selection._replace(is_full=False), timeout)

    def machines_since(self, first: int, timeout: float | None = None) -> list[VirtualMachine]:
        """The user's machines from an ID on, with their marks, also those that have ended.

        :param timeout: seconds; the configured time limit by default
        """
        deadline = Deadline(self._daemon.timeout if timeout is None else timeout)
        found = self.machines(Selection(first, state=ANY_STATE, is_full=True), deadline.left())
        # 5.8.0 alone has no list with marks: there each machine must be asked for.
        abridged = [machine.id for machine in found if not machine.is_full]
        full = dict(zip(abridged, outcomes(lambda one: self.machine(one, deadline.left()), abridged), strict=True))
        return [_checked(full.get(machine.id, machine)) for machine in found]

    def certain_machines(
        self, machine_ids: Collection[int], timeout: float | None = None
    ) -> dict[int, VirtualMachine | LibcloudError]:
        """Ask for these machines by one request, with all that is known of them, also for those that have ended.

        :param timeout: seconds; the configured time limit by default
        :return: for each ID the machine, or why it is not known
        """
        if len(machine_ids) < 2:
            return super().certain_machines(machine_ids, timeout)
        try:
            found = self._daemon.call(
                "one.vmpool.infoset",
                ",".join(map(str, dict.fromkeys(machine_ids))),
                True,
                read=lambda text: {machine.id: machine for machine in read_machines(text, self.states)},
                repeatable=True,
                timeout=timeout,
            )
        except RequestRejectedError as error:
            if _NOT_DEFINED not in str(error):
                raise
            # 5.4 to 5.10 do not have it.
            return super().certain_machines(machine_ids, timeout)
        missing = [machine_id for machine_id in machine_ids if machine_id not in found]
        # Those that are not there, or not the user's, are left out silently: only asking for each says which.
        others = super().certain_machines(missing, timeout) if missing else {}
        return {machine_id: found.get(machine_id) or others[machine_id] for machine_id in machine_ids}

    def instantiate(
        self, template_id: int, name: str, extra: str, timeout: float | None = None, *, hold: bool = False
    ) -> int:
        """Create a machine from a VM template; `client.exactly_once` does it exactly once.

        :param name: the machine's; one in `extra` would not count
        :param extra: a template; its attributes replace all of the VM template's that have the same name
        :param timeout: seconds; the configured time limit by default
        :param hold: whether it waits until it is released
        :return: its ID
        """
        # All parameters are given: with three of them 6.10 answers a fault, although 7.4 does not.
        parameters = (template_id, name, hold, extra, _IS_NO_COPY)
        return self._daemon.call("one.template.instantiate", *parameters, read=read_id, timeout=timeout)

    def start_action(self, action: str, machine_id: int, timeout: float | None = None) -> None:
        """Start an action, such as ``poweroff``.

        :raises ConflictError: when the machine's state does not permit it
        """
        self._daemon.call("one.vm.action", action, machine_id, read=read_nothing, timeout=timeout)

    def kill(self, machine_id: int) -> None:
        """End a machine, whatever it is doing, and see that it has ended.

        :raises ConflictError: when it is busy until the time limit, or did not end
        """
        machine_changes.end(self, machine_id, self._dialect.kill, self._daemon.timeout)

    def rename(self, machine_id: int, name: str) -> None:
        """Give a machine another name, in whatever state it is."""
        self._write("one.vm.rename", machine_id, name)

    def update(self, machine_id: int, attributes: Attributes) -> None:
        """Add attributes to its USER_TEMPLATE, or replace those of the same names."""
        self._write("one.vm.update", machine_id, text_template.render(attributes), _APPEND)

    def start_resize(self, machine_id: int, attributes: Attributes, timeout: float | None = None) -> None:
        """Start to change MEMORY, CPU and VCPU."""
        wanted = text_template.render(attributes)
        self._start("one.vm.resize", machine_id, wanted, _CHECK_CAPACITY, timeout=timeout)

    def start_attach(self, machine_id: int, disk: Vector, timeout: float | None = None) -> None:
        """Start to attach a disk. The daemon does not say which number it gets."""
        self._start("one.vm.attach", machine_id, xml_template.render({"DISK": disk}), timeout=timeout)

    def start_detach(self, machine_id: int, disk_id: int, timeout: float | None = None) -> None:
        """Start to detach a disk; the daemon accepts the root disk of a running machine, too."""
        self._start("one.vm.detach", machine_id, disk_id, timeout=timeout)

    def start_disk_resize(self, machine_id: int, disk_id: int, size: int, timeout: float | None = None) -> None:
        """Start to make a disk larger.

        :param size: MiB
        """
        self._start("one.vm.diskresize", machine_id, disk_id, str(size), timeout=timeout)

    def start_attach_nic(self, machine_id: int, template: Attributes, timeout: float | None = None) -> None:
        """Start to attach a network interface.

        :param template: with one NIC or NIC_ALIAS
        """
        self._start("one.vm.attachnic", machine_id, text_template.render(template), timeout=timeout)

    def start_detach_nic(self, machine_id: int, nic_id: int, timeout: float | None = None) -> None:
        """Start to detach a network interface."""
        self._start("one.vm.detachnic", machine_id, nic_id, timeout=timeout)

    def start_save_as(self, machine_id: int, disk_id: int, name: str, timeout: float | None = None) -> int:
        """Start to copy a disk to a new image.

        :return: the image's ID
        :raises NameTakenError: when the user has another image of this name
        """
        parameters = (machine_id, disk_id, name, _SAME_TYPE, _CURRENT_CONTENT)
        return self._daemon.call("one.vm.disksaveas", *parameters, read=read_id, timeout=timeout)

    def start_disk_snapshot(self, machine_id: int, disk_id: int, name: str, timeout: float | None = None) -> int:
        """Start to make a snapshot of a disk.

        :return: its number among those of the disk
        """
        return self._daemon.call("one.vm.disksnapshotcreate", machine_id, disk_id, name, read=read_id, timeout=timeout)

    def start_disk_revert(self, machine_id: int, disk_id: int, snapshot_id: int, timeout: float | None = None) -> None:
        """Start to make a disk of a powered-off machine what it was."""
        self._start("one.vm.disksnapshotrevert", machine_id, disk_id, snapshot_id, timeout=timeout)

    def schedule(self, machine_id: int, action: str, seconds: int) -> None:
        """Let the cloud do an action some time from now, whatever becomes of this program."""
        scheduled = text_template.render({"SCHED_ACTION": {"ACTION": action, "TIME": f"+{seconds}"}})
        self._daemon.call("one.vm.schedadd", machine_id, scheduled, read=read_nothing)

    def _method_for(self, selection: Selection) -> str:
        return "one.vmpool.infoextended" if selection.is_full else "one.vmpool.info"

    def _start(self, method: str, machine_id: int, *parameters: str | int | bool, timeout: float | None) -> None:
        self._daemon.call(method, machine_id, *parameters, read=read_nothing, timeout=timeout)

    def _write(self, method: str, machine_id: int, *parameters: str | int) -> None:
        """Call what has the same effect if it is done twice."""
        self._daemon.call(method, machine_id, *parameters, read=read_nothing, repeatable=True)


def _checked(outcome: VirtualMachine | Exception) -> VirtualMachine:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
