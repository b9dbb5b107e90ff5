"""Templates in XML: what arrives as it is, and what is refused because it would not."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratuslab_libcloud.client.opennebula.xml_template import checked_name, render
from stratuslab_libcloud.errors import InvalidArgumentError

AWKWARD = ['say "hi"', "C:\\dir\\", "a\nb\tc", "# [x] = y, z", "<a>&amp;</a>", "é日", "cr\r\nlf", "]]", "$x"]


@pytest.mark.parametrize("value", AWKWARD)
def test_a_value_arrives_as_it_is(value: str) -> None:
    document = ElementTree.fromstring(render({"V": value}))
    assert document.findtext("V") == value


@given(st.text(st.characters(codec="utf-8", max_codepoint=0xFFFD, exclude_categories=["Cc", "Cs"])))
def test_what_is_not_refused_arrives_as_it_is(value: str) -> None:
    try:
        text = render({"V": value})
    except InvalidArgumentError:
        assert "]]>" in value or value != value.strip(" \t\r\n")
    else:
        assert ElementTree.fromstring(text).findtext("V") == value


def test_vectors_and_several_of_a_name() -> None:
    text = render({"CPU": 0.5, "DISK": [{"IMAGE_ID": 0}, {"IMAGE_ID": 7, "SIZE": 10}]})
    assert text == (
        "<TEMPLATE><CPU>0.5</CPU><DISK><IMAGE_ID>0</IMAGE_ID></DISK>"
        "<DISK><IMAGE_ID>7</IMAGE_ID><SIZE>10</SIZE></DISK></TEMPLATE>"
    )


def test_only_blanks_that_opennebula_cuts_off_are_refused_at_the_ends() -> None:
    assert ElementTree.fromstring(render({"V": "\xa0x\u2003"})).findtext("V") == "\xa0x\u2003"


def test_an_empty_value_is_kept() -> None:
    """Written as an empty element, it would be dropped."""
    assert render({"V": ""}) == "<TEMPLATE><V><![CDATA[]]></V></TEMPLATE>"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("a]]>b", "^V contains ']]>'"),
        ("smile \N{GRINNING FACE}", "^V contains .* U\\+FFFF"),
        ("bell\x07", "^V contains .* control"),
        (" x", "^V begins .* cuts off"),
        ("x\n", "^V begins .* cuts off"),
    ],
)
def test_what_would_be_refused_or_changed(value: str, problem: str) -> None:
    with pytest.raises(InvalidArgumentError, match=problem):
        render({"V": value})


def test_a_name_of_an_attribute_that_would_be_markup() -> None:
    with pytest.raises(InvalidArgumentError, match="letters, digits"):
        render({"a><b": "x"})


@pytest.mark.parametrize("character", list("&|:\\\";/'#{}$<>"))
def test_names_with_forbidden_characters(character: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        checked_name(f"a{character}b", "a machine")
    assert str(caught.value) == (
        f"a machine cannot have {character!r} in its name {f'a{character}b'!r}: OpenNebula forbids it, as it does "
        "& | : \\ \" ; / ' # { } $ < >"
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "^the name of a machine must have 1 to 128 characters, not 0$"),
        ("n" * 129, "^the name of a machine must have 1 to 128 characters, not 129$"),
        (" blank", "^a machine begins or ends with a blank"),
        ("\N{GRINNING FACE}", "^a machine contains "),
    ],
)
def test_names_that_are_refused(name: str, words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        checked_name(name, "a machine")


@pytest.mark.parametrize("name", ["n" * 128, "web 1 (é) = x", "0"])
def test_names_that_are_accepted(name: str) -> None:
    assert checked_name(name, "a machine") == name
