"""The command ``stratus-copy-config``: copies the reference configuration file to where the others look for it."""

from __future__ import annotations

import os
import sys
import tempfile
from argparse import Namespace
from pathlib import Path

from stratus_commands import options, running
from stratus_commands.failures import CommandError
from stratus_commands.output import Output
from stratus_commands.parsing import CommandParser

NAME = "stratus-copy-config"

_FILE_NAME = Path(options.DEFAULT_FILE).name
_REFERENCE = "stratuslab-user.cfg.ref"


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "",
        "Copies the reference StratusLab client configuration file into the correct location for the user. Will not "
        "overwrite existing file unless forced.",
        f"{prog} -v",
    )
    options.add_config(parser)
    parser.add_argument("--force", action="store_true", help="force overwrite of existing file")
    return parser


def run(arguments: Namespace) -> int:
    """Copy the file.

    :raises CommandError: it exists already, is a folder or cannot be written
    """
    from stratuslab_libcloud.config import values

    file = values.path(arguments.config or options.DEFAULT_FILE)
    if not values.has_home(file):
        raise CommandError(f"the home directory of {file} is not known; --config names a file elsewhere")
    file = Path(os.path.realpath(file))
    if file.is_dir():
        raise CommandError(f"{file} is a folder; --config names the file to write, such as {file / _FILE_NAME}")
    if file.exists() and not arguments.force:
        raise CommandError(f"won't overwrite file ({file}); use --force to overwrite")
    try:
        _write(file, _reference())
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}") from error
    Output(arguments).verbose(f"wrote configuration file: {file}")
    return 0


def _reference() -> bytes:
    from importlib import resources

    return resources.files("stratuslab_libcloud").joinpath(_REFERENCE).read_bytes()


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


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
