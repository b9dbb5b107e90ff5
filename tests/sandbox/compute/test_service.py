"""The compute service, asked with the standard library's XML-RPC."""

from __future__ import annotations

import xml.etree.ElementTree as ET
import xmlrpc.client
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from stratuslab_libcloud.sandbox import ManualClock, Sandbox
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template
from stratuslab_libcloud.sandbox.http.fault import Fault, FaultKind

from ..conftest import ALICE, CALL, TEMPLATE, USERS, Oned, compute, info, listed, ok, states
from .conftest import post


def test_a_machine_is_created_with_the_next_number(oned: Oned) -> None:
    assert oned("alice", "one.vm.allocate", TEMPLATE) == [True, 0, 0]
    assert oned("bob", "one.vm.allocate", TEMPLATE) == [True, 1, 0]


def test_a_name_is_kept_or_made(oned: Oned) -> None:
    named = info(oned, ok(oned("alice", "one.vm.allocate", 'NAME="café > b"')))
    assert named.findtext("NAME") == named.findtext("TEMPLATE/NAME") == "café > b"
    unnamed = info(oned, ok(oned("alice", "one.vm.allocate", "")))
    assert unnamed.findtext("NAME") == unnamed.findtext("TEMPLATE/NAME") == "one-1"


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        (
            "garbage",
            "Parse error: syntax error, unexpected $end, expecting EQUAL or EQUAL_EMPTY at line 1, columns 1:8",
        ),
        (
            "CPU=",
            "Parse error: syntax error, unexpected $end, expecting OBRACKET or STRING at line 1, columns 4:5",
        ),
        (
            "<VM><CPU>1</CPU><MEMORY>64</MEMORY></VM>",
            "Parse error: syntax error, unexpected VARIABLE, expecting EQUAL or EQUAL_EMPTY at line 1, columns 6:9",
        ),
        ('NIC=[NETWORK="nonet"]', "Could not get virtual network for VM."),
        ('NIC=[NETWORK="public"]', "Could not get virtual network for VM."),
        ('NIC=[NETWORK="public",NETWORK_UNAME=oneadmin,IP=10.0.0.1]', "Could not get virtual network for VM."),
        ('NIC=[NETWORK="public",NETWORK_UNAME=oneadmin,IP=nine]', "Could not get virtual network for VM."),
        ('DISK=[IMAGE="noimg"]', "Could not get disk image for VM."),
        ('NAME="a & b"', "Error transforming the VM to XML."),
        ('NAME="a < b"', "Error transforming the VM to XML."),
        ('NAME="a]]>b"', "Error transforming the VM to XML."),
        ('A="a]]>b"', "Error transforming the VM to XML."),
        ('A=[B="a]]>b"]', "Error transforming the VM to XML."),
        ('P="a]]" Q=">b" CONTEXT=[V="$P$Q"]', "Error transforming the VM to XML."),
        ('CONTEXT=[1A="x"]', "Error transforming the VM to XML."),
        (f'NAME="{"é" * 64}x"', "NAME is too long; max length is 128 chars."),
        ('CONTEXT="x"', "Wrong format for CONTEXT attribute."),
        ("CONTEXT=[A=1] CONTEXT=[B=2]", "Only one CONTEXT attribute can be defined."),
        ("REQUIREMENTS=[A=1]", "Wrong format for REQUIREMENTS attribute."),
        ('REQUIREMENTS="a" REQUIREMENTS="b"', "Only one REQUIREMENTS attribute can be defined."),
        ('CONTEXT=[V="$(date)"]', ""),
        ('REQUIREMENTS="cost $"', ""),
    ],
)
def test_what_cannot_be_created(oned: Oned, template: str, complaint: str) -> None:
    text = f"[VirtualMachineAllocate] Error allocating a new virtual machine. {complaint}".rstrip()
    assert oned("alice", "one.vm.allocate", template) == [False, text, 8192]


