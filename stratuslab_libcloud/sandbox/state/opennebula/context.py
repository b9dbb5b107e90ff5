"""Contextualization: what reaches a machine of what was asked for.

CONTEXT is a macro language: ``$NAME`` and ``$NIC[IP]`` are replaced, a word that means nothing by nothing.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence

from stratuslab_libcloud.sandbox.state.opennebula.errors import InvalidTemplateError
from stratuslab_libcloud.sandbox.state.template import Template

_MACRO = re.compile(
    r"""\\\$            # protected; the backslash stays
      | \$ (?P<name>[A-Za-z_][A-Za-z0-9_]*)
           (?: \[ \s* (?P<key>\w+) (?: \s*,\s* (?P<by>\w+) \s*=\s* "?(?P<value>[^"\]]*?)"? )? \s* \] )?
      | \$ """,
    re.VERBOSE,
)

_FROM_NETWORK = {"DNS": "DNS", "GATEWAY": "GATEWAY", "MASK": "NETWORK_MASK", "NETWORK": "NETWORK_ADDRESS"}
_NIC_VARIABLES = (
    "DNS",
    "EXTERNAL",
    "GATEWAY",
    "IP",
    "IP6",
    "IP6_GATEWAY",
    "IP6_METHOD",
    "IP6_METRIC",
    "IP6_PREFIX_LENGTH",
    "IP6_ULA",
    "MAC",
    "MASK",
    "METHOD",
    "METRIC",
    "MTU",
    "NETWORK",
    "SEARCH_DOMAIN",
    "VLAN_ID",
    "VROUTER_IP",
    "VROUTER_IP6",
    "VROUTER_MANAGEMENT",
)

Nic = Mapping[str, str]


class Macros:
    """What the words after ``$`` stand for.

    :param words: such as NAME
    :param template: of the machine
    :param nics: of the machine
    :param network: the attributes of a network, by its number
    :param user: the attributes of the machine's owner
    """

    def __init__(
        self,
        words: Mapping[str, str],
        template: Template,
        nics: Sequence[Nic],
        network: Callable[[str], Mapping[str, str]],
        user: Mapping[str, str],
    ) -> None:
        self._words = words
        self._template = template
        self._nics = nics
        self._network = network
        self._user = user

    def expand(self, text: str) -> str:
        """A value with all macros replaced.

        :raises InvalidTemplateError: if there is a ``$`` that begins none
        """

        def replacement(match: re.Match[str]) -> str:
            if match[0].startswith("\\"):
                return match[0]
            if match["name"] is None:
                raise InvalidTemplateError(f"Error parsing: {text}. syntax error")
            if match["key"] is None:
                return self._word(match["name"].upper())
            return self._vector(match["name"].upper(), match["key"].upper(), match["by"], match["value"])

        expanded = _MACRO.sub(replacement, text)
        return expanded[:-1] if expanded.endswith("\\") else expanded

    def _word(self, name: str) -> str:
        if name == "TEMPLATE":
            return base64.b64encode(_as_text(self._template).encode()).decode()
        return self._words.get(name) or self._template.text(name) or ""

    def _vector(self, name: str, key: str, by: str | None, value: str | None) -> str:
        if name == "USER":
            return self._user.get(key, "")
        if name == "NETWORK":
            nics = [nic for nic in self._nics if by is None or nic.get(by.upper()) == value]
            return self._network(nics[0].get("NETWORK_ID", "")).get(key, "") if nics else ""
        vectors = self._nics if name == "NIC" else self._template.vectors(name)
        return next((v.get(key, "") for v in vectors if by is None or v.get(by.upper()) == value), "")


def network_variables(
    nics: Sequence[Nic], aliases: Sequence[Nic], network: Callable[[str], Mapping[str, str]], extras: Sequence[str]
) -> dict[str, str]:
    """The variables of a machine's NICs that its contextualization gets.

    :param network: the attributes of a network, by its number
    :param extras: further variables that a NIC has, without a value
    """
    variables: dict[str, str] = {}
    for nic in nics:
        prefix = f"ETH{nic['NIC_ID']}"
        variables |= _variables(prefix, nic, network(nic.get("NETWORK_ID", "")), extras)
    for alias in aliases:
        prefix = f"ETH{alias['PARENT_ID']}_ALIAS{alias['ALIAS_ID']}"
        variables |= _variables(prefix, alias, network(alias.get("NETWORK_ID", "")), extras)
    return variables


def _variables(prefix: str, nic: Nic, network: Mapping[str, str], extras: Sequence[str]) -> dict[str, str]:
    values = {name: nic.get(name) or network.get(_FROM_NETWORK.get(name, name), "") for name in _NIC_VARIABLES}
    values["NETWORK"] = network.get("NETWORK_ADDRESS", "")
    values["IP6"] = nic.get("IP6") or nic.get("IP6_GLOBAL", "")
    return {f"{prefix}_{name}": value for name, value in {**values, **dict.fromkeys(extras, "")}.items()}


def _as_text(template: Template) -> str:
    lines = []
    for name, value in template:
        if isinstance(value, str):
            lines.append(f'{name}="{value}"')
        else:
            pairs = (f'{key}="{text}"' for key, text in sorted(value.items()))
            lines.append(f"{name}=[{','.join(pairs)}]")
    return "\n".join(lines)
