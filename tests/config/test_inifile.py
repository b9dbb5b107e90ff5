"""The INI file is read as by Python 2's SafeConfigParser: each rule, with the value that it returned."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratuslab_libcloud.config.inifile import IniFile
from stratuslab_libcloud.errors import ConfigurationError


def read(text: str, section: str = "cloud", key: str = "key") -> str | None:
    return IniFile(text.encode(), "a.cfg").get(section, key)


@pytest.mark.parametrize(
    ("rule", "lines", "value"),
    [
        ("equals sign", "key = value", "value"),
        ("colon", "key: value", "value"),
        ("whichever comes first separates", "key : a=b", "a=b"),
        ("no blanks are needed", "key=value", "value"),
        ("blanks around are no part of it", "key \t=  value \t", "value"),
        ("keys are lower-cased", "KEY = Value", "Value"),
        ("empty", "key =", ""),
        ("two quotes are empty", 'key = ""', ""),
        ("other quotes are kept", 'key = "a b"', '"a b"'),
        ("single quotes are kept", "key = ''", "''"),
        ("a semicolon after a blank begins a comment", "key = a ; b", "a"),
        ("a semicolon after a tab does as well", "key = a\t;b", "a"),
        ("a semicolon within a word does not", "key = a;b", "a;b"),
        ("only the first semicolon counts", "key = a;b ;c", "a;b ;c"),
        ("a semicolon that begins the value does not", "key = ;a", ";a"),
        ("two quotes before a comment are empty", 'key = "" ; none', ""),
        ("a number sign is data", "key = a # b", "a # b"),
        ("a line with a number sign is a comment", "# key = a\nkey = b", "b"),
        ("a line with a semicolon is a comment", "; key = a\nkey = b", "b"),
        ("a line with rem is a comment", "key = a\nrem key = b\nREM: no", "a"),
        ("rem is a word", "key = a\nremkey = b", "a"),
        ("a line that is indented continues", "key = a\n  b\n\tc", "a\nb\nc"),
        ("a comment does not end a value", "key = a\n# no\n  b", "a\nb"),
        ("a blank line does not end a value and is no part of it", "key = a\n\n  \n  b", "a\nb"),
        ("an indented number sign continues", "key = a\n  # b", "a\n# b"),
        ("an indented semicolon continues", "key = a\n  ; b", "a\n; b"),
        ("an indented key continues", "key = a\n  other = b", "a\nother = b"),
        ("an indented section continues", "key = a\n  [b]", "a\n[b]"),
        ("a comment is no comment in a continuation", "key = a\n  b ; c", "a\nb ; c"),
        ("a value may begin on the next line", "key =\n  a", "\na"),
        ("the last of several holds", "key = a\nother = b\nkey = c", "c"),
        ("carriage returns are no part of it", "key = a\r\n  b\r\nother = c\r\n", "a\nb"),
        ("two percent signs are one", "key = 100%%", "100%"),
        ("a reference to the same section", "other = b\nkey = a%(other)s", "ab"),
        ("a reference that lies ahead", "key = a%(other)s\nother = b", "ab"),
        ("a reference is lower-cased", "other = b\nkey = %(OTHER)s", "b"),
        ("a reference to a reference", "key = %(x)s\nx = %(y)s\ny = c", "c"),
        ("a reference to the section's name", "key = %(__name__)s", "cloud"),
        ("a percent sign that is referred to", "key = %(x)s\nx = 5%%", "5%"),
        ("any letters", "key = Zürich Δ 😀", "Zürich Δ 😀"),
        ("blanks of other alphabets are data", "key = \u00a0a\u3000", "\u00a0a\u3000"),
        ("characters that other readers take for ends of lines", "key = a\u0085b\u2028c", "a\u0085b\u2028c"),
    ],
)
def test_rule(rule: str, lines: str, value: str) -> None:
    assert read(f"[default]\n[cloud]\n{lines}\n") == value, rule


def test_default_in_capitals_is_in_every_section() -> None:
    text = "[DEFAULT]\nkey = shared\n[default]\n[cloud]\n[other]\nkey = own\n"

    assert read(text) == "shared"
    assert read(text, "default") == "shared"
    assert read(text, "other") == "own"


def test_references_find_default_in_capitals_and_not_the_other() -> None:
    text = "[DEFAULT]\na = shared\n[default]\nb = no\n[cloud]\nkey = %(a)s\nwrong = %(b)s\n"

    assert read(text) == "shared"
    with pytest.raises(ConfigurationError, match=r"neither this section nor \[DEFAULT\] has the key 'b'"):
        read(text, key="wrong")


def test_references_in_a_shared_value_find_the_section_that_asks() -> None:
    text = "[DEFAULT]\nkey = at %(place)s\nplace = nowhere\n[default]\n[cloud]\nplace = Orsay\n"

    assert read(text) == "at Orsay"
    assert read(text, "default") == "at nowhere"


def test_sections_of_one_name_are_merged() -> None:
    text = "[cloud]\nkey = a\nx = b\n[default]\n[cloud]\nkey = c\n"

    assert read(text) == "c"
    assert read(text, key="x") == "b"


def test_sections_and_keys_come_in_their_order() -> None:
    ini = IniFile(b"[b]\ny = 1\nx = 2\n[DEFAULT]\nz = 3\n[a] and more\n[c d]\n", "a.cfg")

    assert ini.sections == ("b", "a", "c d")
    assert ini.keys("b") == ("y", "x")
    assert ini.keys("DEFAULT") == ("z",)
    assert ini.keys("a") == ()


def test_a_key_that_is_not_there() -> None:
    assert read("[cloud]\nkey = a\n", key="other") is None


def test_a_continuation_after_a_section_is_an_error_as_it_was() -> None:
    with pytest.raises(ConfigurationError, match=r"Line 3 of a\.cfg cannot be read: it is indented"):
        read("\n[cloud]\n  key = a\n")


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert IniFile(b"\xef\xbb\xbf[cloud]\nkey = a\n", "a.cfg").get("cloud", "key") == "a"


@pytest.mark.parametrize(
    ("content", "number", "problem"),
    [
        (b"# comment\nkey = a\n[cloud]\n", 2, r"a '\[section\]' line must come before it"),
        (b"[cloud]\nkey = a\n\njust words\nmore words\n", 4, r"it is neither '\[section\]' nor 'key = value'"),
        (b"[cloud]\n= value\n", 2, r"it is neither '\[section\]' nor 'key = value'"),
        (b"[]\nkey = a\n", 1, r"a '\[section\]' line must come before it"),
        ("[cloud]\nkey = a\n".encode("utf-16"), 1, "it is not UTF-8 text"),
    ],
)
def test_a_line_that_can_not_be_read(content: bytes, number: int, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^Line {number} of a.cfg cannot be read: {problem}") as caught:
        IniFile(content, "a.cfg")
    assert caught.value.file == "a.cfg"


LATIN_1 = """# Schl\u00fcssel
[orl\u00e9ans]
name = Orl\u00e9ans
country: Fran\u00e7e
user = jane
password = s\u00e9cret
more = a
  \u00e9
