"""A machine's files over SFTP, at the same paths as for its commands."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import asyncssh

from stratuslab_libcloud.sandbox.guests.paths import resolved
from stratuslab_libcloud.sandbox.guests.starting import while_nothing_starts

if TYPE_CHECKING:
    from asyncssh.channel import SSHChannel


class MachineFiles(asyncssh.SFTPServer):
    """The files of one machine.

    :param top: the folder that is ``/`` for the client
    :param home: where relative paths begin, as the client sees it
    :param only: folders outside of which nothing is served, as the client sees them
    :param never: folders within those of which nothing is served
    :param refusal: what is said of other files
    """

    def __init__(
        self,
        channel: SSHChannel[bytes],
        *,
        top: str,
        home: str,
        only: Sequence[str],
        never: Sequence[str],
        refusal: str,
    ) -> None:
        super().__init__(cast("asyncssh.SSHServerChannel[bytes]", channel))  # as this is a server
        self._top = os.fsencode(top).rstrip(b"/")
        self._home = os.fsencode(home)
        self._only = [os.fsencode(folder) for folder in only]
        self._never = [os.fsencode(folder) for folder in never]
        self._refusal = refusal

    def map_path(self, path: bytes) -> bytes:
        """The file of the computer to which a client's path leads, which is relative to the home or absolute.

        :raises asyncssh.SFTPPermissionDenied: if it is none of the machine's own
        """
        return self._checked(resolved(self._top, self._absolute(path)), path)

    def reverse_map_path(self, path: bytes) -> bytes:
        """The path for the client of a file of the computer."""
        return path[len(self._top) :] or b"/"

    async def close(self, file_obj: object) -> None:
        """Close a file. Afterwards it can be run: no process that is just starting has it open either."""
        super().close(file_obj)
        async with while_nothing_starts():
            pass

    # What is done to a link itself, and not to what it leads to

    def lstat(self, path: bytes) -> os.stat_result:
        """The attributes of a file or link."""
        return os.lstat(self._entry(path))

    def remove(self, path: bytes) -> None:
        """Remove a file or link."""
        os.remove(self._entry(path))  # noqa: PTH107 -- pathlib has no paths of bytes

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename a file or link, unless there is one of the new name."""
        new = self._entry(newpath)
        if os.path.lexists(new):
            raise asyncssh.SFTPFailure("there is a file of that name already")
        os.rename(self._entry(oldpath), new)  # noqa: PTH104 -- pathlib has no paths of bytes

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename a file or link; one of the new name is replaced."""
        os.replace(self._entry(oldpath), self._entry(newpath))  # noqa: PTH105 -- pathlib has no paths of bytes

    def readlink(self, path: bytes) -> bytes:
        """What a link says."""
        return os.readlink(self._entry(path))  # noqa: PTH115 -- pathlib has no paths of bytes

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        """Make a link that says anything: it is looked at where it leads to when somebody follows it."""
        os.symlink(oldpath, self._entry(newpath))  # noqa: PTH211 -- pathlib has no paths of bytes

    def exit(self) -> None:
        """End the session."""
        # For OpenSSH's scp, a session without an exit status has failed.
        self.channel.exit(0)

    def _entry(self, path: bytes) -> bytes:
        folder, _, name = self._absolute(path).rstrip(b"/").rpartition(b"/")
        if name == b"..":
            # A listing of the home includes it: where it is none of the machine's, it is the home itself.
            name = b""
        if name in (b"", b"."):
            return self.map_path(folder or b"/")
        return self._checked(self.map_path(folder or b"/") + b"/" + name, path)

    def _checked(self, real: bytes, path: bytes) -> bytes:
        seen = self.reverse_map_path(real)
        if not _is_in(self._only, seen) or _is_in(self._never, seen):
            raise asyncssh.SFTPPermissionDenied(f"{self._refusal}, not at {os.fsdecode(path)}")
        return real

    def _absolute(self, path: bytes) -> bytes:
        return os.path.join(self._home, path)  # noqa: PTH118 -- pathlib has no paths of bytes


def _is_in(folders: Sequence[bytes], path: bytes) -> bool:
    return any(path == folder or path.startswith(folder.rstrip(b"/") + b"/") for folder in folders)
