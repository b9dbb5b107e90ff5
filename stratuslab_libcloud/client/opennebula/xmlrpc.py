"""XML-RPC as OpenNebula's daemon speaks it: calls of strings and integers, replies of ``[ok, value, code]``.

The one long string of a reply is handed on while it arrives: a pool of machines can be hundreds of megabytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.parsers import expat
from xml.sax.saxutils import escape

from stratuslab_libcloud.client.xml_stream import NotReadable

_SCALARS = frozenset({"boolean", "string", "i4", "int", "i8", "double"})
_MOST_SCALARS = 16
_LONGEST_SCALAR = 1 << 20
_TEXT_BUFFER = 1 << 18


class _Said(Exception):  # noqa: N818 - becomes one of the package's errors where the call is known
    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


class Fault(_Said):
    """The daemon could not make sense of a call."""


class Refusal(_Said):
    """The daemon made sense of a call and said no."""


def call_body(method: str, parameters: Iterable[str | int]) -> bytes:
    """The body of a request that calls a method."""
    values = "".join(f"<param><value>{_value(p)}</value></param>" for p in parameters)
    return (
        f"<?xml version='1.0'?><methodCall><methodName>{method}</methodName><params>{values}</params></methodCall>"
    ).encode()


def _value(parameter: str | int) -> str:
    if isinstance(parameter, int):
        return f"<int>{parameter}</int>"
    escaped = escape(parameter, {"\r": "&#13;"})
    return f"<string>{escaped}</string>"


def reply_text(chunks: Iterable[bytes]) -> Iterator[str]:
    """The value of a reply, piece by piece as it arrives.

    :param chunks: the body of the answer
    :raises Fault: when the reply is a fault
    :raises Refusal: when the reply says that the call failed
    :raises NotReadable: when it is neither
    """
    reader = _ReplyReader()
    for chunk in chunks:
        reader.feed(chunk)
        yield from reader.take()
    reader.close()
    yield from reader.take()


class _ReplyReader:
    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._scalars: list[str] = []
        self._text: list[str] | None = None
        self._length = 0
        self._fault = False
        self._leaf = ""
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.buffer_size = _TEXT_BUFFER
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = _refuse_doctype

    def feed(self, chunk: bytes) -> None:
        self._parse(chunk, False)

    def take(self) -> list[str]:
        """What has come of the value since the last time."""
        pieces, self._pieces = self._pieces, []
        return pieces

    def close(self) -> None:
        """Say what the complete reply means.

        :raises Fault, Refusal, NotReadable: when it is not a success
        """
        self._parse(b"", True)
        if self._fault:
            raise _fault_of(self._scalars)
        if len(self._scalars) < 2 or self._scalars[0] not in ("0", "1"):
            raise NotReadable("it is not a reply of the form [ok, value, code]")
        if self._scalars[0] == "0":
            raise Refusal(_integer(self._scalars[2:3]), self._scalars[1])

    def _parse(self, data: bytes, final: bool) -> None:
        try:
            self._parser.Parse(data, final)
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise NotReadable(str(error)) from error

    def _start(self, name: str, _: dict[str, str]) -> None:
        if name == "fault":
            self._fault = True
        self._leaf = name if name == "value" or name in _SCALARS else ""
        self._text = [] if self._leaf else None
        self._length = 0

    def _end(self, name: str) -> None:
        if self._leaf and self._text is not None:
            if self._is_value():
                self._pieces += self._text
            self._scalars.append("".join(self._text))
            if len(self._scalars) > _MOST_SCALARS:
                raise NotReadable("it has more values than a reply")
        self._leaf = ""
        self._text = None

    def _characters(self, data: str) -> None:
        if self._text is None:
            return
        if self._is_value() and self._leaf != "value":
            self._pieces.append(data)
            return
        self._length += len(data)
        if self._length > _LONGEST_SCALAR:
            raise NotReadable("it has a value that is too long")
        self._text.append(data)

    def _is_value(self) -> bool:
        return not self._fault and self._scalars == ["1"]


def _refuse_doctype(*_: object) -> None:
    raise NotReadable("it has a document type definition")


def _fault_of(scalars: list[str]) -> Fault:
    """Both members of a fault, whichever comes first: the code is the integer."""
    code = next((s for s in scalars if _is_integer(s)), "0")
    text = next((s for s in scalars if s is not code), "")
    return Fault(int(code), text)


def _is_integer(text: str) -> bool:
    digits = text.strip().removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) < 12


def _integer(scalars: list[str]) -> int:
    return int(scalars[0]) if scalars and _is_integer(scalars[0]) else 0
