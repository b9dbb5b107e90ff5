"""What a sandbox machine's own file system begins with: folders, links, and copies of the computer's settings."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stratuslab_libcloud.sandbox.guests.paths import resolved
from stratuslab_libcloud.sandbox.guests.view_init import OWN

ROOT_HOME = "/root"

_PACKAGE = Path(__file__).parents[3]
_SETTINGS = Path("/etc")
_MOST_FILES = 40
_MORE_FOLDERS = (
    "home",
    "run/lock",
    "var/cache",
    "var/lib",
    "var/log",
    "var/spool/cron",
    "var/spool/mail",
)
_FOR_ALL = ("tmp", "var/tmp")
_LINKS = {"var/lock": "/run/lock", "var/mail": "spool/mail", "var/run": "/run"}


class MachineRoot:
    """The folder that a machine has as its ``/``.

    :param folder: where it is on the computer; made here
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / ROOT_HOME[1:]
        self._lock = threading.Lock()
        self._is_filled = False
        folder.mkdir(mode=0o755)
        self.home.mkdir(mode=0o700)

    def fill(self) -> None:
        """Put in what a command expects; a second time does nothing.

        Only the first command on a machine or the first of its files needs this, so most machines never do.
        """
        with self._lock:
            if not self._is_filled:
                self._fill()
                self._is_filled = True

    def _fill(self) -> None:
        for name in OWN:
            (self.folder / name).mkdir(exist_ok=True)
        for name in _MORE_FOLDERS:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for name in _FOR_ALL:
            (self.folder / name).mkdir(exist_ok=True)
            (self.folder / name).chmod(0o1777)
        for name, target in {**_LINKS, **_links_at_the_top()}.items():
            (self.folder / name).symlink_to(target)
        for copy in _settings():
            copy.put_into(str(self.folder))
        (self.folder / "etc/hostname").write_text(f"{self.folder.name}\n")
        for path in shown():
            (self.folder / path[1:]).mkdir(parents=True, exist_ok=True)

    def home_of(self, user: str) -> str:
        """The home of somebody who logs in: that in ``/etc/passwd`` of a user whom the machine has added, or root's."""
        with contextlib.suppress(OSError):
            for line in (self.folder / "etc/passwd").read_text(encoding="utf-8", errors="replace").splitlines():
                name, *_, home, _ = [*line.split(":"), "", ""][:7]
                if name == user and home.startswith("/home/") and self.path(home).is_dir():
                    return home
        return ROOT_HOME

    def path(self, path: str) -> Path:
        """Where on the computer a file of the machine is."""
        return Path(os.fsdecode(resolved(os.fsencode(self.folder), os.fsencode(path))))


@functools.cache
def shown() -> Sequence[str]:
    """The folders of the computer that machines see at the same paths: programs, this Python, and large settings."""
    python = {str(Path(path).resolve()) for path in (sys.prefix, sys.base_prefix, _PACKAGE)}
    own = tuple(f"/{name}/" for name in OWN)
    return [
        *(f"/{path.name}" for path in _folders_at_the_top() if path.name not in OWN),
        *sorted(path for path in python if path.startswith(own)),
        *_large_settings(),
    ]


def _folders_at_the_top() -> Iterator[Path]:
    return (path for path in sorted(Path("/").iterdir()) if path.is_dir() and not path.is_symlink())


def _links_at_the_top() -> dict[str, str]:
    return {path.name: str(path.readlink()) for path in Path("/").iterdir() if path.is_symlink()}


@functools.cache
def _large_settings() -> Sequence[str]:
    """The folders of ``/etc`` that have so much in them that each machine would wait for a copy."""
    folders = [path for path in sorted(_SETTINGS.iterdir()) if path.is_dir() and not path.is_symlink()]
    return [str(folder) for folder in folders if sum(len(files) for _, _, files in os.walk(folder)) > _MOST_FILES]


@dataclass(frozen=True)
class _Copy:
    """A file, folder or link that each machine gets.

    :param content: of a file
    :param target: of a link
    """

    path: str
    mode: int = 0
    content: bytes | None = None
    target: str | None = None

    def put_into(self, top: str) -> None:
        place = top + self.path
        if self.target is not None:
            Path(place).symlink_to(self.target)
        elif self.content is None:
            os.mkdir(place, self.mode)  # noqa: PTH102 -- there are hundreds, and a machine waits
        else:
            descriptor = os.open(place, os.O_WRONLY | os.O_CREAT, self.mode)
            os.write(descriptor, self.content)
            os.close(descriptor)


@functools.cache
def _settings() -> Sequence[_Copy]:
    """What is copied of ``/etc``: all that can be read, kept in memory for the next machine."""
    return list(_copies_in(str(_SETTINGS)))


def _copies_in(folder: str) -> Iterator[_Copy]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.path not in _large_settings():
                yield from _copies_of(entry)


def _copies_of(entry: os.DirEntry[str]) -> Iterator[_Copy]:
    with contextlib.suppress(OSError):
        mode = entry.stat(follow_symlinks=False).st_mode & 0o777
        if entry.is_symlink() and not os.path.realpath(entry.path).startswith("/run/"):
            yield _Copy(entry.path, target=str(Path(entry.path).readlink()))
        elif entry.is_dir(follow_symlinks=False):
            yield _Copy(entry.path, mode | 0o700)
            yield from _copies_in(entry.path)
        elif entry.is_file():  # or a link to a file that a machine does not have
            yield _Copy(entry.path, mode | 0o600, Path(entry.path).read_bytes())
