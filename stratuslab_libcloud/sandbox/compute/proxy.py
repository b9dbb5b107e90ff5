"""How StratusLab's proxy passes on what the daemon answers, and what it says when the daemon does not answer.

The proxy is made of Apache XML-RPC 3.1. It reads the daemon's answer and writes it anew in its own layout: texts
without ``<string>``, a name space in the root element, no line breaks. When its connection to the daemon breaks, it
answers with a fault of code 0; the HTTP client in it may then have sent the call twice.
"""

from __future__ import annotations

from stratuslab_libcloud.sandbox.compute.xmlrpc import FaultError

_CHANGES = (
    (">\n<", "><"),
    ("<methodResponse>", '<methodResponse xmlns:ex="http://ws.apache.org/xmlrpc/namespaces/extensions">'),
    ("<string>", ""),
    ("</string>", ""),
    ("<int>", "<i4>"),
    ("</int>", "</i4>"),
)


def passed_on(answer: str) -> str:
    """An answer of the daemon as the proxy writes it. Markup in values is escaped, so only the layout changes."""
    for old, new in _CHANGES:
        answer = answer.replace(old, new)
    return answer.rstrip("\n")


def fault(text: str) -> str:
    """What the proxy says of itself, and not the daemon."""
    return passed_on(FaultError(0, text).as_answer())


DAEMON_IS_DOWN = fault("Failed to read server's response: Connection refused")
CONNECTION_BROKE = fault("Failed to create input stream: Unexpected end of file from server")
