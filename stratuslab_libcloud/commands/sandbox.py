"""``stratuslab-sandbox``: starts the sandbox, if what it stands on is installed."""

from __future__ import annotations

import sys

INSTALL = "pip install 'stratuslab-libcloud-drivers[sandbox]'"


def main(argv: list[str] | None = None) -> int:
    """Run the sandbox's command.

    :param argv: the command's arguments; the process's own by default
    :return: the exit status
    """
    try:
        from stratuslab_libcloud.sandbox.__main__ import main as run
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("stratuslab_libcloud"):
            raise
        print(f"stratuslab-sandbox needs {error.name}, which is not installed: {INSTALL}", file=sys.stderr)
        return 1
    return run(argv)
