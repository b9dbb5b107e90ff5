"""Apache Libcloud drives StratusLab clouds, and clouds of today's OpenNebula.

Importing this package registers the drivers::

    import stratuslab_libcloud
    from libcloud.compute.providers import get_driver

    driver = get_driver("stratuslab")("default")
    driver = get_driver("opennebula-xmlrpc")("user", "password", host="one.example.org")
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from libcloud.compute.providers import DRIVERS
from libcloud.compute.types import Provider

from stratuslab_libcloud import old_client

if TYPE_CHECKING:
    from stratuslab_libcloud.display.progress import show_progress
    from stratuslab_libcloud.display.tables import show
    from stratuslab_libcloud.driver import OpenNebulaNodeDriver, StratusLabNodeDriver
    from stratuslab_libcloud.driver.progress import Progress

__all__ = ["OpenNebulaNodeDriver", "Progress", "StratusLabNodeDriver", "__version__", "show", "show_progress"]

__version__ = "26.11.0"

# Libcloud finds a provider whatever the case of its name. Registered under this spelling, `get_driver("stratuslab")`
# works, and so does the `set_driver("stratuslab", ...)` of existing programs, which would refuse a name that is taken.
_NAME: Any = "StratusLab"
DRIVERS.setdefault(_NAME, ("stratuslab_libcloud.driver", "StratusLabNodeDriver"))
_OPENNEBULA: Any = "opennebula-xmlrpc"
DRIVERS.setdefault(_OPENNEBULA, ("stratuslab_libcloud.driver", "OpenNebulaNodeDriver"))

# Many programs take a provider's name from their user, and ask for `getattr(Provider, NAME)`.
if not hasattr(Provider, "STRATUSLAB"):
    Provider.STRATUSLAB = "stratuslab"  # type: ignore[attr-defined]  # which is what this adds
if not hasattr(Provider, "OPENNEBULA_XMLRPC"):
    Provider.OPENNEBULA_XMLRPC = _OPENNEBULA  # type: ignore[attr-defined]  # as above

old_client.warn_if_beside(Path(__file__).parent.parent)


_HOMES = {
    "OpenNebulaNodeDriver": "stratuslab_libcloud.driver",
    "Progress": "stratuslab_libcloud.driver.progress",
    "StratusLabNodeDriver": "stratuslab_libcloud.driver",
    "show": "stratuslab_libcloud.display.tables",
    "show_progress": "stratuslab_libcloud.display.progress",
}


def __getattr__(name: str) -> Any:
    """Import what is public when it is asked for, so that registering the drivers costs nothing."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
