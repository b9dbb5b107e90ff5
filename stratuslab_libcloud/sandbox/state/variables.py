"""The variables in CONTEXT and REQUIREMENTS, which OpenNebula 3.2 replaces when a machine is created.

``$NAME`` becomes the template's attribute of that name, ``$NIC[IP]`` a value of the first attribute in brackets of that
name, ``$NETWORK[GATEWAY, NETWORK="public"]`` an attribute of a network that the machine is on. What there is not
becomes nothing. A ``$`` that begins none of these is an error: nothing escapes it. What was put in is not read again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from stratuslab_libcloud.sandbox.state.template import Template

# After a plain name, what looks like the rest of a longer form is an error, and newlines are lost.
_DOLLAR = re.compile(
    r"""\$ (?P<name>\w+)
        (?: \[ [ \t]* (?P<key>\w+)
               (?: [ \t]*,[ \t]* (?P<by>\w+) [ \t]*=[ \t]* (?: "(?P<quoted>[^"]*)" | (?P<bare>[A-Za-z0-9]+) ) )?
            [ \t]* \]
          | (?! \n* (?: [ \t]*[],=] | \[ | \w ) ) \n*
        )
      | \$ """,
    re.VERBOSE | re.ASCII,
)

Vector = Mapping[str, str]


class VariableError(Exception):
    """A ``$`` begins no variable."""


class Variables:
    """What the variables of a machine stand for.

    :param owner: what is known of the machine's owner, such as UNAME
    :param template: of the machine
    :param network: the attributes of a network, by its number
    """

    def __init__(self, owner: Mapping[str, str], template: Template, network: Callable[[str], Vector]) -> None:
        self._owner = owner
        self._template = template
        self._network = network

    def expand(self, text: str) -> str:
        """A text with the values of its variables.

        :raises VariableError: if there is a ``$`` that begins none
        """
        return _DOLLAR.sub(self._value, text)

    def _value(self, match: re.Match[str]) -> str:
        if match["name"] is None:
            raise VariableError(match.string)
        name = match["name"].upper()
        if match["key"] is None:
            return self._owner.get(name) or self._template.text(name) or ""
        return self._chosen(name, match).get(match["key"].upper(), "")

    def _chosen(self, name: str, match: re.Match[str]) -> Vector:
        """The attribute in brackets, or the network, that a variable means."""
        by = match["by"] and match["by"].upper()
        wanted = match["quoted"] if match["bare"] is None else match["bare"]
        vectors = self._template.vectors("NIC" if name == "NETWORK" else name)
        found = next((vector for vector in vectors if by is None or vector.get(by, "") == wanted), {})
        if name != "NETWORK":
            return found
        return self._network(found["NETWORK_ID"]) if by in ("NETWORK", "NETWORK_ID") and "NETWORK_ID" in found else {}