def test_what_cannot_be_created_leases_no_address(sandbox: Sandbox, oned: Oned) -> None:
    nic = 'NIC=[NETWORK="local",NETWORK_UNAME=oneadmin,IP="172.16.0.9"]'
    assert oned("alice", "one.vm.allocate", f'{nic} CONTEXT=[V="$$"]')[0] is False
    ok(oned("alice", "one.vm.allocate", nic))


def test_what_a_template_leaves_open(oned: Oned) -> None:
    machine = info(oned, ok(oned("alice", "one.vm.allocate", "CONTEXT=[A=1] GRAPHICS=[TYPE=vnc]")))
    assert machine.findtext("TEMPLATE/CONTEXT/TARGET") == "hdb"
    assert machine.findtext("TEMPLATE/GRAPHICS/PORT") == "5900"
    machine = info(oned, ok(oned("alice", "one.vm.allocate", "CONTEXT=[TARGET=hdd] GRAPHICS=[PORT=5]")))
    assert machine.findtext("TEMPLATE/CONTEXT/TARGET") == "hdd"
    assert machine.findtext("TEMPLATE/GRAPHICS/PORT") == "5"


def test_disks_and_nics_that_are_texts_or_name_no_network_are_kept(oned: Oned, clock: ManualClock) -> None:
    template = 'NIC="x" DISK="y" DISK=[SIZE=1] NIC=[NETWORK_UNAME=oneadmin]'
    machine_id = ok(oned("alice", "one.vm.allocate", template))
    for seconds in (0, 10):
        clock.advance(seconds)
        found = info(oned, machine_id).find("TEMPLATE")
        assert found is not None
        assert [nic.text or nic[0].text for nic in found.findall("NIC")] == ["x", "oneadmin"]
        assert found.findtext("DISK") == "y"
        assert found.findtext("DISK/DISK_ID") == "0"
    ok(oned("alice", "one.vm.action", "finalize", machine_id))


def test_a_nic_without_a_network_is_kept_when_a_machine_starts_anew(
    sandbox: Sandbox, oned: Oned, clock: ManualClock
) -> None:
    broken = next(entry for entry in sandbox.entries if entry.title == "Broken boot").identifier
    template = TEMPLATE.replace("BN1EEkPiBx87_uLj2-sdybSI-Xb", broken) + "NIC=[NETWORK_UNAME=oneadmin]"
    machine_id = ok(oned("alice", "one.vm.allocate", template))
    clock.advance(10)
    assert states(oned, machine_id) == (7, 0)
    ok(oned("alice", "one.vm.action", "resubmit", machine_id))
    nics = info(oned, machine_id).findall("TEMPLATE/NIC")
    assert [(nic.findtext("NETWORK"), nic.findtext("IP") is None) for nic in nics] == [("public", False), (None, True)]


def test_names_of_attributes_that_begin_with_no_letter(oned: Oned) -> None:
    machine = info(oned, ok(oned("alice", "one.vm.allocate", "1A=x _A=y")))
    assert (machine.findtext("TEMPLATE/ONE_1A"), machine.findtext("TEMPLATE/ONE__A")) == ("x", "y")


@pytest.fixture
def four_machines(oned: Oned, clock: ManualClock) -> None:
    """0 and 2 are alice's, 1 and 3 are bob's; 2 is done, 3 pending, the others run."""
    for user in ("alice", "bob", "alice"):
        ok(oned(user, "one.vm.allocate", TEMPLATE))
    clock.advance(10)
    ok(oned("alice", "one.vm.action", "finalize", 2))
    clock.advance(10)
    ok(oned("bob", "one.vm.allocate", TEMPLATE))


