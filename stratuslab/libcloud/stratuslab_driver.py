"""Where StratusLab's documentation told programs to look for its driver; see `compute_driver`."""

from __future__ import annotations

from stratuslab_libcloud import StratusLabNodeDriver

__all__ = ["StratusLabNodeDriver"]
