"""Names of hosts by their addresses, which are asked of the resolver at the same time, and not for long."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable

SECONDS = 5.0
_THREADS = 16


def names_of(addresses: Iterable[str], seconds: float = SECONDS) -> dict[str, str]:
    """The host's name for each address that has one.

    :param seconds: what all of it may take; addresses that the resolver has not found then have no name
    """
    waiting = list(dict.fromkeys(addresses))[::-1]
    found: dict[str, str] = {}
    end = time.monotonic() + seconds

    def look_up() -> None:
        while waiting and time.monotonic() < end:
            try:
                address = waiting.pop()
            except IndexError:  # another thread has taken the last one
                return
            try:
                found[address] = socket.gethostbyaddr(address)[0]
            except (OSError, UnicodeError):
                continue

    threads = [threading.Thread(target=look_up, daemon=True) for _ in range(min(_THREADS, len(waiting)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return dict(found)
