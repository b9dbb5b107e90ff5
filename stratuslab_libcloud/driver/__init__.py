"""What Libcloud's users call: one driver for each kind of cloud."""

from __future__ import annotations

from stratuslab_libcloud.driver.stratuslab.driver import StratusLabNodeDriver

__all__ = ["StratusLabNodeDriver"]
