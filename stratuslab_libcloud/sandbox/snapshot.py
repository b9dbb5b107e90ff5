"""A cloud's state as plain data, and back."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, fields
from ipaddress import IPv4Network
from typing import Any

from stratuslab_libcloud.sandbox.state.disk import Disk, DiskType, Mount, Visibility
from stratuslab_libcloud.sandbox.state.entries import Entry, ImageBehaviour
from stratuslab_libcloud.sandbox.state.state import State
from stratuslab_libcloud.sandbox.state.template import Template
from stratuslab_libcloud.sandbox.state.users import User
from stratuslab_libcloud.sandbox.state.vm import HistoryRecord, Host, LcmState, LifeLine, Machine, Reason, VmState

VERSION = 1


def snapshot(state: State) -> dict[str, Any]:
    """The whole state in types that JSON has, without passwords."""
    with state.lock:
        return {
            "version": VERSION,
            "public_network": str(state.networks["public"].addresses),
            "users": state.users.accounts(),
            "machines": [_machine_data(machine) for machine in state.machines],
            "disks": [_disk_data(disk) for disk in reversed(list(state.disks))],
            "mounts": [asdict(mount) for disk in state.disks for mount in state.disks.mounts(disk.uuid)],
            "entries": [_entry_data(entry) for entry in sorted(state.entries, key=lambda entry: entry.created)],
            "behaviour": {key: asdict(behaviour) for key, behaviour in state.entries.behaviours().items()},
        }


def public_network(data: Mapping[str, Any]) -> IPv4Network:
    """The public network of the saved cloud, which its machines have addresses of."""
    return IPv4Network(data["public_network"])


def restore(state: State, data: Mapping[str, Any]) -> None:
    """Fill a new cloud with a snapshot of another one; steps that had begun begin again."""
    for account in data["users"]:
        state.users.of_account(account)
    for entry in data["entries"]:
        state.entries.add(_entry(entry))
    for identifier, behaviour in data["behaviour"].items():
        state.entries.set_behaviour(identifier, ImageBehaviour(**behaviour))
    state.disks.restore([_disk(disk) for disk in data["disks"]], [Mount(**mount) for mount in data["mounts"]])
    state.machines.restore([_machine(machine, state) for machine in data["machines"]])


def _entry_data(entry: Entry) -> dict[str, Any]:
    data = {field.name: getattr(entry, field.name) for field in fields(entry) if field.name != "make_document"}
    return {**data, "document": entry.document}


def _entry(data: Mapping[str, Any]) -> Entry:
    known = {name: value for name, value in data.items() if name != "document"}
    return Entry(**{**known, "locations": tuple(data["locations"]), "make_document": lambda: data["document"]})


def _machine_data(machine: Machine) -> dict[str, Any]:
    return {
        **{field.name: getattr(machine, field.name) for field in fields(machine)},
        "owner": machine.owner.account,
        "template": [[name, value] for name, value in machine.template],
        "history": [asdict(record) for record in machine.history],
    }


def _machine(data: Mapping[str, Any], state: State) -> Machine:
    owner: User = state.users.of_account(data["owner"])
    return Machine(
        **{
            **data,
            "owner": owner,
            "template": Template((name, value) for name, value in data["template"]),
            "state": VmState(data["state"]),
            "lcm_state": LcmState(data["lcm_state"]),
            "history": [_history_record(record) for record in data["history"]],
            "life": LifeLine((moment, name) for moment, name in data.get("life", ())),
        }
    )


def _history_record(data: Mapping[str, Any]) -> HistoryRecord:
    return HistoryRecord(**{**data, "host": Host(**data["host"]), "reason": Reason(data["reason"])})


def _disk_data(disk: Disk) -> dict[str, Any]:
    return {
        **asdict(disk),
        "type": disk.type.value,
        "visibility": disk.visibility.value,
        "content": base64.b64encode(disk.content).decode("ascii"),
    }


def _disk(data: Mapping[str, Any]) -> Disk:
    return Disk(
        **{
            **data,
            "type": DiskType(data["type"]),
            "visibility": Visibility(data["visibility"]),
            "content": base64.b64decode(data["content"]),
        }
    )
