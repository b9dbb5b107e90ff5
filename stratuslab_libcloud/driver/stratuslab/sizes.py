"""The instance types of a configuration as Libcloud's sizes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from libcloud.compute.base import NodeDriver, NodeSize

from stratuslab_libcloud.config import STANDARD_INSTANCE_TYPES, InstanceType, values
from stratuslab_libcloud.config.configuration import Configuration
from stratuslab_libcloud.driver.arguments import checked, parsed
from stratuslab_libcloud.errors import ConfigurationError, InvalidArgumentError

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.machine import VirtualMachine
    from stratuslab_libcloud.driver.stratuslab.extra import SizeExtra

_LARGEST = 2**31 - 1


class StratusLabSize(NodeSize):
    """An instance type. `disk` is 0, since a machine's root disk is as large as its image; `price` and `bandwidth` are
    1 and 1000 for each, as they have always been in this driver, and mean nothing.

    :ivar cpu: virtual CPUs
    :ivar extra: see `SizeExtra`
    """

    extra: SizeExtra  # type: ignore[assignment]  # narrower than Libcloud's

    def __init__(self, instance_type: InstanceType, driver: NodeDriver) -> None:
        super().__init__(
            id=instance_type.name,
            name=instance_type.name,
            ram=instance_type.ram,
            disk=0,
            bandwidth=1000,
            price=1.0,
            driver=driver,
        )
        self.extra = {"cpu": instance_type.cpu, "swap": instance_type.swap}
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
        self._of_shapes: dict[tuple[int, int, int], StratusLabSize] = {}

    def all(self) -> list[StratusLabSize]:
        """The standard instance types and the user's own.

        :raises ConfigurationError: when an entry of ``[instance_types]`` cannot be read
        """
        return [StratusLabSize(kind, self._driver) for kind in self._configuration.instance_types()]

    def named(self, name: str) -> StratusLabSize:
        """The instance type of that name.

        :raises InvalidArgumentError: when there is none
        """
        return StratusLabSize(
            self._known(name, {k.name: k for k in self._configuration.instance_types()}), self._driver
        )

    def _known(self, name: str, types: Mapping[str, InstanceType]) -> InstanceType:
        if name not in types:
            raise InvalidArgumentError(f"there is no size {name!r}; choose one of: {', '.join(types)}")
        return types[name]

    def shape(self, size: NodeSize | None, default: str) -> InstanceType:
        """What a machine of a size is like.

        :param size: one of these; one made by hand of a name alone, or of numbers; None for the default
        :param default: the name of the default instance type, whose swap a size made by hand has
        :raises InvalidArgumentError: when it is something else, or there is no such name
        """
        types = {kind.name: kind for kind in self._configuration.instance_types()}
        if size is None:
            return types[default]
        extra = checked(NodeSize, size).extra or {}
        known = types.get(str(size.id))
        if size.ram is None:
            return known or self._known(str(size.id), types)
        base = known or types[default]
        cpu = getattr(size, "cpu", None) or extra.get("cpu") or (known.cpu if known else 1)
        swap = base.swap if extra.get("swap") is None else extra["swap"]
        return InstanceType(
            str(size.id),
            _number("a size's cpu", cpu, 1),
            _number("a size's ram", size.ram, 1),
            _number("a size's swap", swap, 0),
        )

    def of(self, machine: VirtualMachine) -> StratusLabSize:
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


def _number(name: str, value: Any, lowest: int) -> int:
    """A whole number, also as a text or a float."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return parsed(name, value, values.whole_number(lowest, _LARGEST)) or 0
