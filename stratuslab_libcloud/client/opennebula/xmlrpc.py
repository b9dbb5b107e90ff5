"""XML-RPC as OpenNebula's daemon uses it: calls with strings, integers and booleans, replies ``[ok, value, code]``
(of five items today, the last of them an ``<i8>``).

The long string in a reply is passed on while it arrives: a pool of machines can have hundreds of megabytes.
"""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Iterable, Iterator
from xml.parsers import expat
from xml.sax.saxutils import escape

from stratuslab_libcloud.client.xml_stream import UnreadableDocumentError

_SCALARS = frozenset({"boolean", "string", "i4", "int", "i8", "double"})
_MAX_SCALARS = 16
_MAX_DEPTH = 32
_MAX_SCALAR_LENGTH = 1 << 20
_TEXT_BUFFER = 1 << 18

_CONTROL_CHARACTERS = {
    **dict.fromkeys([code for code in range(32) if chr(code) not in "\t\n\r"], "?"),
    **dict.fromkeys([0xFFFE, 0xFFFF], "\ufffd"),
}
_CONTROL_REFERENCE = re.compile(r"&#(?:[0-8]|1[124-9]|2\d|3[01]);")


class _DaemonError(Exception):
    """What the daemon answers instead of a value. It becomes one of the package's errors where the call is known."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


class FaultError(_DaemonError):
    """The daemon did not understand a call: an XML-RPC fault."""


class RefusalError(_DaemonError):
    """The daemon understood a call and refused it: ``[False, text, code]``, since 5.4 with more.

    :param items: how many there were
    """

    def __init__(self, code: int, text: str, items: int) -> None:
        super().__init__(code, text)
        self.items = items


Parameter = str | int | bool


def call_body(method: str, parameters: Iterable[Parameter]) -> bytes:
    """The body of a request that calls a method."""
    values = "".join(f"<param><value>{_value(p)}</value></param>" for p in parameters)
    return (
        f"<?xml version='1.0'?><methodCall><methodName>{method}</methodName><params>{values}</params></methodCall>"
    ).encode()


def _value(parameter: Parameter) -> str:
    if isinstance(parameter, bool):  # which is an int for Python, and not for the daemon
        return f"<boolean>{parameter:d}</boolean>"
    if isinstance(parameter, int):
        return f"<int>{parameter}</int>"
    escaped = escape(parameter, {"\r": "&#13;"})
    return f"<string>{escaped}</string>"


def reply_text(chunks: Iterable[bytes]) -> Iterator[str]:
    """The value of a reply, piece by piece as it arrives.

    :param chunks: the body of the answer
    :raises FaultError: when the reply is a fault
    :raises RefusalError: when the reply says that the call failed
    :raises UnreadableDocumentError: when it is neither
    """
    reader = _ReplyReader()
    for chunk in chunks:
        reader.feed(chunk)
        yield from reader.take()
    reader.close()
    yield from reader.take()


def repaired(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """A reply with ``?`` or U+FFFD for what XML in UTF-8 does not have: other bytes, control characters.

    A daemon passes on what a hypervisor or an older program said, whatever it is.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for chunk in itertools.chain(chunks, [None]):
        text = decoder.decode(chunk or b"", final=chunk is None)
        text = _CONTROL_REFERENCE.sub("?", text.translate(_CONTROL_CHARACTERS))
        yield text.encode()


class _ReplyReader:
    """Reads a reply of the daemon, which writes ``<value><string>text</string></value>``, or of a proxy before it,
    which writes ``<value>text</value>``.
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._scalars: list[str] = []
        self._text: list[str] | None = None
        self._length = 0
        self._depth = 0
        self._fault = False
        self._leaf = ""
        self._is_passing_on = False
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
        """What has arrived of the value since the last time."""
        pieces, self._pieces = self._pieces, []
        return pieces

    def close(self) -> None:
        """Check that the complete reply is a success.

        :raises FaultError, RefusalError, UnreadableDocumentError: when it is not a success
        """
        self._parse(b"", True)
        if self._fault:
            raise _fault_of(self._scalars)
        if len(self._scalars) < 2 or self._scalars[0] not in ("0", "1"):
            raise UnreadableDocumentError("it is not a reply of the form [ok, value, code]")
        if self._scalars[0] == "0":
            raise RefusalError(_integer(self._scalars[2:3]), self._scalars[1], len(self._scalars))

    def _parse(self, data: bytes, final: bool) -> None:
        try:
            self._parser.Parse(data, final)
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise UnreadableDocumentError(str(error)) from None

    def _start(self, name: str, _: dict[str, str]) -> None:
        if self._is_passing_on:
            raise UnreadableDocumentError(f"it has an element {name!r:.60} in a text")
        self._depth += 1
        if self._depth > _MAX_DEPTH:  # each open element needs memory
            raise UnreadableDocumentError("its elements are nested too deeply")
        if name == "fault":
            self._fault = True
        self._leaf = name if name == "value" or name in _SCALARS else ""
        self._text = [] if self._leaf else None
        self._length = 0

    def _end(self, name: str) -> None:
        self._depth -= 1
        if self._leaf and self._text is not None:
            if self._is_value():
                self._pieces += self._text
            self._scalars.append("".join(self._text))
            if len(self._scalars) > _MAX_SCALARS:
                raise UnreadableDocumentError("it has more values than a reply can have")
        self._leaf = ""
        self._text = None
        self._is_passing_on = False

    def _characters(self, data: str) -> None:
        if self._text is None:
            return
        if self._is_value() and (self._is_passing_on or self._begins_a_text(data)):
            self._is_passing_on = True
            self._pieces += [*self._text, data]
            self._text.clear()
            return
        self._length += len(data)
        if self._length > _MAX_SCALAR_LENGTH:
            raise UnreadableDocumentError("it has a value that is too long")
        self._text.append(data)

    def _begins_a_text(self, data: str) -> bool:
        """Whether it belongs to the value for certain: white space can also come before the element of a type."""
        return self._leaf != "value" or not data.isspace()

    def _is_value(self) -> bool:
        return not self._fault and self._scalars == ["1"]


def _refuse_doctype(*_: object) -> None:
    raise UnreadableDocumentError("it has a document type definition")


def _fault_of(scalars: list[str]) -> FaultError:
    """Both members of a fault, in either order: the code is the integer."""
    code = next((s for s in scalars if _is_integer(s)), "0")
    text = next((s for s in scalars if s is not code), "")
    return FaultError(int(code), text)


def _is_integer(text: str) -> bool:
    digits = text.strip().removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) < 12


def _integer(scalars: list[str]) -> int:
    return int(scalars[0]) if scalars and _is_integer(scalars[0]) else 0
