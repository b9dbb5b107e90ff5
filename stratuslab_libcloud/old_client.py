"""The client of 14.06, ``stratuslab-client``, which needs Python 2 and has files in common with this package."""

from __future__ import annotations

import logging
from pathlib import Path

_log = logging.getLogger("stratuslab_libcloud")


def warn_if_beside(folder: Path) -> None:
    """Say in the log that the old client is installed beside this package.

    :param folder: where this package is installed
    """
    if (folder / "stratuslab" / "__init__.py").exists():
        _log.warning(
            "The package stratuslab-client in %s is for Python 2 and does not work; 'pip uninstall stratuslab-client' "
            "removes it, and the stratus-* commands with it, which 'pip install --force-reinstall --no-deps "
            "stratuslab-libcloud-drivers' brings back.",
            folder,
        )
