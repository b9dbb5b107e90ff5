"""Starting programs in a process that also writes files for them.

A new process has all open files until it has become another program, and what is open for writing cannot be run: "Text
file busy". A sandbox does both in one thread; the sandboxes of a process take turns.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_LOOK_SECONDS = 0.001

starting = threading.Lock()
"""Is held while a program is started."""


@asynccontextmanager
async def while_nothing_starts() -> AsyncIterator[None]:
    """Within it, no sandbox of this process starts a program but this one."""
    while not starting.acquire(blocking=False):
        await asyncio.sleep(_LOOK_SECONDS)
    try:
        yield
    finally:
        starting.release()
