"""The template of a new machine, with the attributes that StratusLab's clouds know (``schema.one`` of 14.06)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from stratuslab_libcloud.client.opennebula.contextualization import read_text
from stratuslab_libcloud.client.opennebula.machine import MARK_ATTRIBUTE
from stratuslab_libcloud.client.opennebula.template import Attribute, TemplateWriter, Vector, WithVariables, render
from stratuslab_libcloud.client.stratuslab.template_file import fill_in
from stratuslab_libcloud.config import MachineOptions, values

if TYPE_CHECKING:
    from stratuslab_libcloud.client.exactly_once import Allocate
    from stratuslab_libcloud.client.opennebula.compute import Compute

RANK = "- RUNNING_VMS"
"""Of the hosts that satisfy the requirements, the one with the fewest machines."""

_PREFIXES = {"ide": "hd", "scsi": "sd", "virtio": "vd"}
_EXTRA_DISKS = "cefghijklmnop"
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
    :param persistent_disks: the URLs of disks to attach at the start
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
    persistent_disks: tuple[str, ...]
    readonly_disk: str | None
    mark: str

    def render(self) -> str:
        """The template in OpenNebula's syntax.

        :raises InvalidArgumentError: when a value cannot be written
        :raises ConfigurationError: when the file that `raw_data` or `template_file` names cannot be read
        """
        if self.options.template_file is None:
            return render(self._attributes())
        writer = TemplateWriter()
        text = fill_in(self.options.template_file, self._values_of_a_file(writer))
        return "\n".join([text.rstrip(), *writer.pieces, render([Attribute(MARK_ATTRIBUTE, self.mark)])])

    def allocator(self, compute: Compute) -> Allocate:
        """What creates a machine like this.

        :raises InvalidArgumentError: when a value cannot be written
        """
        return partial(compute.allocate, self.render())

    def _attributes(self) -> Iterator[Attribute | Vector]:
        yield from self._resources()
        yield from self._choices()
        yield from self._disks()
        yield self._nic()
        yield self._graphics()
        yield self._raw()
        yield Vector("CONTEXT", self.context)
        yield self._create_image()
        yield self._inbound_ports()
        yield Attribute(MARK_ATTRIBUTE, self.mark)

    def _resources(self) -> Iterator[Attribute]:
        options = self.options
        yield Attribute("CPU", _share_of_cpu(options.cpu_amount, self.cpu))
        yield Attribute("VCPU", str(self.cpu))
        yield Attribute("MEMORY", str(self.ram))
        yield Attribute("RANK", RANK)

    def _choices(self) -> Iterator[Attribute | Vector]:
        options = self.options
        requirements = options.requirements or ""
        yield Attribute("REQUIREMENTS", WithVariables(requirements) if options.expand_variables else requirements)
        yield Attribute("NAME", self.name)
        yield Vector("OS", {"KERNEL": options.kernel or "", "INITRD": options.ramdisk or ""})

    @property
    def _prefix(self) -> str:
        return _PREFIXES[self.options.disks_bus or self.root.bus]

    def _disks(self) -> Iterator[Vector]:
        prefix = self._prefix
        yield Vector(
            "DISK",
            {
                "SOURCE": self.root.source,
                "TARGET": prefix + "a",
                "SAVE": self._save,
                "READONLY": "no",
                "DRIVER": self._disk_format,
            },
        )
        yield Vector("DISK", {"TYPE": "swap", "SIZE": str(self.swap), "TARGET": prefix + "b", "READONLY": "no"})
        yield from chain.from_iterable(self._further_disks().values())

    @property
    def _save(self) -> str:
        return "yes" if self.options.saved_image else "no"

    @property
    def _disk_format(self) -> str:
        return "qcow2" if self.options.qcow else self.root.format

    def _further_disks(self) -> dict[str, list[Vector]]:
        """Disks beside the root and the swap disk, by the names of ``schema.one``; each has a target of its own."""
        options = self.options
        letters = iter(_EXTRA_DISKS)
        prefix = self._prefix
        disks: dict[str, list[Vector]] = {}
        if options.volatile_disk:
            disks["extra_disk"] = [_volatile_disk(options.volatile_disk, prefix + next(letters))]
        disks["persistent_disk"] = [
            Vector("DISK", {"SOURCE": source, "TARGET": prefix + next(letters), "TYPE": "block"})
            for source in self.persistent_disks
        ]
        if self.readonly_disk:
            disks["readonly_disk"] = [_readonly_disk(self.readonly_disk, prefix + next(letters))]
        return disks

    def _raw(self) -> Vector:
        data = _text_or_file(self.options.raw_data) if self.options.raw_data else ""
        return Vector("RAW", {"TYPE": "kvm", "DATA": data} if data else {})

    def _create_image(self) -> Vector:
        """What StratusLab makes of the root disk when the machine is shut down (TMSaveCache.py)."""
        image = self.options.saved_image
        if image is None:
            return Vector("CREATE_IMAGE")
        values = {
            "CREATOR_NAME": image.author,
            "CREATOR_EMAIL": image.author_email,
            "NEWIMAGE_TITLE": image.title,
            "NEWIMAGE_COMMENT": image.comment,
            "NEWIMAGE_VERSION": image.version,
            "NEWIMAGE_MARKETPLACE": image.marketplace,
        }
        return Vector("CREATE_IMAGE", values)

    def _inbound_ports(self) -> Attribute:
        return Attribute("INBOUND_PORTS", ",".join(str(port) for port in self.inbound_ports))

    def _values_of_a_file(self, writer: TemplateWriter) -> dict[str, str]:
        """What a template file can refer to, by the names of ``schema.one``."""
        cpu, vcpu, memory, _ = self._resources()
        requirements, name, system = self._choices()
        context = dict(self.context)
        key = context.pop("PUBLIC_KEY", "")
        context.pop("TARGET", None)
        parts = {
            "vm_requirements": requirements,
            "vm_name": name,
            "os_options": system,
            "vm_nic": self._nic(),
            "graphics": self._graphics(),
            "raw_data": self._raw(),
            "create_image": self._create_image(),
            "inbound_ports": self._inbound_ports(),
        }
        return {
            "vm_cpu": cpu.value,
            "vm_vcpu": vcpu.value,
            "vm_ram": memory.value,
            "vm_swap": str(self.swap),
            "vm_disks_prefix": self._prefix,
            "disk_driver": writer.inner_text("DISK", "DRIVER", self._disk_format),
            "save_disk": self._save,
            "vm_image": writer.inner_text("DISK", "SOURCE", self.root.source),
            "public_key": writer.inner_text("CONTEXT", "PUBLIC_KEY", key),
            "extra_context": "".join(f"{pair},\n" for pair in writer.pairs(Vector("CONTEXT", context))),
            **{token: writer.text(part) for token, part in parts.items()},
            **{token: "\n".join(map(writer.text, disks)) for token, disks in self._further_disks().items()},
        }

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
