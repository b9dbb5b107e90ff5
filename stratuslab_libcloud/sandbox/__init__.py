"""A whole StratusLab cloud on loopback, for trying, developing and testing::

    with Sandbox(boot_seconds=0) as sandbox:
        sandbox.write_config("stratuslab-user.cfg")
        ...

It speaks the protocols of the real services, so any StratusLab client can use it, not only this package's.
"""

from __future__ import annotations

from .certificates import CertificateFiles
from .clock import Clock, ManualClock
from .cloud import DEFAULT_USERS, Sandbox, SandboxError
from .faults import Fault, FaultKind
from .record import Request, RequestRecord
from .server import KeepAlive
from .state.pace import Pace
from .state.vm import LcmState, Machine, VmState

__all__ = [
    "DEFAULT_USERS",
    "CertificateFiles",
    "Clock",
    "Fault",
    "FaultKind",
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
