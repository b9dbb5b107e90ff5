"""Making a connection within a time limit: the look-up of the host's name and all of its addresses together."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Iterable
from typing import Any

from urllib3.exceptions import LocationParseError


def connect(host: str, port: int, seconds: float, options: Iterable[tuple[Any, ...]] = ()) -> socket.socket:
    """Connect to the first address of a host that answers.

    :param seconds: for the look-up and for all addresses; each address gets an equal share of what is left
    :param options: the socket's options
    :return: the socket; its timeout is what is left of the seconds
    :raises OSError: when none answers, or not in time
    """
    deadline = time.monotonic() + seconds
    problem = OSError("the host's name has no address")
    addresses = _look_up(host.strip("[]"), port, seconds)
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        share = (deadline - time.monotonic()) / (len(addresses) - number)
        if share <= 0:
            raise TimeoutError("the time limit for making a connection is over")
        sock = socket.socket(family, kind, protocol)
        try:
            for option in options:
                sock.setsockopt(*option)
            sock.settimeout(share)
            sock.connect(address)
            sock.settimeout(max(0.001, deadline - time.monotonic()))
            return sock
        except OSError as error:
            sock.close()
            problem = error
        except BaseException:
            sock.close()
            raise
    raise problem


def _look_up(host: str, port: int, seconds: float) -> list[tuple[Any, ...]]:
    """The addresses of a host. The system's look-up has no time limit of its own, so a thread waits for it."""
    try:
        host.encode("idna")
    except UnicodeError:
        raise LocationParseError(f"'{host}', label empty or too long") from None
    answer: queue.SimpleQueue[list[tuple[Any, ...]] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answer.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
            answer.put(error)

    threading.Thread(target=ask, name="stratuslab-look-up", daemon=True).start()
    try:
        found = answer.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError("the look-up of the host's name took too long") from None
    if isinstance(found, Exception):
        raise found
    return found
