"""The SSH agent, which is neither trusted to answer nor to answer with sense.

The protocol is the one of OpenSSH's agent, draft-miller-ssh-agent.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from typing import Protocol

import paramiko
from paramiko.agent import get_agent_connection

LISTING_SECONDS = 5.0
SIGNING_SECONDS = 30.0
"""Long enough for a person who has to confirm it."""

_LARGEST_ANSWER = 256 * 1024
_SMALLEST_ENTRY = 8

_REQUEST_IDENTITIES, _IDENTITIES_ANSWER = b"\x0b", 12
_SIGN_REQUEST, _SIGN_RESPONSE = b"\x0d", 14
_FLAGS = {"rsa-sha2-256": 2, "rsa-sha2-512": 4}


class AgentError(Exception):
    """The agent does not answer, or not with what was asked for."""


class _Connection(Protocol):
    def send(self, data: bytes, /) -> object: ...
    def recv(self, size: int, /) -> bytes: ...
    def close(self) -> object: ...


class Agent:
    """A connection to the user's SSH agent. On Windows, no time limit can be set on it."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._failure = ""

    @classmethod
    def connect(cls) -> Agent | None:
        """Connect to the agent of the environment; None where there is none."""
        connection = get_agent_connection() if sys.platform == "win32" else _unix_connection()
        return cls(connection) if connection else None

    def public_keys(self) -> list[bytes]:
        """The public halves of the keys that it holds.

        :raises AgentError: it does not tell
        """
        answer = self._ask(_REQUEST_IDENTITIES, _IDENTITIES_ANSWER, LISTING_SECONDS)
        count = min(answer.get_int(), len(answer.asbytes()) // _SMALLEST_ENTRY)
        return [(answer.get_binary(), answer.get_binary())[0] for _ in range(count)]

    def sign(self, public_key: bytes, data: bytes, algorithm: str | None) -> bytes:
        """Have something signed.

        :param algorithm: for an RSA key, by which
        :raises AgentError: it does not sign
        """
        request = paramiko.Message()
        request.add_bytes(_SIGN_REQUEST)
        request.add_string(public_key)
        request.add_string(data)
        request.add_int(_FLAGS.get(algorithm or "", 0))
        return self._ask(request.asbytes(), _SIGN_RESPONSE, SIGNING_SECONDS).get_binary()

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _ask(self, request: bytes, expected: int, seconds: float) -> paramiko.Message:
        if self._failure:
            raise AgentError(self._failure)
        try:
            answer = self._exchange(request, time.monotonic() + seconds)
        except (OSError, EOFError) as error:
            self._failure = f"the SSH agent gave no answer{_reason(error, seconds)}"
            self.close()  # what arrives later would be taken for the answer to something else
            raise AgentError(self._failure) from error
        if answer[0] != expected:
            raise AgentError("the SSH agent refuses to answer")
        return paramiko.Message(answer[1:])

    def _exchange(self, request: bytes, deadline: float) -> bytes:
        self._limit(deadline)
        self._connection.send(len(request).to_bytes(4, "big") + request)
        size = int.from_bytes(self._receive(4, deadline), "big")
        if not 0 < size <= _LARGEST_ANSWER:
            raise EOFError("what it sent is none")
        return self._receive(size, deadline)

    def _receive(self, size: int, deadline: float) -> bytes:
        received = b""
        while len(received) < size:
            self._limit(deadline)
            piece = self._connection.recv(size - len(received))
            if not piece:
                raise EOFError("it ended the connection")
            received += piece
        return received

    def _limit(self, deadline: float) -> None:
        if isinstance(self._connection, socket.socket):
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError
            self._connection.settimeout(remaining)


class AgentKey(paramiko.PKey):
    """A key whose private half stays in an agent.

    :param kind: the name of its algorithm
    :param blob: its public half
    """

    public_blob = None

    def __init__(self, agent: Agent, kind: str, blob: bytes) -> None:
        self._agent = agent
        self._kind = kind
        self._blob = blob

    def asbytes(self) -> bytes:
        """Its public half."""
        return self._blob

    def get_name(self) -> str:
        """The name of its algorithm."""
        return self._kind

    def can_sign(self) -> bool:
        """True."""
        return True

    def sign_ssh_data(self, data: bytes, algorithm: str | None = None) -> bytes:  # type: ignore[override]  # bytes, as of paramiko's own agent keys
        """Have the agent sign.

        :raises paramiko.AuthenticationException: it does not
        """
        try:
            return self._agent.sign(self._blob, data, algorithm)
        except AgentError as error:
            raise paramiko.AuthenticationException(str(error)) from error


def _reason(error: OSError | EOFError, seconds: float) -> str:
    if isinstance(error, TimeoutError):
        return f" within {seconds:g} seconds"
    return f": {(error.strerror if isinstance(error, OSError) else None) or error}"


def _unix_connection() -> socket.socket | None:
    path = os.environ.get("SSH_AUTH_SOCK")
    if not path:
        return None
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(LISTING_SECONDS)
    try:
        connection.connect(path)
    except OSError:  # the agent of a session that has ended
        connection.close()
        return None
    return connection
