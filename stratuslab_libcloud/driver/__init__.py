"""What Libcloud's users call: one driver for each kind of cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stratuslab_libcloud.driver.opennebula.driver import OpenNebulaNodeDriver
    from stratuslab_libcloud.driver.stratuslab.driver import StratusLabNodeDriver

__all__ = ["OpenNebulaNodeDriver", "StratusLabNodeDriver"]


def __getattr__(name: str) -> Any:
    """Import a driver when it is asked for: a program wants one of them, as a rule."""
    if name == "OpenNebulaNodeDriver":
        from stratuslab_libcloud.driver.opennebula.driver import OpenNebulaNodeDriver

        return OpenNebulaNodeDriver
    if name == "StratusLabNodeDriver":
        from stratuslab_libcloud.driver.stratuslab.driver import StratusLabNodeDriver

        return StratusLabNodeDriver
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
