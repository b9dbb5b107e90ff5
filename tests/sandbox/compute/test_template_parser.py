"""The template grammar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratuslab_libcloud.sandbox.compute.template_parser import TemplateError, parse_template

from ..conftest import TEMPLATE


def parsed(text: str) -> list[tuple[str, object]]:
    return list(parse_template(text))


def test_a_whole_template() -> None:
    template = parse_template(TEMPLATE)
    assert template.text("RANK") == "- RUNNING_VMS"
    assert [disk["TARGET"] for disk in template.vectors("DISK")] == ["vda", "vdb"]
    assert template.vectors("NIC") == [{"NETWORK_UNAME": "oneadmin", "NETWORK": "public"}]
    (context,) = template.vectors("CONTEXT")
    assert context["PUBLIC_KEY"] == "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAA user@host\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\n", []),
        ("A=1", [("A", "1")]),
        ("a = b", [("A", "b")]),
        ("A=1 B=2", [("A", "1"), ("B", "2")]),
        ("A=\nB=2", [("A", ""), ("B", "2")]),
        ("# a comment\nA=1 # another\n# and one\nB=2", [("A", "1"), ("B", "2")]),
        ('A="x # y"', [("A", "x # y")]),
        ('A="two\nlines"', [("A", "two\nlines")]),
        (r'A="say \"hi\""', [("A", 'say "hi"')]),
        (r'A="back\slash"', [("A", r"back\slash")]),
        (r'A="a \\\" b"', [("A", 'a " b')]),
        (r"A=\\ B=1", [("A", r"\\"), ("B", "1")]),
        ("1a=1 _a=2", [("ONE_1A", "1"), ("ONE__A", "2")]),
        ("A=[1b=2]", [("A", {"1B": "2"})]),
        ('A=""', [("A", '""')]),
        ('A="x" B="y"', [("A", "x"), ("B", "y")]),
        ('A="x"y', [("A", '"x"y')]),
        ("A=[B=1,C=2]", [("A", {"B": "1", "C": "2"})]),
        ('A = [\n  b = 1,\n  c = "2"\n]\n', [("A", {"B": "1", "C": "2"})]),
        ("A=[B=1,b=2]", [("A", {"B": "1"})]),
        ("A=[B=1] A=[B=2]", [("A", {"B": "1"}), ("A", {"B": "2"})]),
        ("B=1 A=2", [("A", "2"), ("B", "1")]),
        ("A='x'", [("A", "'x'")]),
        ("A=http://h:1/p?q", [("A", "http://h:1/p?q")]),
    ],
)
def test_what_is_a_template(text: str, expected: list[tuple[str, object]]) -> None:
    assert parsed(text) == expected


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("A", "unexpected $end, expecting EQUAL or EQUAL_EMPTY at line 1, columns 1:2"),
        ("A=1\nB", "unexpected $end, expecting EQUAL or EQUAL_EMPTY at line 2"),
        ("=1", "unexpected EQUAL, expecting $end or VARIABLE"),
        ("A=[B=1", "unexpected $end, expecting COMMA or CBRACKET"),
        ("A=[]", "unexpected CBRACKET, expecting VARIABLE"),
        ("A=[B=[C=1]]", "unexpected OBRACKET, expecting STRING"),
        ("A=[B=1 C=2]", "unexpected VARIABLE, expecting COMMA or CBRACKET"),
    ],
)
def test_what_is_no_template(text: str, place: str) -> None:
    with pytest.raises(TemplateError) as error:
        parsed(text)
    assert str(error.value).startswith("Parse error: syntax error, ")
    assert place in str(error.value)


NAMES = st.from_regex("[A-Z][A-Z0-9_]{0,7}", fullmatch=True)
# What can be quoted: a backslash must not come before a quotation mark or the end.
VALUES = st.text(st.characters(exclude_characters="\\", exclude_categories=["Cs"]), min_size=1)


def quoted(value: str) -> str:
    return '"' + value.replace('"', '\\"') + '"'


@given(st.lists(st.tuples(NAMES, VALUES | st.dictionaries(NAMES, VALUES, min_size=1))))
def test_what_is_quoted_is_read_back(attributes: list[tuple[str, str | dict[str, str]]]) -> None:
    lines = []
    for name, value in attributes:
        if isinstance(value, str):
            lines.append(f"{name} = {quoted(value)}")
        else:
            pairs = ",\n".join(f"{key} = {quoted(text)}" for key, text in value.items())
            lines.append(f"{name} = [\n{pairs} ]")
    assert parsed("\n".join(lines)) == sorted(attributes, key=lambda attribute: attribute[0])


@given(st.text(alphabet='AB=[],"\\# \t\n') | st.text())
def test_any_text_is_a_template_or_an_error(text: str) -> None:
    try:
        attributes = parsed(text)
    except TemplateError:
        return
    assert all(name == name.upper() for name, _ in attributes)
