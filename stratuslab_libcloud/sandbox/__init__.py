"""A whole StratusLab cloud on loopback, for trying, developing and testing::

    with Sandbox(boot_seconds=0) as sandbox:
        sandbox.write_config("stratuslab-user.cfg")
        ...

It speaks the protocols of the real services, so any StratusLab client can use it, not only this package's.
"""

from __future__ import annotations

INSTALL = "pip install 'stratuslab-libcloud-drivers[sandbox]>=26'"

try:
    from stratuslab_libcloud.sandbox.http.certificates import CertificateFiles
    from stratuslab_libcloud.sandbox.http.fault import Fault, FaultKind
    from stratuslab_libcloud.sandbox.http.faults import Faults
    from stratuslab_libcloud.sandbox.http.request_record import Request, RequestRecord
    from stratuslab_libcloud.sandbox.http.server import KeepAlive
    from stratuslab_libcloud.sandbox.sandbox import Sandbox, SandboxError
    from stratuslab_libcloud.sandbox.state.clock import Clock, ManualClock
    from stratuslab_libcloud.sandbox.state.pace import Pace
    from stratuslab_libcloud.sandbox.state.users import DEFAULT_USERS
    from stratuslab_libcloud.sandbox.state.vm import LcmState, Machine, VmState
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
