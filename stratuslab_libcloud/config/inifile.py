"""The INI file, read as Python 2's ``SafeConfigParser`` did.

Today's ``configparser`` stores, merges and interpolates values in the same way, but it splits lines differently. So
each line is first rewritten so that today's parser reads from it what the old one read.
"""

from __future__ import annotations

import codecs
import configparser
import re
from collections.abc import Iterator

from stratuslab_libcloud.config.interpolation import InterpolationError, interpolate
from stratuslab_libcloud.errors import ConfigurationError

_BLANKS = " \t\n\r\v\f"
_SKIPPED = "\0"
_SECTION = re.compile(r"\[(?P<header>[^]]+)\]")
_SEPARATOR = re.compile(r"[:=]")
_OPTION = re.compile(r"(?P<option>[^=]+)(?P<vi>=)\s*(?P<value>.*)$")
_REFERENCE = re.compile(r"%\(([^)%]+)\)s")
_SHARED = "DEFAULT"
_FOR_PEOPLE = re.compile(rb"[#;\[]|rem\s|(name|country)\s*[=:]", re.IGNORECASE)
"""Lines whose letters do not matter to any service."""


class IniFile:
    """Sections, keys and values; values are interpolated when they are asked for.

    ``[DEFAULT]`` (in capitals) is the parser's own section: its keys are also found in all other sections.

    Other bytes than UTF-8 may stand in comments, sections, and the names of places; in another value they are an error
    when the value is asked for.

    :param content: the file's bytes
    :param name: the file's name, for messages
    :ivar guessed_lines: the numbers of the lines that are not UTF-8 and are read as Latin-1
    :raises ConfigurationError: the file is in UTF-16, or a line is neither section, key nor continuation
    """

    def __init__(self, content: bytes, name: str) -> None:
        self.name = name
        self._parser = _Parser()
        text, self.guessed_lines = _decode(content, name)
        self._parser.read_file(_lines(text, name), source=name)
        self._raw = {
            _as_text(section): dict(self._parser.items(section, raw=True)) for section in self._parser.sections()
        }
        self._shared = self._raw.pop(_SHARED, {})

    @property
    def sections(self) -> tuple[str, ...]:
        """The names of all sections but ``[DEFAULT]``, in the file's order."""
        return tuple(self._raw)

    @property
    def sections_with_shared(self) -> tuple[str, ...]:
        """``DEFAULT``, also if it is not in the file, and the names of all others."""
        return (_SHARED, *self._raw)

    def keys(self, section: str) -> tuple[str, ...]:
        """The keys that are written in this section, in the file's order; the section may be ``DEFAULT``."""
        return tuple(map(_shown, self._shared if section == _SHARED else self._raw[section]))

    def references(self) -> frozenset[str]:
        """The keys that some value refers to as ``%(key)s``."""
        values = [value for section in (self._shared, *self._raw.values()) for value in section.values()]
        return frozenset(_shown(key).lower() for value in values for key in _REFERENCE.findall(value))

    def get(self, section: str, key: str) -> str | None:
        """The value of a key, from the section or else from ``[DEFAULT]``; None if neither has it.

        :raises ConfigurationError: a ``%`` in the value, or in one that it refers to, cannot be interpolated
        """
        bytewise, in_section = _as_bytewise(key), self._raw[section]

        def find(name: str) -> str | None:
            if name == "__name__":
                return _as_bytewise(section)
            return in_section.get(name, self._shared.get(name))

        text = find(bytewise)
        if text is None:
            return None
        try:
            return _as_text(interpolate(text, find))
        except UnicodeDecodeError:
            problem = "is not UTF-8 text: save the file in the encoding UTF-8."
        except InterpolationError as error:
            problem = f"cannot be read: {_shown(str(error))}. Write each '%' that belongs to the value twice: '%%'."
        raise ConfigurationError(
            f"The value of '{key}' in section '{section}' of {self.name} {problem}",
            file=self.name,
            section=section,
            key=key,
        )


class _Parser(configparser.ConfigParser):
    """Reads lines as `_lines` writes them. Its own expressions take very long for some lines."""

    SECTCRE = _SECTION
    OPTCRE = _OPTION

    def __init__(self) -> None:
        super().__init__(
            strict=False,
            interpolation=None,
            comment_prefixes=(_SKIPPED,),
            # No section can have this name: so [DEFAULT] is read like any other section, and the keys of a section
            # can be distinguished from those that it has from [DEFAULT].
            default_section="]",
        )


def _lines(text: str, name: str) -> Iterator[str]:
    """The lines, each rewritten for today's parser; there are as many as before, so line numbers are correct."""
    in_section = in_value = False
    for number, line in enumerate(text.split("\n"), start=1):
        if _is_skipped(line):
            yield _SKIPPED
        elif line[0] in _BLANKS:
            if not in_value:
                raise _unreadable(name, number, "it is indented, but there is no value above it to continue")
            yield " " + line.strip(_BLANKS)
        elif _SECTION.match(line):
            in_section, in_value = True, False
            yield line
        elif not in_section:
            raise _unreadable(name, number, "a '[section]' line must come before it")
        else:
            in_value = True
            option = _option(line)
            if option is None:
                raise _unreadable(name, number, "it is neither '[section]' nor 'key = value'")
            yield option


def _is_skipped(line: str) -> bool:
    if not line.strip(_BLANKS) or line[0] in "#;":
        return True
    return line[0] in "rR" and line.split(None, 1)[0].lower() == "rem"


def _option(line: str) -> str | None:
    """The line without its comment, which begins at the first semicolon if there is a blank before it.

    :return: None when it has no key
    """
    separator = _SEPARATOR.search(line)
    if separator is None or not separator.start():
        return None
    value = line[separator.end() :].lstrip(_BLANKS)
    semicolon = value.find(";")
    # Index -1: for a semicolon at the start of the value, the original looked at the value's last character.
    if semicolon != -1 and value[semicolon - 1] in _BLANKS:
        value = value[:semicolon]
    value = value.strip(_BLANKS)
    if value == '""':
        value = ""
    return f"{line[: separator.start()]}= {value}"


def _unreadable(name: str, number: int, problem: str) -> ConfigurationError:
    return ConfigurationError(f"Line {number} of {name} cannot be read: {problem}.", file=name)


def _decode(content: bytes, name: str) -> tuple[str, list[int]]:
    """The content as a text in which each byte that is not ASCII is a character: neither a blank nor upper case.

    :return: the text, and the numbers of the lines that were read as Latin-1
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _unreadable(name, 1, "it is not UTF-8 text; save the file in the encoding UTF-8")
    content = content.removeprefix(codecs.BOM_UTF8)
    guessed = []
    if not _is_utf8(content):
        lines = content.split(b"\n")
        for index, line in enumerate(lines):
            if not _is_utf8(line) and _FOR_PEOPLE.match(line):
                lines[index] = line.decode("latin-1").encode()
                guessed.append(index + 1)
        content = b"\n".join(lines)
    return content.decode("ascii", "surrogateescape"), guessed


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _as_bytewise(text: str) -> str:
    return text.encode().decode("ascii", "surrogateescape")


def _as_text(bytewise: str) -> str:
    return bytewise.encode("ascii", "surrogateescape").decode()


def _shown(bytewise: str) -> str:
    """A key for messages and comparisons, also one that is not UTF-8."""
    return bytewise.encode("ascii", "surrogateescape").decode("utf-8", "replace")
