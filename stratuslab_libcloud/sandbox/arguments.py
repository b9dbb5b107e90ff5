"""The arguments of the command ``stratuslab-sandbox``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from stratuslab_libcloud.sandbox.config_file import check_section
from stratuslab_libcloud.sandbox.guests.key_pair import read_authorized_keys
from stratuslab_libcloud.sandbox.http.fault import Fault, FaultKind
from stratuslab_libcloud.sandbox.http.server import KeepAlive
from stratuslab_libcloud.sandbox.kinds import OPENNEBULA, STRATUSLAB
from stratuslab_libcloud.sandbox.state.opennebula.release import NEWEST, RELEASES
from stratuslab_libcloud.sandbox.state.users import DEFAULT_USERS

_T = TypeVar("_T")

CONFIG_NAMES = {STRATUSLAB: "stratuslab-user.cfg", OPENNEBULA: "opennebula-user.cfg"}
"""The configuration files that are written where no other is named, by the kind of cloud."""


def parse_arguments(arguments: Sequence[str] | None) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    """Read the arguments.

    :param arguments: the process's own by default
    :return: the parser, for further errors, and the options
    :raises SystemExit: with status 2, if an argument is wrong; with 0 after ``--help``
    """
    parser = argparse.ArgumentParser(
        prog="stratuslab-sandbox",
        description="A whole cloud on this computer, StratusLab or OpenNebula, for trying, developing and testing.",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="show the requests as they come")
    parser.add_argument("--version", action="version", version=metadata.version("stratuslab-libcloud-drivers"))
    _add_cloud(parser.add_argument_group("the cloud"))
    of_kinds = {
        STRATUSLAB: _add_stratuslab(parser.add_argument_group(f"only with --kind {STRATUSLAB}, the default")),
        OPENNEBULA: _add_opennebula(parser.add_argument_group(f"only with --kind {OPENNEBULA}")),
    }
    _add_configuration(parser.add_argument_group("its configuration file"))
    _add_connections(parser.add_argument_group("connections and faults"))
    options = parser.parse_args(arguments)
    options.users = dict(options.user) or None
    options.tls |= options.certificate is not None
    for kind, actions in of_kinds.items():
        for action in actions:
            if kind != options.kind and getattr(options, action.dest) != action.default:
                parser.error(f"{action.option_strings[0]} is only for --kind {kind}, not for --kind {options.kind}")
    if not options.tls and any(fault.kind == FaultKind.TLS for fault in options.fault):
        parser.error("the fault 'tls' can only happen with --tls")
    return parser, options


def _add_cloud(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--kind", choices=(STRATUSLAB, OPENNEBULA), default=STRATUSLAB, help="the kind of cloud (default: %(default)s)"
    )
    _add_list(
        group,
        "--user",
        _user,
        "NAME:PASSWORD",
        "a user of the cloud; can be given several times, the first one is written into the configuration file "
        f"(default: {' and '.join(DEFAULT_USERS)}, with random passwords)",
    )
    group.add_argument(
        "--boot-seconds", type=_seconds, metavar="S", help="how long a new machine takes until it runs; 0 for no time"
    )
    group.add_argument(
        "--manual-clock", action="store_true", help="time stands still; you move it on the sandbox's page, step by step"
    )
    group.add_argument("--no-guests", action="store_true", help="do not allow logins to machines over SSH")


def _add_stratuslab(group: argparse._ArgumentGroup) -> Sequence[argparse.Action]:
    return (
        group.add_argument("--machine-limit", type=int, metavar="N", help="how many machines a user may have"),
        group.add_argument(
            "--start-seconds",
            type=_seconds,
            default=0,
            metavar="S",
            help="how long the compute service refuses all requests after its start, as a real daemon does",
        ),
        group.add_argument(
            "--entries", type=_folder, metavar="FOLDER", help="Marketplace entries to serve instead of a dozen examples"
        ),
        group.add_argument(
            "--state",
            type=Path,
            metavar="FILE",
            help="save the whole state in this file, and begin with it the next time",
        ),
        group.add_argument(
            "--certificate",
            metavar="NAME",
            help="add a user who has a certificate, and write it into the configuration file; implies --tls",
        ),
        group.add_argument(
            "--keep-alive",
            type=_keep_alive,
            metavar="REQUESTS:SECONDS",
            help="close connections after so many requests or idle seconds; 30:15 is what a real daemon does",
        ),
    )


def _add_opennebula(group: argparse._ArgumentGroup) -> Sequence[argparse.Action]:
    return (
        group.add_argument(
            "--opennebula-version",
            choices=tuple(RELEASES),
            metavar="VERSION",
            help=f"which OpenNebula it is: {' or '.join(RELEASES)} (default: {NEWEST})",
        ),
    )


def _add_configuration(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the configuration file to write; if it exists, it keeps its other sections (default: "
        f"{' or '.join(CONFIG_NAMES.values())} in a folder of the sandbox's own, which is printed at the start)",
    )
    group.add_argument(
        "--section",
        type=_section,
        default="default",
        metavar="NAME",
        help="the section to write; one that is about a real cloud is not touched (default: %(default)s)",
    )
    group.add_argument(
        "--public-key",
        type=_public_key,
        metavar="FILE",
        help="the SSH key that new machines get; by default the one that the configuration file names, or else a new "
        "pair of keys beside it",
    )


def _add_connections(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--port", type=_port, default=0, help="the port on 127.0.0.1; any free port by default")
    group.add_argument("--tls", action="store_true", help="https, with a certificate of the sandbox's own authority")
    _add_list(
        group,
        "--fault",
        _checked(Fault.parse),
        "SERVICE:OPERATION:KIND[:CHANCE[:NUMBER]]",
        f"make requests fail, such as 'compute:one.vm.allocate:reset-after:0.3', or with --kind {OPENNEBULA} "
        "'opennebula:one.vm.allocate:reset-after:0.3'; can be given several times. "
        f"Kinds: {', '.join(kind.value for kind in FaultKind)}. The number is the status of 'status' and "
        "'status-after', and the seconds of the other kinds",
    )
    group.add_argument(
        "--seed",
        type=int,
        default=0,
        help="for the random numbers that decide which requests meet a fault: the same seed gives the same faults",
    )


def _add_list(group: argparse._ArgumentGroup, name: str, kind: Callable[[str], Any], metavar: str, help: str) -> None:
    group.add_argument(name, type=kind, action="append", default=[], metavar=metavar, help=help)


def _checked(read: Callable[[str], _T]) -> Callable[[str], _T]:
    """Let argparse show what `read` says in a `ValueError`."""

    def convert(text: str) -> _T:
        try:
            return read(text)
        except ValueError as problem:
            raise argparse.ArgumentTypeError(str(problem)) from None

    return convert


@_checked
def _user(text: str) -> tuple[str, str]:
    name, colon, password = text.partition(":")
    if not name or not colon:
        raise ValueError(f"NAME:PASSWORD is wanted, not {text!r}")
    return name, password


@_checked
def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise ValueError(f"a port number is wanted, 0 to 65535, not {text!r}")
    return int(text)


@_checked
def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"a number of seconds is wanted, 0 or more, not {text!r}")
    return seconds


@_checked
def _keep_alive(text: str) -> KeepAlive:
    requests, _, seconds = text.partition(":")
    if not requests.isdecimal() or not seconds:
        raise ValueError(f"REQUESTS:SECONDS is wanted, not {text!r}")
    return KeepAlive(int(requests), _seconds(seconds))


@_checked
def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise ValueError(f"there is no folder {text!r}")
    return Path(text)


@_checked
def _public_key(text: str) -> Path:
    try:
        read_authorized_keys(Path(text))
    except OSError as problem:
        raise ValueError(f"{text!r} cannot be read: {problem.strerror}") from None
    except ValueError:
        raise ValueError(f"there is no public key in {text!r}") from None
    return Path(text)


_section = _checked(check_section)
