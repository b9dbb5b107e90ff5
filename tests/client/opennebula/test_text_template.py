"""Templates in OpenNebula's own syntax: what arrives, read by the sandbox's grammar, which is the daemon's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratuslab_libcloud.client.opennebula.text_template import render
from stratuslab_libcloud.client.opennebula.xml_template import Given
from stratuslab_libcloud.errors import InvalidArgumentError
from stratuslab_libcloud.sandbox.opennebula.template_parser import parse_template


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"MARK": "a", "LABELS": "z"}, 'MARK="a"\nLABELS="z"'),
        ({"MEMORY": 64, "CPU": 0.2, "VCPU": 2}, "MEMORY=64\nCPU=0.2\nVCPU=2"),
        ({"NIC": {"NETWORK_ID": 0}}, "NIC=[NETWORK_ID=0]"),
        ({"NIC_ALIAS": {"NETWORK_ID": 0, "PARENT": "NIC0"}}, 'NIC_ALIAS=[NETWORK_ID=0,PARENT="NIC0"]'),
        ({"NIC": [{"NETWORK_ID": 0}, {"NETWORK_ID": 1}]}, "NIC=[NETWORK_ID=0]\nNIC=[NETWORK_ID=1]"),
        ({"V": ""}, 'V=""'),
    ],
)
def test_the_forms_that_real_daemons_have_accepted(attributes: dict[str, object], text: str) -> None:
    """In one.vm.update, one.vm.resize, one.vm.attachnic and one.image.update."""
    assert render(attributes) == text  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["ends with \\", 'a backslash \\" before a quote', "cr\rlf", {"KEY": "\\"}])
def test_what_this_syntax_cannot_carry_goes_in_xml(value: object) -> None:
    """A backslash at the end breaks the parser; one before a quotation mark makes the mark a part of the value."""
    text = render({"A": "b", "V": [value]})  # type: ignore[dict-item]
    assert text.startswith("<TEMPLATE>")
    assert dict(parse_template(text)) == {"A": "b", "V": value}


@given(st.text(st.characters(codec="utf-8", max_codepoint=0xFFFD, exclude_categories=["Cc", "Cs"])))
def test_what_is_not_refused_arrives_as_it_is(value: str) -> None:
    try:
        texts = [render({"V": value}), render({"W": {"V": value}})]
    except InvalidArgumentError:
        assert "]]>" in value or value != value.strip(" \t\r\n")
    else:
        assert [dict(parse_template(text)) for text in texts] == [{"V": value}, {"W": {"V": value}}]


@pytest.mark.parametrize("value", ["a]]>b", "\N{GRINNING FACE}", " x", "x\n"])
def test_what_neither_syntax_can_carry_is_refused(value: str) -> None:
    with pytest.raises(InvalidArgumentError):
        render({"V": value})
    assert render({"V": Given(" as the daemon has it ")}) == 'V=" as the daemon has it "'


def test_a_name_that_would_be_syntax() -> None:
    with pytest.raises(InvalidArgumentError, match="letters, digits"):
        render({'a="b" c': "x"})
