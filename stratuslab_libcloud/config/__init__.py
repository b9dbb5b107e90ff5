"""The user's INI file and environment, made into one frozen CloudConfig a section.

`UserConfiguration.load` reads the file; the records are what it says. What each key means stands in
``docs/configuration.md`` and in the reference file that ``stratus-copy-config`` puts in place.
"""

from __future__ import annotations

from stratuslab_libcloud.config.instance_types import DEFAULT_INSTANCE_TYPE, STANDARD_INSTANCE_TYPES
from stratuslab_libcloud.config.records import (
    Certificate,
    CloudConfig,
    Credentials,
    InstanceType,
    MachineOptions,
    Password,
    Place,
    PortTranslation,
    ServiceConfig,
)
from stratuslab_libcloud.config.user import UserConfiguration

__all__ = [
    "DEFAULT_INSTANCE_TYPE",
    "STANDARD_INSTANCE_TYPES",
    "Certificate",
    "CloudConfig",
    "Credentials",
    "InstanceType",
    "MachineOptions",
    "Password",
    "Place",
    "PortTranslation",
    "ServiceConfig",
    "UserConfiguration",
]
