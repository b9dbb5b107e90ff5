"""Machine sizes: the seven that every StratusLab cloud knows, and the user's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from stratuslab_libcloud.config.records import InstanceType
from stratuslab_libcloud.errors import ConfigurationError

if TYPE_CHECKING:
    from stratuslab_libcloud.config.inifile import IniFile

SECTION = "instance_types"
_MAX_DIGITS = 19
_MAX_SHOWN = 200
DEFAULT_INSTANCE_TYPE = "m1.small"

STANDARD_INSTANCE_TYPES: Mapping[str, InstanceType] = {
    size.name: size
    for size in (
        InstanceType("t1.micro", cpu=1, ram=512, swap=512),
        InstanceType("m1.small", cpu=1, ram=1536, swap=1536),
        InstanceType("m1.medium", cpu=1, ram=3072, swap=3072),
        InstanceType("m1.large", cpu=2, ram=6144, swap=6144),
        InstanceType("m1.xlarge", cpu=4, ram=8192, swap=8192),
        InstanceType("c1.medium", cpu=2, ram=1536, swap=1536),
        InstanceType("c1.xlarge", cpu=4, ram=6144, swap=6144),
    )
}
"""The sizes of release 14.06 by name, in their order there."""


def names(ini: IniFile) -> tuple[str, ...]:
    """The names of all sizes: the standard ones, then the user's in the file's order."""
    own = ini.keys(SECTION) if SECTION in ini.sections else ()
    return tuple(dict.fromkeys((*STANDARD_INSTANCE_TYPES, *own)))


def read(ini: IniFile) -> tuple[InstanceType, ...]:
    """All sizes in the order of `names`; a size of the user replaces a standard one with the same name.

    :raises ConfigurationError: names the first entry that cannot be read
    """
    own = frozenset(ini.keys(SECTION) if SECTION in ini.sections else ())
    return tuple(_read(ini, name) if name in own else STANDARD_INSTANCE_TYPES[name] for name in names(ini))


def _read(ini: IniFile, name: str) -> InstanceType:
    """An entry: three numbers with any other characters between them."""
    text = ini.get(SECTION, name) or ""
    numbers = [int(digits) for digits in re.findall(r"[0-9]+", text) if len(digits) < _MAX_DIGITS]
    if len(numbers) != 3 or not numbers[0] or not numbers[1]:
        raise ConfigurationError(
            f"The instance type '{name}' in section '{SECTION}' of {ini.name} must be three whole numbers, "
            "such as (1, 1536, 512): CPUs and MiB of memory, both above 0, and MiB of swap; "
            f"it is '{text:.{_MAX_SHOWN}}'.",
            file=ini.name,
            section=SECTION,
            key=name,
        )
    cpu, ram, swap = numbers
    return InstanceType(name, cpu, ram, swap)
