"""The command ``stratus-copy-config``: puts the reference configuration file where it is looked for."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from importlib import metadata, resources
from pathlib import Path

from stratuslab_libcloud.config import values
from stratuslab_libcloud.config.user import DEFAULT_FILE

_NAME = "stratus-copy-config"
_REFERENCE = "stratuslab-user.cfg.ref"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    :param argv: the arguments; None for those of the process
    :returns: the exit status: 0, or 1 when there is a file already or none can be written
    """
    arguments = _parser().parse_args(argv)
    file = Path(os.path.realpath(values.path(arguments.config)))
    if file.exists() and not arguments.force:
        return _fail(f"{file} is there already; --force overwrites it")
    try:
        _write(file, resources.files("stratuslab_libcloud").joinpath(_REFERENCE).read_bytes())
    except OSError as error:
        return _fail(f"{file} can not be written: {error.strerror}")
    if not arguments.quiet:
        print(f"{file} is in place; write your cloud's endpoint, your user name and your password into it.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        _NAME, description="Put an example of the StratusLab configuration file in place, to be filled in."
    )
    parser.add_argument(
        "-c", "--config", metavar="FILE", default=DEFAULT_FILE, help="where to put it (default: %(default)s)"
    )
    parser.add_argument("--force", action="store_true", help="overwrite a file that is there")
    parser.add_argument("-q", "--quiet", action="store_true", help="don't say where it is")
    parser.add_argument("-v", "--verbose", action="store_true", help="say where it is, as without this")
    version = metadata.version("stratuslab-libcloud-drivers")
    parser.add_argument("--version", action="version", version=version)
    return parser


def _write(file: Path, content: bytes) -> None:
    """Write a file that its owner alone may read; one that was there is whole until the new one is."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def _fail(problem: str) -> int:
    print(f"{_NAME}: {problem}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
