"""A user's own template of machines, as ``vm_template_file`` of 14.06 has it: a text with ``%(name)s`` for the values.

The names are those of ``schema.one`` of 14.06. One that is not known is replaced by nothing, and ``%%`` is a percent
sign.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from stratuslab_libcloud.client.opennebula.contextualization import read_text
from stratuslab_libcloud.errors import ConfigurationError

_KEY = "vm_template_file"
_TOKEN = re.compile(r"%(?:(?P<percent>%)|\((?P<name>\w+)\)s|(?P<wrong>.?))", re.DOTALL)


def fill_in(file: Path, values: Mapping[str, str]) -> str:
    """The text of a template file with these values.

    :param values: by the names of ``schema.one``; each is a part of a template, or what stands between quotes there
    :raises ConfigurationError: the file cannot be read, or a percent sign in it is not doubled
    """

    def value_of(token: re.Match[str]) -> str:
        if token["percent"]:
            return "%"
        if token["name"] is None:
            problem = f"'%{token['wrong']}' in {file} ({_KEY}) must be '%%' or '%(name)s'"
            raise ConfigurationError(problem, file=str(file), key=_KEY)
        return values.get(token["name"], "")

    return _TOKEN.sub(value_of, read_text(file, _KEY))
