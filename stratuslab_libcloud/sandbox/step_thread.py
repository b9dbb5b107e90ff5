"""The thread that carries out the steps that are due in a cloud, also without requests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from stratuslab_libcloud.sandbox.state.progress import Progress

_LONGEST_WAIT_SECONDS = 1.0


@contextmanager
def step_thread(state: Progress[Any], save: Callable[[], object], bugs: list[Exception]) -> Iterator[None]:
    """Run the thread within a ``with``.

    :param save: is called after each step, and about every second
    :param bugs: what goes wrong is added to them
    """
    stopping = threading.Event()

    def run() -> None:
        while not stopping.is_set():
            state.wait_for_next_step(longest=_LONGEST_WAIT_SECONDS)
            try:
                state.run_due_steps()
                save()
            except Exception as bug:  # noqa: BLE001 -- `Sandbox.check` raises whatever it is
                bugs.append(bug)

    thread = threading.Thread(target=run, name="sandbox clock", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        state.wake()
        thread.join()
