"""How the commands of a machine are kept from changing the computer: as well as this computer can.

Where Linux lets this user make name spaces, a machine has a view of its own (`PrivateView`): its commands see its own
``/etc``, ``/root``, ``/tmp`` and so on, are root there, and change nothing else, even if root runs the sandbox.
Elsewhere they see the computer, and absolute paths are refused (`OwnFolder`): by Landlock, or where there is none by
the permissions of the user; root's commands are not run there at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from stratuslab_libcloud.sandbox.guests import view_init, write_protection
from stratuslab_libcloud.sandbox.guests.machine_files import MachineFiles
from stratuslab_libcloud.sandbox.guests.machine_root import ROOT_HOME, MachineRoot, shown
from stratuslab_libcloud.sandbox.guests.starting import while_nothing_starts

if TYPE_CHECKING:
    from asyncssh.channel import SSHChannel

_log = logging.getLogger(__name__)

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_STAND_INS_FOLDER = "/sandbox/bin"
_ONE_USER = "#!/bin/sh\n# For the computer that it runs on, all users of this machine are the same one.\nexit 0\n"
_SERVICE = """#!/bin/sh
# No service runs on this machine but SSH, which is the sandbox's.
case "$1" in ssh|sshd) exit 0;; esac
echo "$1: unrecognized service" >&2
exit 1
"""
STAND_INS = {"service": _SERVICE}
"""Commands of each machine, by their names, for what it has only in part."""

OF_ONE_USER = {"chgrp": _ONE_USER, "chown": _ONE_USER}
"""Further ones where a machine's users cannot be different ones."""
_AT_HOME = 'cd "$HOME" && exec "$@"'
_PYTHON = (sys.executable, "-I", "-S")
_NO_ROOT = (
    "the sandbox runs as root on a computer that it could not keep unchanged: it permits neither name spaces nor "
    "Landlock; run the sandbox as an ordinary user"
)


class CannotRunError(Exception):
    """A command is not run, for this reason."""


class Confinement(Protocol):
    """What keeps one machine's commands and files apart from the computer's.

    :ivar root: has the machine's files
    """

    root: MachineRoot

    async def words(self, words: Sequence[str], *, terminal: str | None) -> Sequence[str]:
        """The words that run a command there.

        :param terminal: the computer's name of the terminal that it is to have; None for none
        :raises CannotRunError: if it cannot be run
        """

    def environment(self, user: str) -> Mapping[str, str]:
        """The variables of a user's commands."""

    def files(self, channel: SSHChannel[bytes]) -> MachineFiles:
        """The machine's files, for SFTP."""

    async def end(self) -> None:
        """End all that still runs there."""


class PrivateView:
    """A machine with a view of its own; see `view_init`."""

    def __init__(self, root: MachineRoot) -> None:
        self.root = root
        self._lock = asyncio.Lock()
        self._has_ended = False
        self._keeper: asyncio.subprocess.Process | None = None
        self._first_process = ""

    async def words(self, words: Sequence[str], *, terminal: str | None) -> Sequence[str]:
        """The words that enter the view."""
        async with self._lock:
            if self._has_ended:
                raise CannotRunError("the machine has ended")
            if self._keeper is None:
                await self._begin()
        enter = ["nsenter", f"--target={self._first_process}", "--user", "--mount", "--pid", "--ipc", "--uts"]
        # A session of its own there: else Ctrl-C would end nsenter, and the command go on.
        session = ["setsid", "--ctty"] if terminal else []
        return [*enter, "--preserve-credentials", *session, "/bin/sh", "-c", _AT_HOME, "sh", *words]

    def environment(self, user: str) -> Mapping[str, str]:
        """As on a machine of a cloud."""
        return {"HOME": self.root.home_of(user), "PATH": f"{_STAND_INS_FOLDER}:{_PATH}"}

    def files(self, channel: SSHChannel[bytes]) -> MachineFiles:
        """All files but those that the machine has from the computer."""
        self.root.fill()
        return MachineFiles(
            channel,
            top=str(self.root.folder),
            home=self.root.home_of(channel.get_extra_info("username")),
            only=["/"],
            never=["/dev", "/proc", "/sys", *shown()],
            refusal="files of this sandbox machine are in the folders of its own",
        )

    async def end(self) -> None:
        """End all that still runs there."""
        async with self._lock:
            self._has_ended = True
            if self._keeper is not None:
                with contextlib.suppress(ProcessLookupError):
                    self._keeper.kill()
                await self._keeper.communicate()  # until all processes there have ended

    async def _begin(self) -> None:
        await asyncio.to_thread(self._fill)
        arguments = [view_init.__file__, str(self.root.folder), self.root.folder.name, ROOT_HOME, *shown()]
        pipe = asyncio.subprocess.PIPE
        nothing = asyncio.subprocess.DEVNULL
        async with while_nothing_starts():
            keeper = await asyncio.create_subprocess_exec(
                *_PYTHON, *arguments, stdin=nothing, stdout=pipe, stderr=pipe, start_new_session=True
            )
        assert keeper.stdout is not None
        self._first_process = (await keeper.stdout.readline()).decode().strip()
        if not self._first_process:
            _, errors = await keeper.communicate()
            problem = errors.decode(errors="replace").strip()
            raise CannotRunError(f"the machine has no private view of this computer: {problem}")
        self._keeper = keeper

    def _fill(self) -> None:
        self.root.fill()
        folder = self.root.folder / _STAND_INS_FOLDER[1:]
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in {**STAND_INS, **({} if _has_all_users() else OF_ONE_USER)}.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)


