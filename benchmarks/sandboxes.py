"""Sandboxes in a process of their own, so that they do not share an interpreter with what is measured.

As a program: ``python -m benchmarks.sandboxes FOLDER SECONDS...`` runs one for each time that machines take to boot,
until its input ends; it prints a line when all are there.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from stratuslab_libcloud.sandbox import Sandbox


@contextmanager
def sandboxes(*boot_seconds: float) -> Iterator[list[Path]]:
    """The configuration files of sandboxes that run, one for each time."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.sandboxes", folder, *map(str, boot_seconds)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            yield [_config(Path(folder), place) for place in range(len(boot_seconds))]
            process.communicate()


def _config(folder: Path, place: int) -> Path:
    return folder / f"{place}.cfg"


def main(folder: Path, boot_seconds: Sequence[float]) -> None:
    """Run them."""
    with ExitStack() as running:
        for place, seconds in enumerate(boot_seconds):
            running.enter_context(Sandbox(boot_seconds=seconds)).write_config(_config(folder, place))
        print("ready", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]), [float(seconds) for seconds in sys.argv[2:]])
