"""XML-RPC calls and answers, in the layout that OpenNebula's library gives them."""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Sequence
from typing import Any, TypeVar
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape

_PARSE_ERROR = -503
_LAST_OF_THE_BASIC_PLANE = "\uffff"
_T = TypeVar("_T")


class Escaped(str):
    """Text that is already escaped for XML: large listings are kept that way."""

    __slots__ = ()


class Long(int):
    """A number of 64 bits."""


class FaultError(Exception):
    """The call is not XML-RPC, or does not fit the method."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    def as_answer(self, integer: str = "int") -> str:
        """The answer with this fault.

        :param integer: the element that integers are in
        """
        return response(
            "<fault>\n<value><struct>\n"
            f"<member><name>faultCode</name>\n<value><{integer}>{self.code}</{integer}></value></member>\n"
            f"<member><name>faultString</name>\n<value><string>{escape(self.text)}</string></value></member>\n"
            "</struct></value>\n</fault>"
        )


def parse_call(body: bytes) -> tuple[str, Sequence[Any]]:
    """The method's name and the parameters.

    :raises FaultError: if it is not an XML-RPC call
    """
    try:
        values, method = xmlrpc.client.loads(body)
    except ExpatError as error:
        raise FaultError(_PARSE_ERROR, f"Call is not valid XML.  XML parsing failed: {error}") from None
    except (xmlrpc.client.Error, ValueError, TypeError, LookupError, ArithmeticError):
        raise FaultError(_PARSE_ERROR, "Call is not a proper XML-RPC call.") from None
    if method is None:
        raise FaultError(_PARSE_ERROR, "Call is not a proper XML-RPC call.")
    if any(isinstance(value, str) and max(value, default="") > _LAST_OF_THE_BASIC_PLANE for value in values):
        raise FaultError(_PARSE_ERROR, "Call has a character that is not in the Basic Multilingual Plane.")
    return method, values


class Parameters:
    """A call's parameters after the session, taken one by one as `oned` does."""

    def __init__(self, values: Sequence[Any]) -> None:
        self._values = list(values)
        self._next = 0

    def __len__(self) -> int:
        return len(self._values)

    def text(self, default: str | None = None) -> str:
        """The next one, which is a text.

        :param default: if there are no more; there must be one if there is none
        :raises FaultError: if it is missing, or something else; likewise the others
        """
        return self._take(str, "a string", default)

    def number(self, default: int | None = None) -> int:
        """The next one, which is a number."""
        return self._take(int, "integer", default)

    def boolean(self, default: bool | None = None) -> bool:
        """The next one, which is true or false."""
        return self._take(bool, "boolean", default)

    def numbers(self) -> Sequence[int]:
        """The next one, which is an array of numbers; none if there are no more."""
        return self._take(list, "an array", []) or []

    def _take(self, kind: type[_T], name: str, default: _T | None) -> _T:
        if self._next >= len(self._values):
            if default is None:
                raise FaultError(-501, "Not enough parameters")
            return default
        value = self._values[self._next]
        self._next += 1
        if type(value) is not kind:
            raise FaultError(-501, f"Parameter that is supposed to be {name} is not")
        return value


def success(value: str | int) -> str:
    """``[true, value, 0]``"""
    return array(True, value, 0)


def failure(message: str, code: int) -> str:
    """``[false, message, code]``"""
    return array(False, message, code)


def array(*items: str | int) -> str:
    """An answer whose only value is an array of these."""
    values = "".join(f"<value>{_scalar(item)}</value>\n" for item in items)
    return response(f"<params>\n<param><value><array><data>\n{values}</data></array></value></param>\n</params>")


def _scalar(value: str | int) -> str:
    if isinstance(value, bool):
        return f"<boolean>{value:d}</boolean>"
    if isinstance(value, Long):
        return f"<i8>{value}</i8>"
    if isinstance(value, int):
        return f"<i4>{value}</i4>"
    return f"<string>{value if isinstance(value, Escaped) else escape(value)}</string>"


def response(content: str) -> str:
    """An answer with this content in its root element."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<methodResponse>\n{content}\n</methodResponse>\n'
