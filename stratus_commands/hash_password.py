"""The command ``stratus-hash-password``: hashes of a password, for the administrators of a site."""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from collections.abc import Callable
from importlib import import_module
from typing import Any

from stratus_commands import options, running
from stratus_commands.connection import read_password
from stratus_commands.failures import INSTALL, CommandError
from stratus_commands.parsing import CommandParser

NAME = "stratus-hash-password"

_NO_SALT = re.compile(r"[^./A-Za-z0-9]")
_LONGEST = 8


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "",
        "Hashes a given username and password in crypt and MD5 formats, as the file of a StratusLab site's users has "
        "them. The values are requested from the standard input. Both formats are weak: nobody must see the hashes.",
        prog,
    )
    options.add_config(parser)
    return parser


def run(arguments: Namespace) -> int:
    """Ask for the user's name and the password, and print the hashes.

    :raises CommandError: the two passwords differ, or the library for one of the hashes is not installed
    """
    import hashlib

    des_crypt = _des_crypt()
    username = _asked_for_name()
    password = read_password("password", prompt="password:")
    if read_password("retype password", prompt="retype password:") != password:
        raise CommandError("the two passwords are not the same")
    salt = (_NO_SALT.sub("", username) + "..")[:2]
    if len(password.encode()) > _LONGEST and not arguments.quiet:
        print(f"crypt uses only the first {_LONGEST} bytes of a password.", file=sys.stderr)
    print(f"MD5:{hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()}")
    print(f"CRYPT:{des_crypt(password, salt)}")
    return 0


def _des_crypt() -> Callable[[str, str], str]:
    """The traditional crypt of Unix, which Python itself has not had since 3.13."""
    try:
        des_crypt: Any = import_module("passlib.hash").des_crypt  # it has no types
    except ImportError:
        raise CommandError(f"libpass is needed: {INSTALL}") from None
    return lambda password, salt: str(des_crypt.using(salt=salt).hash(password))


def _asked_for_name() -> str:
    try:
        return input("username:")
    except EOFError:
        raise CommandError("no username was given") from None


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
