"""The command ``stratuslab-sandbox``: a StratusLab or OpenNebula cloud on this computer until Ctrl-C."""

from __future__ import annotations

import json
import logging
import os
import shlex
import signal
import sys
import threading
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stratuslab_libcloud.sandbox import CertificateFiles, ManualClock, Sandbox
from stratuslab_libcloud.sandbox.arguments import CONFIG_NAMES, parse_arguments
from stratuslab_libcloud.sandbox.config_file import OtherCloudError
from stratuslab_libcloud.sandbox.http.request_record import REQUESTS_LOG
from stratuslab_libcloud.sandbox.kinds import OPENNEBULA, STRATUSLAB
from stratuslab_libcloud.sandbox.own_folder import own_folder

_STRATUSLAB = """\
A StratusLab cloud is running on this computer.

  compute      {sandbox.compute_url}
  disks        {sandbox.disks_url}
  Marketplace  {sandbox.marketplace_url}
"""

_OPENNEBULA = """\
An OpenNebula cloud, version {version}, is running on this computer.

  XML-RPC      {sandbox.compute_url}
"""

_PAGE_USERS_AND_FILES = """
What it holds, live, for your browser (whoever has this address can change faults and clock):

  {page}

Users and their passwords:

{users}

Files that were written:

{files}

In another terminal, in Python:

  import stratuslab_libcloud
  from libcloud.compute.providers import get_driver
"""

_PROVIDERS = {STRATUSLAB: "stratuslab", OPENNEBULA: "opennebula-xmlrpc"}

_DRIVER_AND_COMMAND = """\
  driver = get_driver("{provider}")(
      "default", stratuslab_user_config={config}, stratuslab_default_location={section}
  )
  driver.list_images()

Or with the commands for a shell:

  stratus-list-images {options}
"""

_WARNING = """
One can log in to running machines over SSH. Commands on them run on this computer, as you: deploy nothing that
you would not run yourself.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sandbox until it is interrupted or terminated.

    :param arguments: of the command; the process's own by default
    :return: the exit status: 0, or 1 if nobody reads what it prints
    :raises SystemExit: with status 2, if an argument is wrong; with 0 after ``--help``
    """
    parser, options = parse_arguments(arguments)
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.WARNING)
    if options.verbose:
        logging.getLogger(REQUESTS_LOG).setLevel(logging.INFO)
    try:
        with _stopped_by_signals() as stopped:
            sandbox = _start(options)
            try:
                _print(_configure(sandbox, options))
                stopped.wait()
            finally:
                sandbox.stop()
    except OtherCloudError as problem:
        parser.error(f"{problem} with --config or --section")
    except ValueError as problem:
        parser.error(str(problem))
    except BrokenPipeError:
        _give_up_output()  # nobody reads it
        return 1
    return 0


def _start(options: Namespace) -> Sandbox:
    try:
        return Sandbox(
            kind=options.kind,
            version=options.opennebula_version,
            users=options.users,
            port=options.port,
            boot_seconds=options.boot_seconds,
            clock=ManualClock() if options.manual_clock else None,
            machine_limit=options.machine_limit,
            start_seconds=options.start_seconds,
            entries=options.entries,
            state_file=options.state,
            tls=options.tls,
            keep_alive=options.keep_alive,
            seed=options.seed,
            guests=not options.no_guests,
        ).start()
    except OSError as problem:
        raise ValueError(
            f"it cannot listen on port {options.port}: {problem.strerror or problem}; choose another one with --port"
        ) from None


def _configure(sandbox: Sandbox, options: Namespace) -> str:
    """Add the faults, write the configuration file, and say how to use it."""
    for fault in options.fault:
        sandbox.faults.add(fault)
    try:
        certificate = sandbox.issue_certificate(options.certificate) if options.certificate else None
        config = sandbox.write_config(
            options.config.absolute() if options.config else own_folder() / CONFIG_NAMES[options.kind],
            certificate=certificate,
            section=options.section,
            public_key_file=options.public_key,
        )
    except OSError as problem:
        raise ValueError(f"the configuration cannot be written: {problem}") from None
    return _instructions(sandbox, config, certificate, options)


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """Let signals stop the sandbox, also while it starts: it then removes its files."""
    stopped = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _instructions(sandbox: Sandbox, config: Path, certificate: CertificateFiles | None, options: Namespace) -> str:
    if options.kind == OPENNEBULA:
        cloud = _OPENNEBULA.format(sandbox=sandbox, version=sandbox.opennebula.release.number)
    else:
        cloud = _STRATUSLAB.format(sandbox=sandbox)
    use = _DRIVER_AND_COMMAND.format(
        provider=_PROVIDERS[options.kind],
        config=_quoted(config),
        section=_quoted(options.section),
        options=shlex.join(["-c", str(config), *(["-S", options.section] if options.section != "default" else [])]),
    )
    users = [*sandbox.users.items(), *([(options.certificate, "(by certificate)")] if certificate else [])]
    users_and_files = _PAGE_USERS_AND_FILES.format(
        page=sandbox.page_url,
        users="\n".join(f"  {name:12} {password}" for name, password in users),
        files="\n".join(f"  {file}" for file in _written_files(sandbox, config, certificate, options)),
    )
    warning = "" if options.no_guests else _WARNING
    return f"{cloud}{users_and_files}{use}{warning}\nCtrl-C stops it.\n"


def _written_files(
    sandbox: Sandbox, config: Path, certificate: CertificateFiles | None, options: Namespace
) -> list[str]:
    keys = config.with_name(f"{config.stem}-key")
    files = [config, *(file for file in (keys, keys.with_suffix(".pub")) if file.exists())]
    if options.state:
        files.append(options.state.absolute())
    removed = [sandbox.ca_file] if options.tls else []
    if certificate:
        removed += [certificate.certificate, certificate.key]
    return [*map(str, files), *(f"{file}  (removed at the end)" for file in removed)]


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise ValueError(f"the instructions cannot be printed: {problem.strerror}") from None


def _give_up_output() -> None:
    """Forget what could not be printed, which Python would try again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _quoted(value: object) -> str:
    """A text as Python source, with double quotes like the other texts there."""
    return json.dumps(str(value), ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main())
