"""Capacities of machines as Libcloud's sizes: those of the configuration, and those of VM templates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from libcloud.compute.base import NodeDriver, NodeSize

from stratuslab_libcloud.config import STANDARD_INSTANCE_TYPES, InstanceType
from stratuslab_libcloud.config.configuration import Configuration
from stratuslab_libcloud.errors import ConfigurationError, InvalidArgumentError

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.machine import VirtualMachine
    from stratuslab_libcloud.client.opennebula.vm_templates import VmTemplate
    from stratuslab_libcloud.driver.opennebula.extra import SizeExtra


class OpenNebulaSize(NodeSize):
    """A capacity.

    :ivar cpu: the share of physical CPUs, such as 0.5
    :ivar vcpu: virtual CPUs
    :ivar extra: see `SizeExtra`
    """

    extra: SizeExtra  # type: ignore[assignment]  # narrower than Libcloud's

    def __init__(self, size_id: str, name: str, ram: int, cpu: float, vcpu: int, driver: NodeDriver) -> None:
        super().__init__(
            id=size_id,
            name=name,
            ram=ram,
            disk=0,
            bandwidth=0,
            price=0.0,
            driver=driver,
        )
        self.extra = {"cpu": cpu, "vcpu": vcpu}
        self.cpu = cpu
        self.vcpu = vcpu

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self.cpu:g} CPU {self.vcpu} VCPU {self.ram} MiB>"


class Sizes:
    """What machines can be like.

    :param configuration: the user's
    :param driver: whose sizes they are
    """

    def __init__(self, configuration: Configuration, driver: NodeDriver) -> None:
        self._configuration = configuration
        self._driver = driver
        self._of_shapes: dict[tuple[float, int, int], OpenNebulaSize] = {}

    def configured(self) -> list[OpenNebulaSize]:
        """The standard instance types and the user's own; a virtual CPU is a whole physical one.

        :raises ConfigurationError: when an entry of ``[instance_types]`` cannot be read
        """
        return [self._configured(kind) for kind in self._configuration.instance_types()]

    def named(self, name: str) -> OpenNebulaSize:
        """The instance type of that name.

        :raises InvalidArgumentError: when there is none
        """
        sizes = {size.name: size for size in self.configured()}
        if name not in sizes:
            raise InvalidArgumentError(f"there is no size {name!r}; choose one of: {', '.join(sizes)}")
        return sizes[name]

    def of_template(self, template: VmTemplate) -> OpenNebulaSize | None:
        """A template's own capacity; None if it says none, so that machines made from it need a size."""
        if template.memory is None:
            return None
        vcpu, share = template.cpu or 1, template.cpu_share
        share = float(vcpu) if share is None else share
        return OpenNebulaSize(f"template-{template.id}", template.name, template.memory, share, vcpu, self._driver)

    def of(self, machine: VirtualMachine) -> OpenNebulaSize:
        """The capacity of a machine; many machines share one object."""
        share = float(machine.cpu) if machine.cpu_share is None else machine.cpu_share
        shape = (share, machine.cpu, machine.memory or 0)
        if not self._of_shapes:
            known = map(self._configured, self._known_types())
            self._of_shapes.update({(size.cpu, size.vcpu, size.ram): size for size in known})
        if shape not in self._of_shapes:
            self._of_shapes[shape] = OpenNebulaSize(
                "custom", "custom", machine.memory or 0, share, machine.cpu, self._driver
            )
        return self._of_shapes[shape]

    def _configured(self, kind: InstanceType) -> OpenNebulaSize:
        return OpenNebulaSize(kind.name, kind.name, kind.ram, float(kind.cpu), kind.cpu, self._driver)

    def _known_types(self) -> Iterable[InstanceType]:
        try:
            return self._configuration.instance_types()
        except ConfigurationError:
            return STANDARD_INSTANCE_TYPES.values()
