"""The template of a new machine, with the attributes that StratusLab's clouds know (``schema.one`` of 14.06)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from stratuslab_libcloud.client.opennebula.contextualization import read_text
from stratuslab_libcloud.client.opennebula.machine import MARK_ATTRIBUTE
from stratuslab_libcloud.client.opennebula.template import Attribute, Vector, render
from stratuslab_libcloud.config import MachineOptions, values

if TYPE_CHECKING:
    from stratuslab_libcloud.client.exactly_once import Allocate
    from stratuslab_libcloud.client.opennebula.compute import Compute

RANK = "- RUNNING_VMS"
"""Of the hosts that satisfy the requirements, the one with the fewest machines."""

_PREFIXES = {"ide": "hd", "scsi": "sd", "virtio": "vd"}
_EXTRA_DISKS = "cef"
"""The letters of further disks: a and b are the root and the swap disk, d is the contextualization on an ide bus."""


@dataclass(frozen=True)
class RootDisk:
    """The disk from which a machine starts.

    :param source: a URL that the cloud can read: of a Marketplace entry, of a persistent disk, or any other
    :param format: ``raw`` or ``qcow2``
    :param bus: ``ide``, ``scsi`` or ``virtio``
    """

    source: str
    format: str = "raw"
    bus: str = "ide"


@dataclass(frozen=True)
class MachineTemplate:
    """Describes a machine that will be created.

    :param cpu: virtual CPUs
    :param ram: MiB
    :param swap: MiB
    :param context: the values of its contextualization
    :param inbound_ports: the ports on which the image can be reached
    :param options: chosen by the configuration and the caller
    :param persistent_disk: the URL of a disk to attach at the start
    :param readonly_disk: the URL of a read-only data image to attach at the start
    :param mark: by which the machine can be found when the reply is lost
    """

    name: str
    cpu: int
    ram: int
    swap: int
    root: RootDisk
    context: Mapping[str, str]
    inbound_ports: tuple[int, ...]
    options: MachineOptions
    persistent_disk: str | None
    readonly_disk: str | None
    mark: str

    def render(self) -> str:
        """The template in OpenNebula's syntax.

        :raises InvalidArgumentError: when a value cannot be written
        :raises ConfigurationError: when the file that `raw_data` names cannot be read
        """
        return render(self._attributes())

    def allocator(self, compute: Compute) -> Allocate:
        """What creates a machine like this.

        :raises InvalidArgumentError: when a value cannot be written
        """
        return partial(compute.allocate, self.render())

    def _attributes(self) -> Iterator[Attribute | Vector]:
        options = self.options
        yield Attribute("CPU", _share_of_cpu(options.cpu_amount, self.cpu))
        yield Attribute("VCPU", str(self.cpu))
        yield Attribute("MEMORY", str(self.ram))
        yield Attribute("RANK", RANK)
        yield Attribute("REQUIREMENTS", options.requirements or "")
        yield Attribute("NAME", self.name)
        yield Vector("OS", {"KERNEL": options.kernel or "", "INITRD": options.ramdisk or ""})
        yield from self._disks()
        yield self._nic()
        yield self._graphics()
        if options.raw_data:
            yield Vector("RAW", {"TYPE": "kvm", "DATA": _text_or_file(options.raw_data)})
        yield Vector("CONTEXT", self.context)
        yield Attribute("INBOUND_PORTS", ",".join(str(port) for port in self.inbound_ports))
        yield Attribute(MARK_ATTRIBUTE, self.mark)

    def _disks(self) -> Iterator[Vector]:
        options = self.options
        prefix = _PREFIXES[options.disks_bus or self.root.bus]
        letters = iter(_EXTRA_DISKS)
        yield Vector(
            "DISK",
            {
                "SOURCE": self.root.source,
                "TARGET": prefix + "a",
                "SAVE": "no",
                "READONLY": "no",
                "DRIVER": "qcow2" if options.qcow else self.root.format,
            },
        )
        yield Vector("DISK", {"TYPE": "swap", "SIZE": str(self.swap), "TARGET": prefix + "b", "READONLY": "no"})
        if options.volatile_disk:
            yield _volatile_disk(options.volatile_disk, prefix + next(letters))
        if self.persistent_disk:
            target = prefix + next(letters)
            yield Vector("DISK", {"SOURCE": self.persistent_disk, "TARGET": target, "TYPE": "block"})
        if self.readonly_disk:
            yield _readonly_disk(self.readonly_disk, prefix + next(letters))

    def _nic(self) -> Vector:
        values = {"NETWORK_UNAME": "oneadmin", "NETWORK": self.options.network}
        return Vector("NIC", {**values, "IP": self.options.address or ""})

    def _graphics(self) -> Vector:
        listen = self.options.vnc_listen or ""
        return Vector("GRAPHICS", {"PORT": str(self.options.vnc_port), "LISTEN": listen, "TYPE": "vnc"})


def known_bus(bus: str) -> str:
    """The given disk bus if it is known, else ``ide``."""
    return bus if bus in _PREFIXES else "ide"


def _volatile_disk(size: int, target: str) -> Vector:
    return Vector(
        "DISK",
        {
            "FORMAT": "ext3",
            "READONLY": "no",
            "SAVE": "no",
            "SIZE": str(size),
            "TARGET": target,
            "TYPE": "fs",
        },
    )


def _readonly_disk(source: str, target: str) -> Vector:
    """READONLY must be ``no``: with ``yes`` the hypervisor does not start the machine."""
    return Vector("DISK", {"SOURCE": source, "READONLY": "no", "SAVE": "no", "TARGET": target, "DRIVER": "raw"})


def _share_of_cpu(amount: float | None, cpu: int) -> str:
    return str(cpu) if amount is None or amount > cpu else f"{amount:g}"


def _text_or_file(text: str) -> str:
    file = values.path(text)
    return read_text(file, "raw_data") if _is_file(file) else text


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a long text cannot be the name of a file
        return False