class OwnFolder:
    """A machine whose commands see the computer, and change nothing but what is in the machine's folder."""

    def __init__(self, root: MachineRoot) -> None:
        self.root = root

    async def words(self, words: Sequence[str], *, terminal: str | None) -> Sequence[str]:
        """The words that protect the computer, as far as it has something for that.

        :raises CannotRunError: if it has nothing
        """
        inner = ["/bin/sh", "-c", _AT_HOME, "sh", *words]
        if write_protection.version() > 0:
            inner = [*_PYTHON, write_protection.__file__, str(self.root.folder), *inner]
        elif os.getuid() == 0:
            raise CannotRunError(_NO_ROOT)
        return [*_ON_TERMINAL, terminal, *inner] if terminal else inner

    def environment(self, user: str) -> Mapping[str, str]:
        """With folders that may be written in."""
        self.root.home.joinpath("tmp").mkdir(exist_ok=True)
        return {"HOME": str(self.root.home), "PATH": _PATH, "TMPDIR": str(self.root.home / "tmp")}

    def files(self, channel: SSHChannel[bytes]) -> MachineFiles:
        """The files in the machine's home, at the computer's paths."""
        home = str(self.root.home.resolve())
        refusal = f"files of this sandbox machine are in {home}"
        return MachineFiles(channel, top="/", home=home, only=[home], never=[], refusal=refusal)

    async def end(self) -> None:
        """Nothing is left: the shell ends its processes itself."""


# The leader of a session takes the first terminal that it opens as its own; only then does Ctrl-C arrive.
_ON_TERMINAL = ("/bin/sh", "-c", 'exec "$@" <"$0" >"$0" 2>&1')


def _has_all_users() -> bool:
    """Whether a machine's users can be different ones: only root may say so."""
    return os.getuid() == 0


async def best_confinement() -> Callable[[MachineRoot], Confinement]:
    """What this computer permits. Asked once a process, by trying it."""
    global _best
    if _best is None:
        problem = await _problem_of_views()
        _best = OwnFolder if problem else PrivateView
        if problem:
            _log.warning("machines have no private view of this computer, so absolute paths are refused: %s", problem)
    return _best


_best: Callable[[MachineRoot], Confinement] | None = None


async def _problem_of_views() -> str:
    """Why a machine cannot have a view of its own; empty if it can."""
    if not sys.platform.startswith("linux"):
        return f"{sys.platform} has no name spaces"
    missing = [program for program in ("nsenter", "setsid") if not shutil.which(program)]
    if missing:
        return f"{missing[0]} is not installed"
    with tempfile.TemporaryDirectory(prefix="stratuslab-sandbox-") as folder:
        view = PrivateView(MachineRoot(Path(folder).resolve() / "trial"))
        try:
            words = await view.words(["true"], terminal=None)
            return await _output_of([*words], view.environment("root"))
        except CannotRunError as problem:
            return str(problem)
        finally:
            await view.end()


async def _output_of(words: Sequence[str], environment: Mapping[str, str]) -> str:
    """What a command prints, or that it fails."""
    async with while_nothing_starts():
        process = await asyncio.create_subprocess_exec(
            *words, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
    output, _ = await process.communicate()
    return output.decode(errors="replace").strip() or ("" if process.returncode == 0 else "nsenter fails")
