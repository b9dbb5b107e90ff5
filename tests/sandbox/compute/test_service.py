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

from ..conftest import ALICE, TEMPLATE, Oned, compute, info, listed, ok
from .conftest import post


def test_a_machine_is_created_with_the_next_number(oned: Oned) -> None:
    assert oned("alice", "one.vm.allocate", TEMPLATE) == [True, 0, 0]
    assert oned("bob", "one.vm.allocate", TEMPLATE) == [True, 1, 0]


def test_a_name_is_kept_or_made(oned: Oned) -> None:
    named = info(oned, ok(oned("alice", "one.vm.allocate", 'NAME="café & <b>"')))
    assert named.findtext("NAME") == named.findtext("TEMPLATE/NAME") == "café & <b>"
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
    ],
)
def test_what_cannot_be_created(oned: Oned, template: str, complaint: str) -> None:
    prefix = "[VirtualMachineAllocate] Error allocating a new virtual machine. "
    assert oned("alice", "one.vm.allocate", template) == [False, prefix + complaint, 8192]


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


def test_a_call_that_is_too_large(sandbox: Sandbox, http: requests.Session) -> None:
    answer = post(sandbox, http, "x" * 600_229)
    assert (answer.status_code, answer.text) == (500, "XML-RPC request too large (600229 bytes)")


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
