"""``stratuslab-sandbox``: starts the sandbox, if what it stands on is installed."""

from __future__ import annotations

import sys


def main(argv: list[str] | None = None) -> int:
    """Run the sandbox's command.

    :param argv: the command's arguments; the process's own by default
    :return: the exit status
    """
    try:
        from stratuslab_libcloud.sandbox.__main__ import main as run
    except ImportError as error:
        if (error.name or "").startswith("stratuslab_libcloud"):
            raise
        print(f"stratuslab-sandbox: {error}", file=sys.stderr)
        return 1
    return run(argv)
