"""The instance types of a configuration as Libcloud's sizes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from libcloud.compute.base import NodeDriver, NodeSize

from stratuslab_libcloud.config import STANDARD_INSTANCE_TYPES, InstanceType
from stratuslab_libcloud.config.configuration import Configuration
from stratuslab_libcloud.errors import ConfigurationError, InvalidArgumentError

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.machine import VirtualMachine


class StratusLabSize(NodeSize):
    """An instance type. `disk` is its swap in MiB, as it has always been in this driver.

    :ivar cpu: virtual CPUs
    """

    def __init__(self, instance_type: InstanceType, driver: NodeDriver) -> None:
        super().__init__(
            id=instance_type.name,
            name=instance_type.name,
            ram=instance_type.ram,
            disk=instance_type.swap,
            bandwidth=0,
            price=0.0,
            driver=driver,
            extra={"cpu": instance_type.cpu, "swap": instance_type.swap},
        )
        self.cpu = instance_type.cpu

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self.cpu} CPU {self.ram} MiB>"


class Sizes:
    """What machines can be like, the same at all locations.

    :param configuration: the user's
    :param driver: whose sizes they are
    """

    def __init__(self, configuration: Configuration, driver: NodeDriver) -> None:
        self._configuration = configuration
        self._driver = driver
        self._of_shapes: dict[tuple[int, int, int], NodeSize] = {}

    def all(self) -> list[StratusLabSize]:
        """The standard instance types and the user's own.

        :raises ConfigurationError: when an entry of ``[instance_types]`` cannot be read
        """
        return [StratusLabSize(kind, self._driver) for kind in self._configuration.instance_types()]

    def named(self, name: str) -> StratusLabSize:
        """The instance type of that name.

        :raises InvalidArgumentError: when there is none
        """
        sizes = {size.name: size for size in self.all()}
        if name not in sizes:
            raise InvalidArgumentError(f"there is no size {name!r}; there are {', '.join(sizes)}")
        return sizes[name]

    def of(self, machine: VirtualMachine) -> NodeSize:
        """The instance type that a machine has the shape of; many machines share one object."""
        shape = (machine.cpu, machine.memory or 0, machine.swap or 0)
        sizes = self._of_shapes
        if not sizes:
            sizes.update({(k.cpu, k.ram, k.swap): StratusLabSize(k, self._driver) for k in self._known_types()})
        if shape not in sizes:
            sizes[shape] = StratusLabSize(InstanceType("custom", *shape), self._driver)
        return sizes[shape]

    def _known_types(self) -> Iterable[InstanceType]:
        try:
            return self._configuration.instance_types()
        except ConfigurationError:
            return STANDARD_INSTANCE_TYPES.values()
