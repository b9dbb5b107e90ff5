"""The command ``stratuslab-sandbox``: a StratusLab cloud on this computer until Ctrl-C."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from stratuslab_libcloud.sandbox import DEFAULT_USERS, Fault, FaultKind, KeepAlive, Sandbox
from stratuslab_libcloud.sandbox.config_file import check_section
from stratuslab_libcloud.sandbox.guests.key_pair import read_authorized_keys

_INSTRUCTIONS = """\
A StratusLab cloud is running on this computer.

  compute      {sandbox.compute_url}
  disks        {sandbox.disks_url}
  Marketplace  {sandbox.marketplace_url}
  users        {users}

{config} says how to use it. In another terminal, in Python:

  import stratuslab_libcloud
  from libcloud.compute.providers import get_driver
  driver = get_driver("stratuslab")(
      "default", stratuslab_user_config={quoted_config}, stratuslab_default_location={quoted_section}
  )
  driver.list_images()
{warning}
Ctrl-C ends it.
"""

_WARNING = """
Running machines can be logged in to over SSH. What is run on them runs on this computer, as you, and can
do to your files what you can: deploy nothing that you would not run yourself.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sandbox until it is interrupted or terminated.

    :param arguments: the command's; the process's own by default
    :return: the exit status
    :raises SystemExit: with status 2, if the arguments can not be meant; with 0 after ``--help``
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    users = dict(options.user) or DEFAULT_USERS
    has_tls = options.tls or options.certificate is not None
    if not has_tls and any(fault.kind == FaultKind.TLS for fault in options.fault):
        parser.error("the fault 'tls' can only happen with --tls")
    try:
        sandbox = Sandbox(
            users=users,
            port=options.port,
            boot_seconds=options.boot_seconds,
            machine_limit=options.machine_limit,
            entries=options.entries,
            state_file=options.state,
            tls=has_tls,
            keep_alive=options.keep_alive,
            seed=options.seed,
            guests=not options.no_guests,
        ).start()
    except (OSError, ValueError) as problem:
        parser.error(_explain(problem, options.port))
    try:
        for fault in options.fault:
            sandbox.faults.add(fault)
        certificate = options.certificate and sandbox.issue_certificate(options.certificate)
        config = sandbox.write_config(
            options.config.absolute(),
            certificate=certificate,
            section=options.section,
            public_key_file=options.public_key,
        )
        ended = _end_on_signals()
        print(_instructions(sandbox, users, config, options), flush=True)
        ended.wait()
    except OSError as problem:
        parser.error(f"the configuration can not be written: {problem}")
    except ValueError as problem:
        parser.error(str(problem))
    finally:
        sandbox.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stratuslab-sandbox",
        description="A whole StratusLab cloud on this computer, for trying, developing and testing.",
    )
    parser.add_argument(
        "--port", type=_port, default=0, help="where it listens, on 127.0.0.1; any free port by default"
    )
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("stratuslab-sandbox.cfg"),
        metavar="FILE",
        help="the configuration file to write; one that is there keeps its other sections (default: %(default)s)",
    )
    parser.add_argument(
        "--section",
        type=_section,
        default="default",
        metavar="NAME",
        help="the section of the configuration file to write (default: %(default)s)",
    )
    parser.add_argument(
        "--user",
        type=_user,
        action="append",
        default=[],
        metavar="NAME:PASSWORD",
        help="somebody who may use it; can be given several times, the first is in the configuration "
        f"(default: {', '.join(DEFAULT_USERS)})",
    )
    parser.add_argument(
        "--public-key",
        type=_public_key,
        metavar="FILE",
        help="the SSH key that new machines get; by default the one that the configuration file names, or else a new "
        "pair of keys beside it",
    )
    parser.add_argument(
        "--entries", type=_folder, metavar="FOLDER", help="Marketplace entries to serve instead of a dozen examples"
    )
    parser.add_argument("--state", type=Path, metavar="FILE", help="a file that everything survives a restart in")
    parser.add_argument(
        "--boot-seconds", type=_seconds, metavar="S", help="how long a machine takes to start; 0 for at once"
    )
    parser.add_argument("--tls", action="store_true", help="https, with a certificate of the sandbox's own authority")
    parser.add_argument(
        "--certificate",
        metavar="NAME",
        help="make somebody a user who comes with a certificate, and name it in the configuration; implies --tls",
    )
    parser.add_argument(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        metavar="SERVICE:OPERATION:KIND[:CHANCE[:NUMBER]]",
        help="have something go wrong, such as 'compute:one.vm.allocate:reset-after:0.3'; can be given several times. "
        f"Kinds: {', '.join(kind.value for kind in FaultKind)}. The number is seconds, or the status of 'status'",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the dice for the chances of faults")
    parser.add_argument(
        "--keep-alive",
        type=_keep_alive,
        metavar="REQUESTS:SECONDS",
        help="close connections after so many requests or idle seconds; 30:15 is what a real daemon does",
    )
    parser.add_argument("--no-guests", action="store_true", help="machines can not be logged in to over SSH")
    parser.add_argument("--machine-limit", type=int, metavar="N", help="how many machines a user may have")
    return parser


def _instructions(sandbox: Sandbox, users: Mapping[str, str], config: Path, options: argparse.Namespace) -> str:
    return _INSTRUCTIONS.format(
        sandbox=sandbox,
        users=", ".join(f"{name} (password {password})" for name, password in users.items()),
        config=config,
        quoted_config=_quoted(config),
        quoted_section=_quoted(options.section),
        warning="" if options.no_guests else _WARNING,
    )


def _end_on_signals() -> threading.Event:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    return ended


def _explain(problem: Exception, port: int) -> str:
    if isinstance(problem, OSError):
        return f"it can not listen on port {port}: {problem.strerror or problem}; another one with --port?"
    return str(problem)


def _user(text: str) -> tuple[str, str]:
    name, colon, password = text.partition(":")
    if not name or not colon:
        raise argparse.ArgumentTypeError(f"NAME:PASSWORD is wanted, not {text!r}")
    return name, password


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"a port number is wanted, 0 to 65535, not {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"a number of seconds is wanted, not {text!r}")
    return seconds


def _fault(text: str) -> Fault:
    try:
        return Fault.parse(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def _keep_alive(text: str) -> KeepAlive:
    requests, _, seconds = text.partition(":")
    if not requests.isdecimal():
        raise argparse.ArgumentTypeError(f"REQUESTS:SECONDS is wanted, not {text!r}")
    try:
        return KeepAlive(int(requests), _seconds(seconds))
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text!r}")
    return Path(text)


def _public_key(text: str) -> Path:
    try:
        read_authorized_keys(Path(text))
    except OSError as problem:
        raise argparse.ArgumentTypeError(f"{text!r} can not be read: {problem.strerror}") from None
    except ValueError:
        raise argparse.ArgumentTypeError(f"there is no public key in {text!r}") from None
    return Path(text)


def _section(text: str) -> str:
    try:
        return check_section(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def _quoted(value: object) -> str:
    """A text as Python source has it, in the quotes of the other ones there."""
    return json.dumps(str(value), ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main())
