"""Image metadata: building, checking and signing the entries of StratusLab's Marketplace, without Java.

Needs lxml and cryptography: the extra ``metadata``.
"""

from __future__ import annotations

from stratuslab_libcloud.errors import MissingDependencyError

try:
    import cryptography as cryptography
    import lxml as lxml
except ModuleNotFoundError as error:
    raise MissingDependencyError(
        f"image metadata needs {error.name}, which is not installed: "
        "pip install 'stratuslab-libcloud-drivers[metadata]>=26'"
    ) from error
