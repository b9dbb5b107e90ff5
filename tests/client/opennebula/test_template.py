"""The template: every text that is accepted reaches the other side unchanged, and adds nothing.

The other side is the sandbox, which reads templates and replaces variables as a real daemon was seen to do.
"""

from __future__ import annotations

import string
import time
from collections.abc import Mapping

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stratuslab_libcloud.client.opennebula.template import Attribute, Vector, WithVariables, render
from stratuslab_libcloud.errors import InvalidArgumentError
from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template
from stratuslab_libcloud.sandbox.state.template import Template

AWKWARD = [
    "a$",
    "$",
    "$$",
    "$(date)",
    "${HOME}",
    "$HOME/x",
    "$NAME",
    "$5",
    "cost $5 each",
    "a $ b",
    '"$x"',
    "\\$",
    "\\",
    "\\\\",
    "a b\\",
    "@^_^@",
    "@^_^@ x",
    '{"j": "a \\"b\\" c"}',
    '\\"',
    '\\\\"\\',
    '"',
    '""',
    "new\nline",
    "tab\t",
    " é ",
    "ssh-rsa AAAA $jane @laptop\n",
    "x=y,[z]#",
]
values = st.text(st.sampled_from('$\\"ab1_ \n\t[],=#@^é()]>') | st.characters(), max_size=12) | st.sampled_from(AWKWARD)
keys = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True)
MACHINES = Sandbox().machines


def arrived(*attributes: Attribute | Vector) -> Template:
    """What a daemon makes of the attributes, when it does not refuse them."""
    return MACHINES.allocate("alice", parse_template(render(attributes))).template


def read(*attributes: Attribute | Vector) -> list[tuple[str, object]]:
    return list(parse_template(render(attributes)))


def context_of(template: Template) -> Mapping[str, str]:
    return {name: value for name, value in template.vectors("CONTEXT")[0].items() if name != "TARGET"}


@settings(deadline=None)
@given(st.dictionaries(keys, values, min_size=1, max_size=4), values, values, values)
@example({"V": "x @^_^@", "W": "y"}, "n", "r", "s")
@example({"V": "x @^_^@ W=y"}, "n", "r", "s")
@example({"V": "x]]>"}, "n", "r", "s")
@example({"V": "v"}, "R&amp;D", "r", "s")
@example({"V": "v"}, "x</NAME><ID>7</ID><NAME>y", "r", "s")
@example({"V": "v", "v": "w"}, "n", "r", "s")
def test_what_is_accepted_arrives_unchanged(context: dict[str, str], name: str, requirements: str, source: str) -> None:
    try:
        template = arrived(
            Attribute("NAME", name),
            Attribute("REQUIREMENTS", requirements),
            Vector("DISK", {"SOURCE": source, "TARGET": "vda"}),
            Vector("CONTEXT", {"FIRST": "1", **context}),
        )
    except InvalidArgumentError:
        return
    expected = {key.upper(): value for key, value in {"FIRST": "1", **context}.items() if value}
    assert context_of(template) == {key: value for key, value in expected.items() if key != "TARGET"}
    assert template.text("NAME") == name or not name
    assert (template.text("REQUIREMENTS") or "") == requirements
    assert template.vectors("DISK")[0].get("SOURCE", "") == source
    own = {attribute for attribute, _ in template if not attribute.startswith("LIBCLOUD_VALUE_")}
    assert own <= {"NAME", "VMID", "REQUIREMENTS", "DISK", "CONTEXT"}


@pytest.mark.parametrize("value", AWKWARD)
def test_what_a_daemon_would_change_arrives_in_pieces(value: str) -> None:
    template = arrived(
        Vector("CONTEXT", {"V": value, "W": value + value}),
        Attribute("REQUIREMENTS", value),
        Attribute("NAME", "n"),
    )
    assert context_of(template) == {"V": value, "W": value + value}
    assert template.text("REQUIREMENTS") == value


def test_very_many_backslashes_take_no_time() -> None:
    started = time.monotonic()
    value = "\\" * 100_000 + "x"
    assert render([Attribute("NOTE", value)]) == f'NOTE = "{value}"\n'
    assert time.monotonic() - started < 1


def test_what_needs_no_pieces_has_none() -> None:
    assert render([Vector("CONTEXT", {"V": 'a "b" \\c'})]) == 'CONTEXT = [\n  V = "a \\"b\\" \\c" ]\n'


@pytest.mark.parametrize("attribute", ["NAME", "MARK"])
@pytest.mark.parametrize(
    ("value", "reason"), [('a\\"b', "a backslash before a quotation mark"), ("a b\\", "a backslash at the end")]
)
def test_a_backslash_that_would_not_arrive_is_refused(attribute: str, value: str, reason: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"the value of {attribute} has {reason}"):
        render([Attribute(attribute, value)])


def test_a_backslash_at_the_end_of_a_word_arrives() -> None:
    assert arrived(Attribute("NAME", "a\\"), Vector("OS", {"KERNEL": "/k\\", "INITRD": "/i"})).text("NAME") == "a\\"


