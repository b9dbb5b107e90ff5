"""rich, which only those need who want something shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from stratuslab_libcloud.errors import MissingDependencyError

INSTALL = "pip install 'stratuslab-libcloud-drivers[show]>=26'"


@contextmanager
def importing_rich(call: str) -> Iterator[None]:
    """For a ``with`` around the import of rich.

    :param call: what needs it
    :raises MissingDependencyError: when it is not installed
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "rich":
            raise
        raise MissingDependencyError(f"{call} needs rich, which is not installed: {INSTALL}") from error
