"""A terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys


def at_a_terminal(program: str, columns: int, **environment: str) -> str:
    """What a program writes on a terminal of so many columns."""
    primary, secondary = pty.openpty()
    environment = {"TERM": "xterm-256color", "COLUMNS": str(columns), **environment}
    inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.DEVNULL, stdout=secondary, stderr=secondary,
        env={**inherited, **environment},
    ) as process:  # fmt: skip
        os.close(secondary)
        output = b""
        while True:
            try:
                part = os.read(primary, 65536)
            except OSError:  # which is how Linux says that the other end is closed
                break
            if not part:
                break
            output += part
        assert process.wait() == 0, output
    os.close(primary)
    return output.decode()