k\u00e9y = %(\u00e9)s
""".encode("latin-1")


def test_latin_1_is_read_where_it_is_for_people() -> None:
    ini = IniFile(LATIN_1, "a.cfg")

    assert ini.sections == ("orl\u00e9ans",)
    assert ini.get("orl\u00e9ans", "name") == "Orl\u00e9ans"
    assert ini.get("orl\u00e9ans", "country") == "Fran\u00e7e"
    assert ini.get("orl\u00e9ans", "user") == "jane"
    assert ini.guessed_lines == [1, 2, 3, 4]
    assert len(ini.keys("orl\u00e9ans")) == 6
    assert len(ini.references()) == 1


@pytest.mark.parametrize("key", ["password", "more"])
def test_a_value_in_latin_1_is_an_error_that_names_the_key(key: str) -> None:
    with pytest.raises(ConfigurationError, match=f"'{key}' in section 'orl\u00e9ans' of a.cfg is not UTF-8") as caught:
        IniFile(LATIN_1, "a.cfg").get("orl\u00e9ans", key)
    assert caught.value.key == key
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("secret%", "'%' must be followed by '%'"),
        ("se%cret", "'%' must be followed by '%'"),
        ("secret%(", "'%' must be followed by '%'"),
        ("secret%(nothing)s", "has the key 'nothing'"),
        ("%(key)s", "it refers to itself"),
    ],
)
def test_a_percent_sign_that_is_not_doubled(value: str, problem: str) -> None:
    ini = IniFile(f"[cloud]\nkey = {value}\nother = fine\n".encode(), "a.cfg")

    with pytest.raises(ConfigurationError, match=re.escape(problem)) as caught:
        ini.get("cloud", "key")
    message = str(caught.value)
    assert "'key' in section 'cloud' of a.cfg" in message
    assert "twice: '%%'" in message
    assert "secret" not in message
    assert (caught.value.file, caught.value.section, caught.value.key) == ("a.cfg", "cloud", "key")
    assert ini.get("cloud", "other") == "fine"


def test_which_keys_are_referred_to() -> None:
    ini = IniFile(b"[DEFAULT]\na = %(B)s\n[cloud]\nkey = x%(c)s%(d)s and 100%%\n", "a.cfg")

    assert ini.references() == {"b", "c", "d"}


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1))
def test_whatever_is_written_as_the_rules_say_is_read(value: str) -> None:
    written = value.strip(" ").replace("%", "%%")
    if re.search(r"^;.* $|^[^;]* ;", written) or written == '""':
        return
    assert read(f"[cloud]\nkey = {written}\n") == value.strip(" ")
