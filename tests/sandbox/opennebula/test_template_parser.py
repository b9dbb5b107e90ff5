"""Templates in both syntaxes, with what each does to values."""

from __future__ import annotations

import pytest

from stratuslab_libcloud.sandbox.compute.template_parser import TemplateError
from stratuslab_libcloud.sandbox.opennebula.template_parser import parse_template
from stratuslab_libcloud.sandbox.state.template import Value


def parsed(text: str) -> list[tuple[str, Value]]:
    return list(parse_template(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('V=""', ""),
        (r'V="say \"hi\""', 'say "hi"'),
        (r'V="a\\b"', r"a\\b"),
        (r'V="C:\dir"', r"C:\dir"),
        ('V="# [x] = , y"', "# [x] = , y"),
        ('V="line\n\ttwo"', "line\n\ttwo"),
        ("V=[]", {}),
        ('V=[A="",B=c]', {"A": "", "B": "c"}),
        ("v = [ a = b ]", {"A": "b"}),
    ],
)
def test_the_old_syntax(text: str, value: Value) -> None:
    assert parsed(text) == [("V", value)]


def test_a_backslash_at_the_end_swallows_the_quotation_mark() -> None:
    with pytest.raises(TemplateError, match="Parse error"):
        parse_template('V="a\\" W="b"')


@pytest.mark.parametrize(
    ("xml", "attributes"),
    [
        ("<V>a</V>", [("V", "a")]),
        ('<V><![CDATA["q" \\ # x]]></V>', [("V", '"q" \\ # x')]),
        ("<V>&lt;x&gt; &amp; y</V>", [("V", "<x> & y")]),
        ("<V></V><W/>", []),
        ("<V><![CDATA[]]></V>", [("V", "")]),
        ("<V><A>1</A><B/><C><![CDATA[]]></C></V>", [("V", {"A": "1", "C": ""})]),
        ("<V><A>1</A></V><V><A>2</A></V>", [("V", {"A": "1"}), ("V", {"A": "2"})]),
        ("<v>a&#13;b</v>", [("V", "a\rb")]),
        ("<V>a\r\nb</V>", [("V", "a\nb")]),
    ],
)
def test_xml(xml: str, attributes: list[tuple[str, Value]]) -> None:
    assert parsed(f"<TEMPLATE>{xml}</TEMPLATE>") == attributes


@pytest.mark.parametrize(
    "text",
    [
        "<T><V>a]]&gt;b</V></T>",
        "<T><V><![CDATA[a]]]]><![CDATA[>b]]></V></T>",
        "<T><V><A>]]&gt;</A></V></T>",
        'V="a]]>b"',
        "<T><V></T>",
        "<T/><T/>",
        "<",
    ],
)
def test_what_no_template_can_have(text: str) -> None:
    with pytest.raises(TemplateError, match="Parse error"):
        parse_template(text)


@pytest.mark.parametrize("text", ["", "  ", "<T/>", "<T> </T>"])
def test_nothing_is_an_empty_template(text: str) -> None:
    assert parsed(text) == []
