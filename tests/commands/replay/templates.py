"""Compares the template of a machine with the one that the original command sent for it: what it says, not its text."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

from stratuslab_libcloud.sandbox.compute.template_parser import parse_template
from stratuslab_libcloud.sandbox.state.template import Template
from tests.commands.replay.matching import Values

_OF_THIS_PLACE = ("PUBLIC_KEY", "CLOUD_INIT_AUTHORIZED_KEYS", "CLOUD_INIT_USER_DATA")
"""What is made of files: other ones here. Whether it is there is compared."""

_NOTHING = ("", '""')
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def missing(recorded: str, template: Template, values: Values) -> list[str]:
    """The attributes of a recorded template that a machine does not have; it may have others."""
    wanted = parse_template(html.unescape(values.here(recorded)))
    return [name for name, value in wanted if not any(_has(own, value) for own in _values(template, name))]


def _values(template: Template, name: str) -> list[str | Mapping[str, str]]:
    return [value for own, value in template if own.upper() == name.upper()]


def _has(own: str | Mapping[str, str], wanted: str | Mapping[str, str]) -> bool:
    if isinstance(own, str) or isinstance(wanted, str):
        return isinstance(own, str) and isinstance(wanted, str) and _plain(own) == _plain(wanted)
    there = {name.upper(): value for name, value in own.items()}
    return all(_has_pair(there, name.upper(), value) for name, value in wanted.items() if value not in _NOTHING)


def _has_pair(own: Mapping[str, str], name: str, value: str) -> bool:
    if name in _OF_THIS_PLACE:
        return bool(own.get(name))
    return _plain(own.get(name, "")) == _plain(value)


def _plain(value: str) -> str:
    """A value without the time at which it was made, and without the backslashes that the original added."""
    return _TIME.sub("TIME", value.strip().replace("\\", ""))
