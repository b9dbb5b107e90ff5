"""The command ``stratus-prepare-context``: writes a file for the contextualization of a machine with cloud-init."""

from __future__ import annotations

import sys
from argparse import Namespace

from stratus_commands import options, running
from stratus_commands.output import Output
from stratus_commands.parsing import CommandParser

NAME = "stratus-prepare-context"
FILE = "cloud-init.txt"


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "",
        "Creates a context file for use with the CloudInit virtual machine contextualization. Each argument is a "
        "mime-type and file name pair, separated by a comma. The pseudo-mime-type 'ssh' is used for ssh keys, and "
        "'none' for user data that is sent as it is. The output is in the file 'cloud-init.txt', for the option "
        "--context-file of stratus-run-instance.",
        f"{prog} ssh,$HOME/.ssh/id_ed25519.pub x-shellscript,setup.sh",
    )
    parser.usage = "%(prog)s file-desc ..."
    options.add_common(parser)
    parser.add_argument("pairs", nargs="*", metavar="file-desc", help="mimetype,file")
    return parser


def run(arguments: Namespace) -> int:
    """Write the file into the working directory.

    :raises LibcloudError: a pair or a file cannot be used, or all of it is too long
    """
    from pathlib import Path

    from stratuslab_libcloud.client.opennebula.contextualization import cloud_init_pairs, parse_parts

    keys, parts = parse_parts("#".join(arguments.pairs))
    pairs = cloud_init_pairs(keys, parts)
    lines = [f"{name}={value}" for name, value in pairs.items()]
    Path(FILE).write_text("\n".join(lines) + ("\n\n" if len(lines) > 1 else "\n"))
    Output(arguments).verbose(f"{FILE} was written")
    return 0


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
