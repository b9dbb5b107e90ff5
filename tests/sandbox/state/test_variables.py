"""The variables in CONTEXT and REQUIREMENTS."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template
from stratuslab_libcloud.sandbox.state.template import Template
from stratuslab_libcloud.sandbox.state.variables import VariableError, Variables

TEMPLATE = Template(
    [
        ("NAME", "web"),
        ("DISK", {"TARGET": "vda", "SIZE": "1"}),
        ("DISK", {"TARGET": "vdb", "SIZE": "2"}),
        ("NIC", {"NETWORK": "public", "NETWORK_ID": "0", "IP": "10.1.1.1"}),
    ]
)


def expand(text: str) -> str:
    return Variables({"UNAME": "jane"}, TEMPLATE, lambda number: {"GATEWAY": f"gateway of {number}"}).expand(text)


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("plain", "plain"),
        ("cost $5 each", "cost  each"),
        ("$HOME/x", "/x"),
        ("$NAME", "web"),
        ("$name.$UNAME", "web.jane"),
        ("$NAME$NAME", "webweb"),
        ("$NIC[IP]!", "10.1.1.1!"),
        ("$NIC[MAC]", ""),
        ("$DISK[SIZE]", "1"),
        ("$DISK[ SIZE , TARGET = vdb ]", "2"),
        ('$DISK[SIZE, TARGET="vdb"]', "2"),
        ("$DISK[SIZE, TARGET=vdc]", ""),
        ('$NETWORK[GATEWAY, NETWORK="public"]', "gateway of 0"),
        ("$NETWORK[GATEWAY, NETWORK_ID=0]", "gateway of 0"),
        ("$NETWORK[GATEWAY]", ""),
        ("$DISK", ""),
        ("a\\$NAME", "a\\web"),
        ("$NAME\n", "web"),
        ("$NAME\n$NAME", "webweb"),
    ],
)
def test_what_variables_become(text: str, expanded: str) -> None:
    assert expand(text) == expanded


@pytest.mark.parametrize(
    "text",
    ["$", "a$", "$ b", "$$", "$(date)", "${HOME}", "$é", "$A,", "$A =", "$A]", "$A[", "$A[B", "$A\nb", "$A[B C]"],
)
def test_a_dollar_that_begins_no_variable(text: str) -> None:
    with pytest.raises(VariableError):
        expand(text)


@settings(deadline=None)
@given(st.text())
def test_what_is_put_in_is_not_read_again(value: str) -> None:
    assert Variables({}, Template([("V", value)]), lambda _: {}).expand("$V") == value


def context(text: str) -> dict[str, str]:
    machine = Sandbox().machines.allocate("alice", parse_template(text))
    return {key: value for key, value in machine.context.items() if key != "TARGET"}


def test_the_context_is_expanded_as_a_whole() -> None:
    assert context('CONTEXT=[A="x @^_^@ B=y", C="$UNAME-$VMID", D="$NOTHING"]') == {"A": "x", "B": "y", "C": "alice-0"}


def test_a_separator_can_be_put_in_too() -> None:
    assert context('P="x @^_^" Q="@ B=y" CONTEXT=[A="$P$Q"]') == {"A": "x", "B": "y"}


def test_the_networks_of_a_machine() -> None:
    nic = 'NIC=[NETWORK="local",NETWORK_UNAME=oneadmin]'
    assert context(nic + 'CONTEXT=[A="$NETWORK[NETWORK_MASK, NETWORK=\\"local\\"]", B="$NIC[IP]"]') == {
        "A": "255.255.0.0",
        "B": "172.16.0.1",
    }


def test_requirements_are_expanded() -> None:
    machine = Sandbox().machines.allocate("alice", parse_template('R="CPU > 1" REQUIREMENTS="$R & $NAME"'))
    assert machine.template.text("REQUIREMENTS") == "CPU > 1 & one-0"
