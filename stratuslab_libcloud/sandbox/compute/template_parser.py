"""The template grammar of OpenNebula 3.2: ``NAME = value`` and ``NAME = [ KEY = value, KEY = value ]``.

The scanner has the two states of OpenNebula's: before a value and elsewhere. What neither knows is skipped, as there.
Its oddities are kept on purpose, since users meet them on real clouds:

* a comment is a line's rest after ``#`` where a name is expected; within a value ``#`` ends the value;
* a quoted value ends at a quotation mark that no backslash stands before; then ``\\"`` becomes ``"`` until there is
  none left, so that no value has a backslash before a quotation mark; every other backslash stands for itself;
* ``""`` is not empty but two quotation marks;
* names are case-insensitive; one that does not begin with a letter gets ``ONE_`` in front; of a name repeated within
  brackets, where such names stay as they are, the first counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from stratuslab_libcloud.sandbox.state.template import Template, Value


class TemplateError(Exception):
    """The text is not a template; the message is OpenNebula's."""


def parse_template(text: str) -> Template:
    """Read a template.

    :raises TemplateError: in OpenNebula's words, with line and columns
    """
    return Template(TemplateParser(text).attributes())


@dataclass(frozen=True)
class Token:
    """A piece of a template: its kind, and the text of it that counts."""

    kind: str
    text: str = ""


# In each state the rule that matches most wins, among equals the first, as in OpenNebula's scanner.
_ELSEWHERE = {
    "comment": re.compile(r"[ \t]*#[^\n]*\n"),
    "space": re.compile(r"[ \t\n]+"),
    "VARIABLE": re.compile(r"[A-Za-z0-9_]+"),
    "EQUAL": re.compile(r"[ \t]*=[ \t]*"),
    "EQUAL_EMPTY": re.compile(r"[ \t]*=[ \t]*\n"),
    "COMMA": re.compile(r"[ \t\n]*,[ \t\n]*"),
    "CBRACKET": re.compile(r"[ \t\n]*\][ \t\n]*"),
}
_BEFORE_VALUE = {
    "OBRACKET": re.compile(r"[ \t]*\[[ \t\n]*"),
    "quoted": re.compile(r'"(?:\\"|[^"])+"'),
    "bare": re.compile(r"[^=# \t\n,\[\]]+"),
}


class TemplateScanner:
    """Cuts a text into tokens and knows where in the text it is."""

    before_value: Mapping[str, re.Pattern[str]] = _BEFORE_VALUE

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._before_value = False
        self._line = 1
        self._column = 1
        self._last_column = 1

    @property
    def place(self) -> str:
        """Where the last token is, in OpenNebula's words."""
        return f"at line {self._line}, columns {self._column}:{self._last_column}"

    def next(self) -> Token:
        """The next token; ``$end`` at the end."""
        while self._position < len(self._text):
            kind, text = self._longest_match()
            self._consume(text)
            if kind in ("quoted", "bare"):
                self._before_value = False
                value = text[1:-1] if kind == "quoted" else text
                return Token("STRING", self.unescaped(value))
            if kind not in ("comment", "space", "unknown"):
                self._before_value = kind == "EQUAL"
                return Token(kind, text)
        return Token("$end")

    @staticmethod
    def unescaped(value: str) -> str:
        """What a quoted value stands for: backslashes before a quotation mark are removed."""
        return re.sub(r'(?<!\\)\\+"', '"', value)

    def _longest_match(self) -> tuple[str, str]:
        rules = self.before_value if self._before_value else _ELSEWHERE
        best = ("unknown", "")
        for kind, rule in rules.items():
            match = rule.match(self._text, self._position)
            if match and len(match[0]) > len(best[1]):
                best = (kind, match[0])
        return best if best[1] else ("unknown", self._text[self._position])

    def _consume(self, matched: str) -> None:
        self._position += len(matched)
        self._line += matched.count("\n")
        self._column = self._last_column
        self._last_column += len(matched)


class TemplateParser:
    """Puts the tokens together."""

    scanner: type[TemplateScanner] = TemplateScanner
    begin_of_vector: Sequence[str] = ("VARIABLE",)

    def __init__(self, text: str) -> None:
        self._scanner = self.scanner(text)

    def attributes(self) -> Iterator[tuple[str, Value]]:
        """The attributes, as they are given.

        :raises TemplateError: in OpenNebula's words, with line and columns
        """
        while True:
            name = self._expect("$end", "VARIABLE")
            if name.kind == "$end":
                return
            yield _attribute_name(name.text), self._value()

    def _value(self) -> Value:
        if self._expect("EQUAL", "EQUAL_EMPTY").kind == "EQUAL_EMPTY":
            return ""
        value = self._expect("OBRACKET", "STRING")
        return value.text if value.kind == "STRING" else self._vector()

    def _vector(self) -> Mapping[str, str]:
        pairs: dict[str, str] = {}
        name = self._expect(*self.begin_of_vector)
        while name.kind == "VARIABLE":
            self._expect("EQUAL")
            pairs.setdefault(name.text.upper(), self._expect("STRING").text)
            name = self._expect("COMMA", "CBRACKET")
            if name.kind == "COMMA":
                name = self._expect("VARIABLE")
        return pairs

    def _expect(self, *kinds: str) -> Token:
        token = self._scanner.next()
        if token.kind not in kinds:
            raise TemplateError(
                f"Parse error: syntax error, unexpected {token.kind}, expecting {' or '.join(kinds)} "
                f"{self._scanner.place}"
            )
        return token


def _attribute_name(text: str) -> str:
    return text.upper() if text[0].isalpha() else f"ONE_{text.upper()}"