def test_an_attempt_to_add_attributes_stays_a_value() -> None:
    evil = 'x"\nCONTEXT = [ ROOT = "yes" ]\nNAME = "y'
    assert read(Attribute("NAME", evil)) == [("NAME", evil)]


def test_an_empty_value_is_left_out() -> None:
    assert read(Attribute("NAME", ""), Vector("OS", {"KERNEL": ""}), Attribute("CPU", "1")) == [("CPU", "1")]


@pytest.mark.parametrize(
    ("impossible", "reason"),
    [
        ("\x00", "OpenNebula does not accept"),
        ("\x1b", "OpenNebula does not accept"),
        ("\ud800", "OpenNebula does not accept"),
        ("\uffff", "OpenNebula does not accept"),
        ("😀", "OpenNebula does not accept"),
        ("\r\n", "would arrive as"),
        ("]]>", "OpenNebula cannot read"),
    ],
)
@pytest.mark.parametrize("attribute", ["NAME", "REQUIREMENTS", "CONTEXT"])
def test_what_a_daemon_does_not_take_is_refused(attribute: str, impossible: str, reason: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"the value of {attribute} contains .*, which {reason}"):
        render(
            [
                Vector("CONTEXT", {attribute: f"a{impossible}b"})
                if attribute == "CONTEXT"
                else Attribute(attribute, f"a{impossible}b")
            ]
        )


@pytest.mark.parametrize("value", ["x @^_^@ y", "x @^_^@"])
def test_the_separator_of_the_context_is_refused_there(value: str) -> None:
    with pytest.raises(InvalidArgumentError, match="the value of V contains ' @\\^_\\^@', at which OpenNebula"):
        render([Vector("CONTEXT", {"V": value})])
    assert arrived(Attribute("NAME", value)).text("NAME") == value


@pytest.mark.parametrize("name", ["R&amp;D", "a & b", "a < b", "x</NAME><ID>7</ID><NAME>y"])
def test_markup_in_the_name_of_a_machine_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"contains '[&<]', which damages a machine"):
        render([Attribute("NAME", name)])


def test_the_length_of_a_name_is_that_of_its_bytes() -> None:
    assert arrived(Attribute("NAME", "é" * 64)).text("NAME") == "é" * 64
    with pytest.raises(InvalidArgumentError, match="has 129 bytes in UTF-8; OpenNebula accepts 128"):
        render([Attribute("NAME", "é" * 64 + "x")])


def test_keys_that_differ_in_case_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="CONTEXT has Key and KEY, which OpenNebula takes for the same"):
        render([Vector("CONTEXT", {"Key": "1", "KEY": "2"})])


# Variables that are wanted

NIC = Vector("NIC", {"NETWORK": "local", "NETWORK_UNAME": "oneadmin", "IP": "172.16.0.9"})


def test_variables_are_replaced_when_they_are_wanted() -> None:
    template = (
        Sandbox()
        .machines.allocate(
            "alice",
            parse_template(
                render(
                    [
                        NIC,
                        Attribute("NAME", "n"),
                        Attribute("REQUIREMENTS", WithVariables('NAME = "$UNAME"')),
                        Vector(
                            "CONTEXT",
                            {
                                "MASK": WithVariables('$NETWORK[NETWORK_MASK, NETWORK="local"]'),
                                "IP": WithVariables("$NIC[IP]/16"),
                                "PRICE": "$5",
                            },
                        ),
                    ]
                )
            ),
        )
        .template
    )
    assert context_of(template) == {"MASK": "255.255.0.0", "IP": "172.16.0.9/16", "PRICE": "$5"}
    assert template.text("REQUIREMENTS") == 'NAME = "alice"'


dollars = st.text(st.sampled_from('$$$AB1_[],= \t\n"é(') | st.sampled_from(string.printable), max_size=12)


@settings(deadline=None)
@given(dollars)
@example("$A,")
@example("$A =")
@example("$A\n1")
@example("$A[B,C=1]$")
def test_with_variables_too_a_daemon_refuses_nothing_that_was_accepted(value: str) -> None:
    try:
        text = render([Vector("CONTEXT", {"V": WithVariables(value), "W": "w"})])
    except InvalidArgumentError:
        return
    template = MACHINES.allocate("alice", parse_template(text)).template
    assert context_of(template)["W"] == "w"


@pytest.mark.parametrize("value", ["$", "a$", "$$", "$(date)", "${HOME}", "$A, b", "$A[B"])
def test_a_dollar_that_begins_no_variable_is_refused(value: str) -> None:
    with pytest.raises(InvalidArgumentError, match="the value of V has a '\\$' that begins no variable"):
        render([Vector("CONTEXT", {"V": WithVariables(value)})])


@pytest.mark.parametrize("name", ["A B", "A=", "", 'A"', "A\n", "1A"])
def test_a_name_that_could_be_something_else_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="cannot be the name"):
        render([Vector("CONTEXT", {name: "value"})])
