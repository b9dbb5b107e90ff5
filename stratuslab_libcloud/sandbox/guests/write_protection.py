"""Runs a command that may write in one folder only. Run as a program.

Arguments: the folder, and the command's words. It is for computers where a machine can have no private view. What
forbids to write is Landlock, which Linux has from 5.13 on and an ordinary user may ask for. It knows nothing of
permissions, owners and signals.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_BELOW_PATH = 1
_NO_NEW_PRIVILEGES = 38

_WRITE_FILE = 1 << 1
_REMOVE_AND_MAKE = sum(1 << bit for bit in range(4, 13))
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_SINCE = {2: _REFER, 3: _TRUNCATE}

_CANNOT_RUN = 126
_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = [("handled", ctypes.c_uint64)]


class _Below(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32)]


def version() -> int:
    """Which Landlock this computer has; 0 or less for none."""
    return int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION))


def main(arguments: Sequence[str]) -> None:
    """Forbid to write elsewhere, and become the command."""
    folder, *words = arguments
    rights = _WRITE_FILE | _REMOVE_AND_MAKE
    for since, right in _SINCE.items():
        rights |= right if version() >= since else 0
    ruleset = _Ruleset(rights)
    size = ctypes.c_size_t(ctypes.sizeof(ruleset))
    rules = _check(_libc.syscall(_CREATE_RULESET, ctypes.byref(ruleset), size, 0))
    _allow(rules, folder, rights)
    _allow(rules, "/dev", _WRITE_FILE)
    _check(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _check(_libc.syscall(_RESTRICT_SELF, rules, 0))
    os.execvp(words[0], words)


def _allow(rules: int, folder: str, rights: int) -> None:
    descriptor = os.open(folder, os.O_PATH)
    below = _Below(rights, descriptor)
    _check(_libc.syscall(_ADD_RULE, rules, _BELOW_PATH, ctypes.byref(below), 0))
    os.close(descriptor)


def _check(result: int) -> int:
    if result < 0:
        sys.stderr.write(f"this computer cannot be protected: {os.strerror(ctypes.get_errno())}\n")
        sys.exit(_CANNOT_RUN)
    return result


if __name__ == "__main__":
    main(sys.argv[1:])