@pytest.mark.usefixtures("four_machines")
@pytest.mark.parametrize(
    ("user", "parameters", "expected"),
    [
        ("alice", (-3, -1, -1, -1), [0]),
        ("alice", (-2, -1, -1, -1), [0]),
        ("alice", (-1, -1, -1, -1), [0]),
        ("alice", (2, -1, -1, -1), [0]),
        ("alice", (3, -1, -1, -1), []),
        ("alice", (-3, -1, -1, -2), [0, 2]),
        ("alice", (-3, -1, -1, 6), [2]),
        ("oneadmin", (-3, -1, -1, -2), []),
        ("oneadmin", (-2, -1, -1, -2), [0, 1, 2, 3]),
        ("oneadmin", (-2, -1, 1, -2), [0, 1, 2, 3]),
        ("oneadmin", (-2, 1, 2, -2), [1, 2]),
        ("oneadmin", (-2, 2, -1, -2), [2, 3]),
        ("oneadmin", (-2, 1, -5, -2), []),
        ("oneadmin", (-2, -3, -1, -2), [0, 1, 2, 3]),
        ("oneadmin", (-2, 2, 1, -2), []),
        ("oneadmin", (-2, -1, -1, 1), [3]),
        ("oneadmin", (-2, -1, -1, 3), [0, 1]),
        ("oneadmin", (3, -1, -1, -1), [1, 3]),
    ],
)
def test_listings(oned: Oned, user: str, parameters: tuple[int, ...], expected: list[int]) -> None:
    assert listed(oned, *parameters, user=user) == expected


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [((-4, -1, -1, -1), "Incorrect filter_flag"), ((-2, -1, -1, -9), "Incorrect filter_flag, state")],
)
def test_listings_that_do_not_exist(oned: Oned, parameters: tuple[int, ...], complaint: str) -> None:
    answer = oned("alice", "one.vmpool.info", *parameters)
    assert answer == [False, f"[VirtualMachinePoolInfo] {complaint}", 4096]


def test_a_listing_shows_what_changed(oned: Oned, clock: ManualClock, machine_id: int) -> None:
    def listed_state() -> str | None:
        return ET.fromstring(ok(oned("alice", "one.vmpool.info", -3, -1, -1, -1))).findtext("VM/LCM_STATE")

    assert listed_state() == "0"
    clock.advance(10)
    assert listed_state() == "3"


def test_machines_of_others_are_not_shown(oned: Oned, machine_id: int) -> None:
    oned("bob", "one.vmpool.info", -3, -1, -1, -1)
    assert oned("bob", "one.vm.info", machine_id) == [
        False,
        "[VirtualMachineInfo] User [3] : Not authorized to perform USE VM [0].",
        512,
    ]
    assert oned("bob", "one.vm.action", "finalize", machine_id) == [
        False,
        "[VirtualMachineAction] User [3] : Not authorized to perform MANAGE VM [0].",
        512,
    ]


def test_a_machine_that_is_not_there(oned: Oned) -> None:
    text = "Error getting virtual machine [999]."
    assert oned("alice", "one.vm.info", 999) == [False, f"[VirtualMachineInfo] {text}", 1024]
    assert oned("alice", "one.vm.action", "foo", 999) == [False, f"[VirtualMachineAction] {text}", 1024]


def test_machines_created_by_many_threads_are_all_there(sandbox: Sandbox, oned: Any) -> None:
    def create(_: int) -> int:
        with requests.Session() as session:
            call = xmlrpc.client.dumps(("", "CPU=1"), "one.vm.allocate")
            (values,), _method = xmlrpc.client.loads(session.post(compute(sandbox), data=call, auth=ALICE).content)
            return int(values[1])

    with ThreadPoolExecutor(16) as pool:
        numbers = list(pool.map(create, range(100)))
    assert sorted(numbers) == list(range(100))


def test_a_call_that_is_too_large_ends_in_a_reset(sandbox: Sandbox, http: requests.Session) -> None:
    assert post(sandbox, http, "x" * 524_288).status_code == 200
    with pytest.raises(requests.ConnectionError):
        post(sandbox, http, "x" * 524_289)


def test_a_call_without_a_body(sandbox: Sandbox, http: requests.Session) -> None:
    assert post(sandbox, http, "", headers={"Content-Length": "0"}).status_code == 400


