"""XML-RPC calls and answers, in the layout that OpenNebula's library gives them."""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Sequence
from typing import Any
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape

_PARSE_ERROR = -503
_LAST_OF_THE_BASIC_PLANE = "\uffff"


class Escaped(str):
    """Text that is already escaped for XML: large listings are kept that way."""

    __slots__ = ()


class FaultError(Exception):
    """The call is not XML-RPC, or does not fit the method."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    def as_answer(self) -> str:
        """The answer with this fault."""
        return response(
            "<fault>\n<value><struct>\n"
            f"<member><name>faultCode</name>\n<value><int>{self.code}</int></value></member>\n"
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


def success(value: str | int) -> str:
    """``[true, value, 0]``"""
    return _array(True, value, 0)


def failure(message: str, code: int) -> str:
    """``[false, message, code]``"""
    return _array(False, message, code)


def _array(is_success: bool, value: str | int, code: int) -> str:
    return response(
        "<params>\n<param><value><array><data>\n"
        f"<value><boolean>{is_success:d}</boolean></value>\n"
        f"<value>{_scalar(value)}</value>\n"
        f"<value><i4>{code}</i4></value>\n"
        "</data></array></value></param>\n</params>"
    )


def _scalar(value: str | int) -> str:
    if isinstance(value, int):
        return f"<i4>{value}</i4>"
    return f"<string>{value if isinstance(value, Escaped) else escape(value)}</string>"


def response(content: str) -> str:
    """An answer with this content in its root element."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<methodResponse>\n{content}\n</methodResponse>\n'
