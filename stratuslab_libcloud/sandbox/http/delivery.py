"""How an answer gets to a client, or does not."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Callable
from io import BufferedIOBase

from stratuslab_libcloud.sandbox.http.faults import Fault, FaultKind

_RESET_AT_ONCE = struct.pack("ii", 1, 0)
_NOTHING_IS_SENT = {
    FaultKind.NO_ANSWER,
    FaultKind.NO_ANSWER_AFTER,
    FaultKind.RESET_BEFORE,
    FaultKind.RESET_AFTER,
    FaultKind.REFUSE,
}


class Delivery:
    """Sends answers over one connection.

    :param ending: set when the server ends, so that nothing waits any longer
    :param go_away: makes the server refuse connections for so many seconds
    """

    def __init__(
        self,
        connection: socket.socket,
        reader: BufferedIOBase,
        writer: BufferedIOBase,
        ending: threading.Event,
        go_away: Callable[[float], None],
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._writer = writer
        self._ending = ending
        self._go_away = go_away

    def send(self, answer: bytes, fault: Fault | None) -> bool:
        """Send an answer as far as the fault permits; False if the connection is of no use afterwards."""
        kind = None if fault is None else fault.kind
        seconds = 0.0 if fault is None else fault.seconds
        if kind in (FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER):
            reset(self._connection)
        elif kind == FaultKind.REFUSE:
            self._go_away(seconds)
            reset(self._connection)
        elif kind in (FaultKind.NO_ANSWER, FaultKind.NO_ANSWER_AFTER):
            self._outwait_client()
        elif kind == FaultKind.CUT:
            self._write(answer[: len(answer) // 2])
        elif kind == FaultKind.DRIP:
            self._drip(answer, seconds)
        else:
            if kind == FaultKind.DELAY:
                self._ending.wait(seconds)
            self._write(answer)
            return True
        return False

    def _write(self, data: bytes) -> None:
        self._writer.write(data)
        self._writer.flush()

    def _drip(self, answer: bytes, seconds: float) -> None:
        for position in range(len(answer)):
            self._write(answer[position : position + 1])
            if self._ending.wait(seconds):
                return

    def _outwait_client(self) -> None:
        with contextlib.suppress(OSError):
            while self._reader.read(1):
                pass


def is_silent(fault: Fault | None) -> bool:
    """Whether the client gets not a single byte."""
    return fault is not None and fault.kind in _NOTHING_IS_SENT


def reset(connection: socket.socket) -> None:
    """End a connection with a TCP reset, at once."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_ONCE)
        # Closing the socket object would wait for the files made of it, and say good-bye first.
        os.close(connection.detach())
