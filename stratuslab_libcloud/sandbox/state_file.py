"""The file in which a sandbox saves its state, so that it can be restarted."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from stratuslab_libcloud.sandbox.snapshot import VERSION, public_network, restore, snapshot
from stratuslab_libcloud.sandbox.state.errors import RefusedError
from stratuslab_libcloud.sandbox.state.state import State


class StateFile:
    """A file with the state; it is always written as a whole, and readable by its owner only.

    :raises ValueError: if the file cannot be read, is not a state file, or has no folder
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text = self._read()
        self._data = self._parse(self._text) if self._text is not None else None

    @property
    def has_state(self) -> bool:
        """Whether a state was saved."""
        return self._data is not None

    def public_network(self) -> IPv4Network | None:
        """The public network of the saved cloud; None if none was saved.

        :raises ValueError: if the file is not a state file
        """
        if self._data is None:
            return None
        with self._explain_errors():
            return public_network(self._data)

    def restore(self, state: State) -> None:
        """Fill a new cloud with the saved state.

        :raises ValueError: if the file is not a state file
        """
        if self._data is not None:
            with self._explain_errors():
                restore(state, self._data)

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Let no other sandbox use the file within a ``with``. A claim ends with the process, also if that crashes.

        :raises ValueError: if another sandbox uses the file, or has changed it since it was read here
        """
        with self._lock():
            if self._read() != self._text:
                raise ValueError(f"another sandbox has kept its state in {self._path} in the meantime")
            yield

    def write(self, state: State) -> None:
        """Save the state if it has changed since the last time.

        :raises OSError: if the file cannot be written
        """
        text = json.dumps(snapshot(state))
        if text == self._text:
            return
        descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 -- a descriptor, not a path
                file.write(text)
            os.replace(name, self._path)  # noqa: PTH105 -- `name` is a text
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        self._text = text

    @contextmanager
    def _lock(self) -> Iterator[None]:
        # The system releases the lock however the process ends. The state file itself is replaced by each write.
        try:
            file = self._path.with_name(f".{self._path.name}.lock").open("a")
        except OSError as problem:
            raise ValueError(f"the state cannot be kept in {self._path}: {problem.strerror}") from None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ValueError(f"another sandbox that is running keeps its state in {self._path}") from None
            yield

    def _read(self) -> str | None:
        try:
            return self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            if self._path.parent.is_dir():
                return None
            raise ValueError(f"there is no folder {self._path.parent} to keep a state file in") from None
        except OSError as problem:
            raise ValueError(f"the state file {self._path} cannot be read: {problem.strerror}") from None
        except UnicodeDecodeError:
            raise self._not_a_state_file() from None

    def _parse(self, text: str) -> dict[str, Any]:
        with self._explain_errors():
            data: dict[str, Any] = json.loads(text)
            if data["version"] != VERSION:
                raise ValueError("another version")
        return data

    @contextmanager
    def _explain_errors(self) -> Iterator[None]:
        try:
            yield
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError, RefusedError):
            raise self._not_a_state_file() from None

    def _not_a_state_file(self) -> ValueError:
        return ValueError(f"{self._path} is not a file that this version of the sandbox has kept its state in")
