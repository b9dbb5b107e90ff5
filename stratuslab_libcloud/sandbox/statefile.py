"""A file that a sandbox's state survives a restart in."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from .state import State
from .state.snapshot import VERSION, snapshot


class StateFile:
    """Where the state is kept; written whole or not at all, and readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = ""

    def read(self) -> dict[str, Any] | None:
        """What was kept; None if nothing was.

        :raises ValueError: if the file is something else
        """
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        try:
            data = json.loads(text)
        except ValueError:
            data = None
        if not isinstance(data, dict) or data.get("version") != VERSION:
            raise ValueError(f"{self._path} is not a file that this version of the sandbox has kept its state in.")
        return data

    def write(self, state: State) -> None:
        """Keep the state if it has changed since the last time."""
        text = json.dumps(snapshot(state))
        if text == self._written:
            return
        descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 -- a descriptor, not a path
                file.write(text)
            os.replace(name, self._path)  # noqa: PTH105 -- `name` is a text
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        self._written = text