@pytest.mark.parametrize("machine_id", [-1, -2])
def test_negative_numbers_are_not_for_users(oned: Oned, machine_id: int) -> None:
    oned("alice", "one.vmpool.info", -3, -1, -1, -1)
    assert oned("alice", "one.vm.info", machine_id) == [
        False,
        "[VirtualMachineInfo] User [2] : Not authorized to perform USE VM.",
        512,
    ]
    assert oned("alice", "one.vm.action", "finalize", machine_id)[2] == 512


def test_a_daemon_that_starts_knows_nobody_and_then_permits_nothing(http: requests.Session) -> None:
    clock = ManualClock()
    sandbox = Sandbox(users=USERS, clock=clock, start_seconds=5)

    def listing() -> list[Any]:
        answer = http.post(compute(sandbox), data=CALL, auth=ALICE)
        (values,), _ = xmlrpc.client.loads(answer.content)
        return list(values)

    with sandbox:
        assert listing() == [False, "[VirtualMachinePoolInfo] User couldn't be authenticated, aborting call.", 256]
        clock.advance(5)
        ok(listing())
    with sandbox:
        text = "[VirtualMachinePoolInfo] User [2] : Could not find Authorization driver."
        assert listing() == [False, text, 512]
        clock.advance(4)
        assert listing()[2] == 512
        clock.advance(1)
        ok(listing())


def test_a_daemon_that_is_restarted_starts(http: requests.Session) -> None:
    clock = ManualClock()
    with Sandbox(users=USERS, clock=clock, start_seconds=5) as sandbox:

        def answer() -> str:
            return http.post(compute(sandbox), data=CALL, auth=ALICE).text

        clock.advance(5)
        assert "<VM_POOL>" in answer().replace("&lt;", "<").replace("&gt;", ">")
        sandbox.faults.add(Fault(FaultKind.RESTART, "compute", count=1, seconds=2))
        answer()
        clock.advance(6)
        assert "Could not find Authorization driver." in answer()
        clock.advance(1)
        assert "Authorization" not in answer()


def test_a_call_without_a_length(sandbox: Sandbox, http: requests.Session) -> None:
    assert post(sandbox, http, iter([b"<methodCall/>"])).status_code == 411


def test_only_post_is_answered(sandbox: Sandbox, http: requests.Session) -> None:
    url = sandbox.compute_url.replace("/xmlrpc", "/pswd/xmlrpc")
    assert http.get(url, auth=("alice", "secret")).status_code == 405


def test_a_wrong_password_is_an_html_401(sandbox: Sandbox, http: requests.Session) -> None:
    url = sandbox.compute_url.replace("/xmlrpc", "/pswd/xmlrpc")
    answer = http.post(url, data="", auth=("alice", "wrong"))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="StratusLab Password Realm"'
    assert answer.headers["Content-Type"].startswith("text/html")


NAMES = ["jane@example.org", "Müller", "a b", "CN=Jane,O=X", "percent%41"]


@pytest.mark.parametrize("name", NAMES)
def test_names_and_passwords_have_any_characters(http: requests.Session, name: str) -> None:
    password = "pä:ss%41 wörd\\"
    with Sandbox(users={name: password}, boot_seconds=0) as sandbox:
        sandbox.machines.allocate(name, parse_template("CPU=1"))
        call = xmlrpc.client.dumps(("x", 0), "one.vm.info")
        for encoding in ("utf-8", "latin-1"):
            answer = http.post(
                sandbox.compute_url.replace("/xmlrpc", "/pswd/xmlrpc"),
                data=call,
                auth=(name.encode(encoding), password.encode(encoding)),
            )
            (values,), _ = xmlrpc.client.loads(answer.content)
            machine = ET.fromstring(ok(values))
            assert machine.findtext("UNAME") == requests.utils.quote(name, safe="").replace("%20", "+")
