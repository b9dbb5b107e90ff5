"""Running a command: what it ends with, and what is said when it fails."""

from __future__ import annotations

import io
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from stratus_commands.failures import FAILED, INTERRUPTED, CommandError, UsageError
from stratus_commands.output import ALL, ERRORS, STEPS, WARNINGS, print_error
from stratus_commands.parsing import COMPLETION, CommandParser
from stratus_commands.process_title import hide_passwords

_LIBRARY = "stratuslab_libcloud"
_WITH_TRACEBACK = 3


def main(parser: CommandParser, run: Callable[[Namespace], int], arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    :param parser: of its arguments
    :param run: does what the command is for, and returns its exit status
    :param arguments: those of the process by default
    :return: 0; 1 when it failed, which standard error explains; 130 after Ctrl-C
    :raises SystemExit: with status 2, if an argument is wrong; with 0 after ``--help`` and ``--version``
    """
    _print_what_cannot_be_encoded()
    if COMPLETION in os.environ:
        from stratus_commands.completing import complete

        complete(parser)
    try:
        words = sys.argv[1:] if arguments is None else arguments
        parsed = parser.parse(words)
        if arguments is None:  # the process is this command's
            hide_passwords(parser.prog, words, parsed)
        level = parsed.verbose - parsed.quiet
        try:
            with _logging(level):
                status = run(parsed)
            _flush()
        except UsageError as error:
            parser.refuse(error)
        except Exception as error:
            if not is_told_in_words(error):
                raise
            return _failed(error, level)
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _give_up_output()  # nobody reads it
        return FAILED
    return status


def _flush() -> None:
    if sys.stdout is not None:
        sys.stdout.flush()


def _give_up_output() -> None:
    """Forget what could not be printed, which Python would try again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_what_cannot_be_encoded() -> None:
    """Let characters that the terminal does not have be escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def is_told_in_words(error: Exception) -> bool:
    """Whether an exception has a message for the user, who is not shown where it came from."""
    if isinstance(error, BrokenPipeError):
        return False
    if isinstance(error, (CommandError, OSError)):
        return True
    from libcloud.common.types import LibcloudError

    return isinstance(error, LibcloudError)


def _failed(error: Exception, level: int) -> int:
    if level >= _WITH_TRACEBACK:
        import traceback

        traceback.print_exception(error)
    if level >= ERRORS:
        print_error(_in_words(error))
    try:
        _flush()
    except OSError:
        _give_up_output()
    return FAILED


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and type(error).__module__ == "builtins":
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


@contextmanager
def _logging(level: int) -> Iterator[None]:
    """Let the library's warnings be seen, with ``-v`` what it does, and with ``-vv`` its requests."""
    import logging

    levels = {ERRORS: logging.ERROR, WARNINGS: logging.WARNING, STEPS: logging.WARNING, ALL: logging.INFO}
    logger, handler = logging.getLogger(_LIBRARY), logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    before = logger.level
    logger.setLevel(levels.get(level, logging.DEBUG if level > ALL else logging.CRITICAL))
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
