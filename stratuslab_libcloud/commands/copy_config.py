"""The command ``stratus-copy-config``: copies the reference configuration file to where the driver looks for it."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from importlib import metadata, resources
from pathlib import Path

from stratuslab_libcloud.config import values
from stratuslab_libcloud.config.source import DEFAULT_FILE

_NAME = "stratus-copy-config"
_FILE_NAME = Path(DEFAULT_FILE).name
_REFERENCE = "stratuslab-user.cfg.ref"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    :param argv: the arguments; None for those of the process
    :returns: the exit status: 0, or 1 when the file exists already, is a folder or cannot be written
    """
    arguments = _parser().parse_args(argv)
    file = values.path(arguments.config)
    if not values.has_home(file):
        return _fail(f"the home directory of {file} is not known; --config names a file elsewhere")
    file = Path(os.path.realpath(file))
    if file.is_dir():
        return _fail(f"{file} is a folder; --config names the file to write, such as {file / _FILE_NAME}")
    if file.exists() and not arguments.force:
        return _fail(f"{file} exists already; --force overwrites it")
    try:
        _write(file, resources.files("stratuslab_libcloud").joinpath(_REFERENCE).read_bytes())
    except OSError as error:
        return _fail(f"{file} cannot be written: {error.strerror}")
    if not arguments.quiet:
        print(f"{file} was written; set your cloud's endpoint, your user name and your password in it.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        _NAME, description="Copy the reference configuration file, so that you can edit it."
    )
    parser.add_argument(
        "-c", "--config", metavar="FILE", default=DEFAULT_FILE, help="the file to write (default: %(default)s)"
    )
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")
    parser.add_argument("-q", "--quiet", action="store_true", help="print nothing when it is done")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the name of the file (the default)")
    version = metadata.version("stratuslab-libcloud-drivers")
    parser.add_argument("--version", action="version", version=version)
    return parser


def _write(file: Path, content: bytes) -> None:
    """Write a file that only its owner may read. It replaces an older one only when it is complete."""
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
