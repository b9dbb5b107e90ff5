"""Where StratusLab's driver was until 14.06, and where its programs look for it.

``stratuslab`` has no ``__init__.py`` here: that of the old client may be installed in the same folder.
"""

from __future__ import annotations

from stratuslab_libcloud import StratusLabNodeDriver

__all__ = ["StratusLabNodeDriver"]
