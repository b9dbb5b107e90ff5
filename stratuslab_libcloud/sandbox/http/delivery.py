"""How an answer is sent to a client, or is not."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Callable
from io import BufferedIOBase

from stratuslab_libcloud.sandbox.http.fault import Fault, FaultKind

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

    :param stopping: is set when the server stops, so that nothing waits any longer
    :param refuse_connections: makes the server refuse connections for that many seconds
    """

    def __init__(
        self,
        connection: socket.socket,
        reader: BufferedIOBase,
        writer: BufferedIOBase,
        stopping: threading.Event,
        refuse_connections: Callable[[float], None],
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._writer = writer
        self._stopping = stopping
        self._refuse_connections = refuse_connections

    def send(self, answer: bytes, fault: Fault | None) -> bool:
        """Send as much of an answer as the fault permits; False if the connection cannot be used any more."""
        kind = None if fault is None else fault.kind
        seconds = 0.0 if fault is None else fault.seconds
        if kind in (FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER):
            reset(self._connection)
        elif kind == FaultKind.REFUSE:
            self._refuse_connections(seconds)
            reset(self._connection)
        elif kind in (FaultKind.NO_ANSWER, FaultKind.NO_ANSWER_AFTER):
            self._wait_for_client_to_close()
        elif kind == FaultKind.CUT:
            self._write(answer[: len(answer) // 2])
            self._break()
        elif kind == FaultKind.DRIP:
            self._drip(answer, seconds)
        else:
            if kind == FaultKind.DELAY:
                self._stopping.wait(seconds)
            self._write(answer)
            return True
        return False

    def _write(self, data: bytes) -> None:
        self._writer.write(data)
        self._writer.flush()

    def _drip(self, answer: bytes, seconds: float) -> None:
        for position in range(len(answer)):
            self._write(answer[position : position + 1])
            if self._stopping.wait(seconds):
                return

    def _break(self) -> None:
        """End the connection as one that is lost: with TLS, without a word."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def _wait_for_client_to_close(self) -> None:
        with contextlib.suppress(OSError):
            while self._reader.read(1):
                pass


def is_silent(fault: Fault | None) -> bool:
    """Whether the client gets no byte at all."""
    return fault is not None and fault.kind in _NOTHING_IS_SENT


def reset(connection: socket.socket) -> None:
    """End a connection with a TCP reset, at once."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_ONCE)
        # Closing the socket object would wait for the files made of it, and would end the connection properly.
        os.close(connection.detach())
