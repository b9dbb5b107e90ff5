"""A whole StratusLab cloud on loopback, for trying, developing and testing::

    with Sandbox(boot_seconds=0) as sandbox:
        sandbox.write_config("stratuslab-user.cfg")
        ...

It speaks the protocols of the real services, so any StratusLab client can use it, not only this package's.
"""

from __future__ import annotations

INSTALL = "pip install 'stratuslab-libcloud-drivers[sandbox]'"

try:
    from .certificates import CertificateFiles
    from .clock import Clock, ManualClock
    from .cloud import DEFAULT_USERS, Sandbox, SandboxError
    from .faults import Fault, FaultKind, Faults
    from .record import Request, RequestRecord
    from .server import KeepAlive
    from .state.pace import Pace
    from .state.vm import LcmState, Machine, VmState
except ModuleNotFoundError as error:
    if (error.name or "").startswith("stratuslab_libcloud"):
        raise
    raise ImportError(f"The sandbox needs {error.name}, which is not installed: {INSTALL}", name=error.name) from error

__all__ = [
    "DEFAULT_USERS",
    "CertificateFiles",
    "Clock",
    "Fault",
    "FaultKind",
    "Faults",
    "KeepAlive",
    "LcmState",
    "Machine",
    "ManualClock",
    "Pace",
    "Request",
    "RequestRecord",
    "Sandbox",
    "SandboxError",
    "VmState",
]
