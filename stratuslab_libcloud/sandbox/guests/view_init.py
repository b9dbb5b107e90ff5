"""Makes a private view of the computer for one sandbox machine, and is the first process in it. Run as a program.

Arguments: the folder that becomes the machine's ``/``; its name; its home; folders of the computer that are shown
read-only at their own paths, below the machine's own. Prints the process's number when all is ready.

The processes of a machine are in name spaces of their own: for users (so that an ordinary user may do this, and no
privilege holds outside), mounts, processes, interprocess communication and the host's name. Only Linux has these. Its
network is that of the computer, or machines could not be reached. Nothing but the standard library is imported, and
little of it: each machine waits for this program.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_NEW_USER, _NEW_MOUNTS, _NEW_PROCESSES, _NEW_IPC, _NEW_NAME = 0x10000000, 0x20000, 0x20000000, 0x8000000, 0x4000000
_BIND, _RECURSIVE, _PRIVATE = 0x1000, 0x4000, 0x40000
_NO_SUID, _NO_DEVICES, _NO_PROGRAMS = 2, 4, 8
_DETACH = 2
_SET_DEATH_SIGNAL = 1
_AT_CURRENT_FOLDER, _AT_RECURSIVE = -100, 0x8000
_MOUNT_SETATTR = 442
_READ_ONLY = 1

_ALL_USERS = 65536
_DEVICES = ("full", "null", "ptmx", "random", "tty", "urandom", "zero")
_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}
_OF_THE_KERNEL = ("bus", "irq", "sys", "sysrq-trigger")
"""In ``/proc``: what changes the computer."""

OWN = frozenset({"dev", "etc", "home", "media", "mnt", "proc", "root", "run", "srv", "sys", "tmp", "var"})
"""The folders in ``/`` that a machine has for itself; of the others it sees the computer's, read-only."""

_libc = ctypes.CDLL(None, use_errno=True)


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "name_space")]


def main(arguments: Sequence[str]) -> None:
    """Enter the name spaces, make the view, and stay."""
    folder, name, home, *shown = arguments
    _enter_name_spaces()
    _die_with_parent()
    ready, is_ready = os.pipe()
    child = os.fork()
    if child:
        os.close(is_ready)
        if not os.read(ready, 1):
            sys.exit(1)
        print(child, flush=True)  # noqa: T201 -- this is a program
        _sleep()
    _die_with_parent()
    _make_view(folder, shown)
    _check(_libc.sethostname(name.encode(), len(name.encode())), "sethostname")
    os.chdir(home)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel takes care of orphans that end
    os.write(is_ready, b"1")
    _sleep()


def _enter_name_spaces() -> None:
    """Enter new name spaces, as root of the new one for users."""
    user, group, parent = os.getuid(), os.getgid(), os.getpid()
    entered, has_entered = os.pipe()
    mapper = os.fork()
    if not mapper:
        # Only somebody outside may say that all users are themselves.
        os.close(has_entered)
        if os.read(entered, 1):
            _map_users(parent, user, group)
        os._exit(0)
    _check(_libc.unshare(_NEW_USER | _NEW_MOUNTS | _NEW_PROCESSES | _NEW_IPC | _NEW_NAME), "unshare")
    os.write(has_entered, b"1")
    if os.waitpid(mapper, 0)[1]:
        sys.exit("the users of the machine cannot be mapped")


def _map_users(process: int, user: int, group: int) -> None:
    """All users are themselves if root may say so; otherwise there is only root, who is the user of the sandbox."""
    if user == 0:
        try:
            for kind in ("uid", "gid"):
                _write(f"/proc/{process}/{kind}_map", f"0 0 {_ALL_USERS}")
        except OSError:
            pass
        else:
            return
    _write(f"/proc/{process}/setgroups", "deny")
    _write(f"/proc/{process}/uid_map", f"0 {user} 1")
    _write(f"/proc/{process}/gid_map", f"0 {group} 1")


def _make_view(folder: str, shown: Sequence[str]) -> None:
    _mount(None, "/", flags=_RECURSIVE | _PRIVATE)
    _mount(folder, folder, flags=_BIND)
    for path in shown:
        _show(path, f"{folder}{path}")
    _mount("proc", f"{folder}/proc", "proc", _NO_SUID | _NO_DEVICES | _NO_PROGRAMS)
    for name in _OF_THE_KERNEL:
        if os.path.exists(f"{folder}/proc/{name}"):  # noqa: PTH110 -- pathlib takes time to import
            _show(f"{folder}/proc/{name}", f"{folder}/proc/{name}")
    _show("/sys", f"{folder}/sys")
    _make_devices(f"{folder}/dev")
    os.chdir(folder)
    # The new root takes the place of the old one, and the old one lies on it: it is taken away.
    _check(_libc.pivot_root(b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", _DETACH), "umount")


def _make_devices(folder: str) -> None:
    _mount("tmpfs", folder, "tmpfs", _NO_SUID | _NO_PROGRAMS, "mode=755,size=1m")
    for name in _DEVICES:
        os.close(os.open(f"{folder}/{name}", os.O_CREAT))
        _mount(f"/dev/{name}", f"{folder}/{name}", flags=_BIND)
    for name, target in _LINKS.items():
        os.symlink(target, f"{folder}/{name}")  # noqa: PTH211 -- pathlib takes time to import
    os.mkdir(f"{folder}/pts")  # noqa: PTH102 -- pathlib takes time to import
    _mount("/dev/pts", f"{folder}/pts", flags=_BIND)
    os.mkdir(f"{folder}/shm")  # noqa: PTH102 -- pathlib takes time to import
    _mount("tmpfs", f"{folder}/shm", "tmpfs", _NO_SUID | _NO_DEVICES, "mode=1777")


def _show(path: str, place: str) -> None:
    """Show something of the computer, with all that is mounted there, read-only."""
    _mount(path, place, flags=_BIND | _RECURSIVE)
    attributes = _MountAttributes(set=_READ_ONLY)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    arguments = (_AT_CURRENT_FOLDER, os.fsencode(place), _AT_RECURSIVE, ctypes.byref(attributes), size)
    _check(_libc.syscall(_MOUNT_SETATTR, *arguments), f"making {place} read-only")


def _mount(source: str | None, place: str, kind: str | None = None, flags: int = 0, options: str | None = None) -> None:
    texts = [None if text is None else os.fsencode(text) for text in (source, place, kind, options)]
    done = _libc.mount(*texts[:3], ctypes.c_ulong(flags), texts[3])
    _check(done, f"mounting {source} at {place}")


def _die_with_parent() -> None:
    _check(_libc.prctl(_SET_DEATH_SIGNAL, signal.SIGKILL), "prctl")


def _check(result: int, what: str) -> None:
    if result < 0:
        sys.exit(f"{what}: {os.strerror(ctypes.get_errno())}")


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    os.write(descriptor, text.encode())
    os.close(descriptor)


def _sleep() -> None:
    os.execv("/bin/sleep", ["sleep", "infinity"])  # a smaller program than this one


if __name__ == "__main__":
    main(sys.argv[1:])
