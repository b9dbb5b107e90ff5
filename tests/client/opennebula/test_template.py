"""The template: every text reaches the other side unchanged and adds nothing. Read back by the sandbox's parser."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratuslab_libcloud.client.opennebula.template import Attribute, Vector, render
from stratuslab_libcloud.errors import InvalidArgumentError
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template

sendable = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"], include_characters='\n\t"\\[],=#'), min_size=1)
names = st.from_regex(r"[A-Z][A-Z0-9_]{0,12}", fullmatch=True)


def read(*attributes: Attribute | Vector) -> list[tuple[str, object]]:
    return list(parse_template(render(attributes)))


@given(sendable)
def test_a_value_reaches_the_machine_unchanged(value: str) -> None:
    assert read(Attribute("NAME", value), Attribute("A", "quoted text"), Attribute("ZZ", "last")) == [
        ("A", "quoted text"),
        ("NAME", value),
        ("ZZ", "last"),
    ]


@given(st.dictionaries(names, sendable.filter(lambda text: not text.endswith("\\")), min_size=1), sendable)
def test_values_in_brackets_reach_the_machine_unchanged(values: dict[str, str], name: str) -> None:
    assert read(Vector("CONTEXT", values), Attribute("NAME", name)) == [("CONTEXT", values), ("NAME", name)]


@given(st.dictionaries(names, st.just("plain"), max_size=4), sendable.map(lambda text: text + " \\"))
def test_one_value_in_brackets_may_end_with_a_backslash(values: dict[str, str], awkward: str) -> None:
    values = {"AWKWARD": awkward, **values}
    assert read(Vector("CONTEXT", values), Attribute("NAME", "n")) == [("CONTEXT", values), ("NAME", "n")]


def test_an_attempt_to_add_attributes_stays_a_value() -> None:
    evil = 'x"\nCONTEXT = [ ROOT = "yes" ]\nNAME = "y'
    assert read(Attribute("NAME", evil)) == [("NAME", evil)]


def test_two_values_that_no_quote_may_follow_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="NAME and REQUIREMENTS end with a backslash"):
        render([Attribute("NAME", "a b\\"), Attribute("REQUIREMENTS", "c d\\")])


def test_an_empty_value_is_left_out() -> None:
    assert read(Attribute("NAME", ""), Vector("OS", {"KERNEL": ""}), Attribute("CPU", "1")) == [("CPU", "1")]


@pytest.mark.parametrize("impossible", ["\x00", "\x1b", "\ud800", "\uffff"])
def test_what_xml_can_not_carry_is_refused(impossible: str) -> None:
    with pytest.raises(InvalidArgumentError, match="the value of NAME contains"):
        render([Attribute("NAME", f"a{impossible}b")])


@pytest.mark.parametrize("name", ["A B", "A=", "", 'A"', "A\n"])
def test_a_name_that_could_be_something_else_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="cannot be the name"):
        render([Vector("CONTEXT", {name: "value"})])
