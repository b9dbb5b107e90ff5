"""What becomes of CONTEXT: a macro language, and the addresses of the machine."""

from __future__ import annotations

import base64

import pytest

from stratuslab_libcloud.sandbox import ManualClock, Sandbox

from ...opennebula.conftest import SMALL, Call, document, states


def context(ask: Call, given: str, template: str = SMALL) -> dict[str, str]:
    """The contextualization of a machine that was asked for with this one."""
    machine_id = ask("one.vm.allocate", f"{template} CONTEXT=[{given}]", True)
    found = document(ask, machine_id).find("TEMPLATE/CONTEXT")
    assert found is not None
    return {variable.tag: variable.text or "" for variable in found}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$NAME", "small"),
        ("$name", "small"),
        ("$UID/$GID/$UNAME/$GNAME", "2/1/alice/users"),
        ("$MEMORY MB", "512 MB"),
        ("echo $X > /tmp/y", "echo  > /tmp/y"),
        (r"\$HOME", r"\$HOME"),
        (r"C:\\dir", r"C:\\dir"),
        ("ends with \\", None),
        ("$NIC[IP]", "PUBLIC"),
        ("$NIC[IP, NETWORK=private]", "10.1.0.10"),
        ("$NETWORK[NETWORK_MASK, NETWORK_ID=1]", "255.255.0.0"),
        ("$NETWORK[DNS, NETWORK_ID=9]", ""),
        ("$USER[SSH_PUBLIC_KEY]", "ssh-ed25519 ALICE"),
        ("$USER[NOTHING]", ""),
        ("$OS[ARCH]", "x86_64"),
    ],
)
def test_macros(sandbox: Sandbox, ask: Call, text: str, expanded: str | None) -> None:
    ask("one.user.update", 2, 'SSH_PUBLIC_KEY="ssh-ed25519 ALICE"', 1)
    xml = (
        f"<T><NAME>small</NAME><CPU>1</CPU><MEMORY>512</MEMORY><OS><ARCH>x86_64</ARCH></OS><NIC><NETWORK_ID>0</NETWORK_ID>"
        f"</NIC><NIC><NETWORK_ID>1</NETWORK_ID></NIC><CONTEXT><X><![CDATA[{text}]]></X></CONTEXT></T>"
    )
    machine = document(ask, ask("one.vm.allocate", xml, True))
    if expanded is None:
        expanded = text[:-1].rstrip() if ask("one.system.version") == "7.4.0" and text.endswith(" ") else text[:-1]
    if expanded == "PUBLIC":
        expanded = machine.findtext("TEMPLATE/NIC/IP", "")
    assert machine.findtext("TEMPLATE/CONTEXT/X") == expanded


@pytest.mark.parametrize("text", ["$(hostname)", "${HOME}", "$@", "$$", "price: 5 $", "$1"])
def test_what_begins_no_macro_is_refused(refusal: Call, text: str) -> None:
    reason, code = refusal("one.vm.allocate", f'{SMALL} CONTEXT=[X="{text}"]', True)
    assert reason.startswith("Error parsing: ")
    assert code == 8192


def test_the_whole_template_is_a_macro(ask: Call) -> None:
    text = base64.b64decode(context(ask, 'X="$TEMPLATE"', f"{SMALL} OS=[ARCH=x86_64]")["X"]).decode()
    assert 'MEMORY="512"' in text
    assert 'ARCH="x86_64"' in text


def test_addresses_are_given_only_to_machines_that_ask(ask: Call) -> None:
    template = f"{SMALL} NIC=[NETWORK_ID=1]"
    assert "ETH0_IP" not in context(ask, "A=b", template)
    variables = context(ask, "NETWORK=yes,ETH0_IP=1.2.3.4", template)
    assert variables["ETH0_IP"].startswith("10.1.0.")
    assert variables["ETH0_MASK"] == "255.255.0.0"
    assert variables["ETH0_IP6"].startswith("2001:db8:0:1:")


def test_a_machine_without_a_context_has_none(ask: Call) -> None:
    assert document(ask, ask("one.vm.allocate", SMALL, True)).find("TEMPLATE/CONTEXT") is None


def test_a_password_can_be_read_on_request_only(ask: Call) -> None:
    machine_id = ask("one.vm.allocate", f"{SMALL} CONTEXT=[PASSWORD=geheim]", True)
    assert "geheim" not in ask("one.vm.info", machine_id)
    assert "<PASSWORD><![CDATA[geheim]]></PASSWORD>" in ask("one.vm.info", machine_id, True)


def test_the_context_can_be_replaced_or_added_to(ask: Call, clock: ManualClock, running: int) -> None:
    ask("one.vm.updateconf", running, "CONTEXT=[FOO=bar]", 1)
    assert states(ask, running) == (3, 17)
    clock.advance(10)
    found = document(ask, running).find("TEMPLATE/CONTEXT")
    assert found is not None
    assert (found.findtext("FOO"), found.findtext("NETWORK")) == ("bar", "YES")
    assert found.find("ETH1_IP") is not None
    ask("one.vm.updateconf", running, 'CONTEXT=[SSH_PUBLIC_KEY="new"]')
    found = document(ask, running).find("TEMPLATE/CONTEXT")
    assert found is not None
    assert {variable.tag for variable in found} == {"SSH_PUBLIC_KEY", "DISK_ID", "TARGET"}


def test_a_context_that_is_refused_changes_nothing(ask: Call, refusal: Call, clock: ManualClock, running: int) -> None:
    before = ask("one.vm.info", running)
    assert refusal("one.vm.updateconf", running, 'CONTEXT=[X="$("]')[1] == 2048
    assert ask("one.vm.info", running) == before
    assert refusal("one.vm.updateconf", running, "X=1") == ("The template has no CONTEXT", 2048)


def test_a_machine_that_starts_gets_no_other_context(ask: Call, refusal: Call, clock: ManualClock) -> None:
    machine_id = ask("one.vm.allocate", SMALL, False)
    clock.advance(1.5)
    assert refusal("one.vm.updateconf", machine_id, "CONTEXT=[A=b]")[1] == 2048


def test_values_are_trimmed_by_newer_releases(ask: Call, release: str) -> None:
    machine_id = ask("one.vm.allocate", f'{SMALL} X=" a b\n" V=[K=" c "] CONTEXT=[Y=" d"]', True)
    machine = document(ask, machine_id)
    values = [machine.findtext(path) for path in ("USER_TEMPLATE/X", "USER_TEMPLATE/V/K", "TEMPLATE/CONTEXT/Y")]
    assert values == {"6.10": [" a b\n", " c ", " d"], "7.4": ["a b", "c", "d"]}[release]
