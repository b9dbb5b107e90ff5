"""The user's INI file and environment, as one frozen CloudConfig for each section.

`UserConfiguration.load` reads the file; the records are its content. ``docs/guides/configuration.md`` and the reference
file that ``stratus-copy-config`` installs explain each key.
"""

from __future__ import annotations

from stratuslab_libcloud.config.instance_types import DEFAULT_INSTANCE_TYPE, STANDARD_INSTANCE_TYPES
from stratuslab_libcloud.config.records import (
    AnyCloudConfig,
    Certificate,
    CloudConfig,
    Credentials,
    InstanceType,
    MachineOptions,
    OpenNebulaConfig,
    Password,
    Place,
    PortTranslation,
    SavedImage,
    ServiceConfig,
    SessionPassword,
)
from stratuslab_libcloud.config.user import UserConfiguration

__all__ = [
    "DEFAULT_INSTANCE_TYPE",
    "STANDARD_INSTANCE_TYPES",
    "AnyCloudConfig",
    "Certificate",
    "CloudConfig",
    "Credentials",
    "InstanceType",
    "MachineOptions",
    "OpenNebulaConfig",
    "Password",
    "Place",
    "PortTranslation",
    "SavedImage",
    "ServiceConfig",
    "SessionPassword",
    "UserConfiguration",
]
