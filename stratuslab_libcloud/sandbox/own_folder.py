"""Where the command ``stratuslab-sandbox`` keeps its files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from platformdirs import user_state_path

_NAME = "stratuslab-sandbox"


def own_folder() -> Path:
    """A folder that only the user can read: the same one each time, or a temporary one for a user without a home.

    :raises OSError: if it cannot be made
    """
    if not Path(os.path.expanduser("~")).is_absolute():  # noqa: PTH111 -- Path's raises where there is no home
        return Path(tempfile.mkdtemp(prefix=f"{_NAME}-"))
    folder = user_state_path(_NAME)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
