"""What the page shows and does, over HTTP."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time

import pytest
import requests

from stratuslab_libcloud.sandbox import Fault, FaultKind, ManualClock, Sandbox
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template
from stratuslab_libcloud.sandbox.http.server import HttpServer
from stratuslab_libcloud.sandbox.state.disk import DiskFields
from stratuslab_libcloud.sandbox.state.users import DISK_SERVICE_USER

from ..conftest import ALICE, USERS, allocate
from .conftest import Ask, Texts, address, token

NONE = "\N{EN DASH}"
PUBLIC = 'NIC=[NETWORK="public",NETWORK_UNAME=oneadmin]'


def text(page: Ask, query: str = "") -> str:
    """What a person reads on the page."""
    return Texts(page(f"/cloud{query}").text).text


def row(page: Ask, key: str, query: str = "") -> str:
    """What a person reads in one row of a table."""
    found = re.search(rf'<(tr|li) id="{key}">.*?</\1>', page(f"/cloud{query}").text, re.DOTALL)
    assert found, f"there is no row {key}"
    return Texts(found[0]).text


def test_the_page_has_a_port_of_its_own(sandbox: Sandbox, http: requests.Session) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/#token=[\w-]{43}", sandbox.page_url)
    assert sandbox.page_url == sandbox.page_url
    assert not sandbox.page_url.startswith(f"{sandbox.url}/")
    assert http.get(f"{sandbox.url}/", timeout=5).status_code == 404


def test_there_is_no_page_before_the_start_nor_after_the_end(http: requests.Session) -> None:
    sandbox = Sandbox()
    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.page_url
    with sandbox:
        url = address(sandbox)
        assert http.get(url, timeout=5).status_code == 200
    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.page_url
    with pytest.raises(requests.ConnectionError):
        http.get(url, timeout=5)


def test_what_nobody_looks_at_costs_nothing() -> None:
    program = """
import sys, threading
from stratuslab_libcloud.sandbox import Sandbox
with Sandbox() as sandbox:
    web = "stratuslab_libcloud.sandbox.web"
    before = threading.active_count()
    assert not [name for name in sys.modules if name.startswith(web)]
    sandbox.page_url
    assert [name for name in sys.modules if name.startswith(web)]
    assert threading.active_count() == before + 1
assert threading.active_count() == 1
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="Elsewhere, servers look more often whether they are to stop.")
def test_a_page_that_nobody_looks_at_does_nothing(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[HttpServer] = []
    monkeypatch.setattr(HttpServer, "service_actions", lambda server: looked.append(server))
    assert sandbox.page_url
    time.sleep(1.2)
    assert 2 <= len(looked) <= 8  # two servers, each twice a second


def test_machines(sandbox: Sandbox, page: Ask, clock: ManualClock) -> None:
    assert "There are no machines." in text(page)
    machine = sandbox.machines.allocate("alice", parse_template(f"NAME=worker CPU=2 MEMORY=1536 {PUBLIC}"))
    assert row(page, "machine-0").startswith("PENDING 0 worker alice")
    clock.advance(5)
    shown = row(page, "machine-0")
    address, host = machine.nics[0]["IP"], machine.history[-1].host.name
    assert shown.startswith(f"RUNNING 0 worker alice {address} {host} 2 1.5 GiB 5 s")
    steps = re.findall(r"\d\d:\d\d:\d\d\.\d{3} ([A-Z]+) (since [\d.]+ s|[\d.]+ s)", shown)
    assert steps == [("PENDING", "0.90 s"), ("PROLOG", "0.90 s"), ("BOOT", "1.20 s"), ("RUNNING", "since 2.00 s")]
    assert shown.count(f"on {host}") == 1
    assert "1 machine 1 running" in text(page)


def test_why_a_machine_failed(sandbox: Sandbox, page: Ask, clock: ManualClock) -> None:
    broken = next(entry for entry in sandbox.entries if entry.title == "Broken boot")
    source = f"{sandbox.marketplace_url}/metadata/{broken.identifier}"
    sandbox.machines.allocate("alice", parse_template(f'DISK=[SOURCE="{source}"]'))
    clock.advance(5)
    assert row(page, "machine-0").startswith("FAILED")
    assert "the kernel of this image always panics" in row(page, "machine-0")
    assert "1 failed" in text(page)


def test_machines_that_ended_leave_with_their_life_line(sandbox: Sandbox, page: Ask, clock: ManualClock) -> None:
    sandbox.machines.allocate("alice", parse_template("CPU=1"))
    clock.advance(10)
    sandbox.machines.act("alice", 0, "finalize")
    clock.advance(50)
    assert row(page, "machine-0").startswith("DONE")
    clock.advance(30)
    assert "Machines 0 1 machine ended before the time line begins: choose a longer one above." in text(page)
    assert "No machine fits the search." in text(page, "?search=another")
    assert row(page, "machine-0", "?seconds=600").startswith("DONE")
    clock.advance(10_000)
    assert row(page, "machine-0", "?seconds=all").startswith("DONE")


def test_machines_are_searched_for(sandbox: Sandbox, page: Ask, clock: ManualClock) -> None:
    for name in ("head", "worker-1", "worker-2"):
        sandbox.machines.allocate("bob" if name == "head" else "alice", parse_template(f"NAME={name} {PUBLIC}"))
    clock.advance(5)
    third = sandbox.machines[2]
    for search, found in (
        ("", [2, 1, 0]),
        ("WORKER", [2, 1]),
        ("bob", [0]),
        ("running", [2, 1, 0]),
        (third.nics[0]["IP"], [2]),
        (third.history[-1].host.name, [2]),
        ("nothing", []),
    ):
        ids = re.findall(r'<tr id="machine-(\d+)"', page(f"/cloud?search={search}").text)
        assert [int(number) for number in ids] == found


def test_a_hundred_machines_are_shown(sandbox: Sandbox, page: Ask) -> None:
    for _ in range(103):
        sandbox.machines.allocate("alice", parse_template("CPU=1"))
    document = page().text
    assert document.count('<tr id="machine-') == 100
    assert 'id="machine-102"' in document
    assert "The newest 100 of 103 are shown" in Texts(document).text


def test_volumes_and_what_they_are_attached_to(sandbox: Sandbox, page: Ask, clock: ManualClock) -> None:
    machine = sandbox.machines.allocate("alice", parse_template("CPU=1"))
    clock.advance(5)
    disk = sandbox.disks.create("alice", DiskFields(size=7, owner="alice", tag="my data"))
    assert f"my data {disk.uuid} 7 GiB alice data image raw read write, private {NONE}" == row(
        page, f"volumes-{disk.uuid}"
    )
    host = machine.history[-1].host.name
    sandbox.disks.attach("alice", disk.uuid, node=host, vm_id="0", register_only=False)
    assert row(page, f"volumes-{disk.uuid}").endswith("0 as vdz")
    assert '<a href="#machine-0">0 as vdz</a>' in page().text


def test_volumes_of_users_stand_before_the_images_of_the_disk_service(sandbox: Sandbox, page: Ask) -> None:
    owners = {}
    for owner in [DISK_SERVICE_USER, "alice", "bob"] * 10:
        owners[sandbox.disks.create(owner, DiskFields(size=1)).uuid] = owner
    keys = re.findall(r'<tr id="volumes-([^"]+)"', page().text)
    assert [owners[key] == DISK_SERVICE_USER for key in keys] == [False] * 20 + [True] * 10


def test_images_users_networks_and_leases(sandbox: Sandbox, page: Ask) -> None:
    machine = sandbox.machines.allocate("alice", parse_template(PUBLIC))
    shown = text(page)
    nic = machine.nics[0]
    for words in (
        "ttylinux ESwGFAZqup5nRwjQDRU-JzSDXhX ttylinux 16.1 x86_64 40 MiB jane.builder@example.org valid",
        "Debian 6.0 x86_64 2 GiB jane.builder@example.org deprecated",
        "CentOS 5.9 x86_64 2 GiB jane.builder@example.org expired",
        "2 alice alice 1 0",
        f"{NONE} bob bob 0 0",
        f"0 public {sandbox.networks['public'].addresses} 1",
        f"{nic['IP']} public machine 0 {nic['MAC']}",
        f"compute {sandbox.compute_url} disks {sandbox.disks_url} Marketplace {sandbox.marketplace_url}",
    ):
        assert words in shown


def test_requests(sandbox: Sandbox, page: Ask, http: requests.Session) -> None:
    assert "Nothing has been asked yet." in text(page)
    with sandbox.faults.during(Fault(FaultKind.STATUS, "compute", count=1)):
        allocate(sandbox, http)
    http.get(f"{sandbox.disks_url}/pswd/disks", auth=ALICE, timeout=5)
    http.get(f"{sandbox.url}/nowhere", timeout=5)
    assert re.fullmatch(
        r"[\d:]{8}\.\d{3} compute one\.vm\.allocate alice 503 Service Unavailable status [\d.]+ ms",
        row(page, "request-1"),
    )
    assert re.fullmatch(r"[\d:]{8}\.\d{3} disks GET /disks alice 200 OK [\d.]+ ms", row(page, "request-2"))
    assert re.fullmatch(
        rf"[\d:]{{8}}\.\d{{3}} none GET /nowhere {NONE} 404 Not Found [\d.]+ ms", row(page, "request-3")
    )
    document = page().text
    assert document.index('id="request-3"') < document.index('id="request-1"')


def test_a_request_that_got_no_answer(sandbox: Sandbox, page: Ask, http: requests.Session) -> None:
    with sandbox.faults.during(Fault(FaultKind.RESET_AFTER)), pytest.raises(requests.ConnectionError):
        http.get(f"{sandbox.marketplace_url}/metadata", timeout=5)
    assert "no answer reset-after" in row(page, "request-1")


def test_faults_are_set_and_lifted(sandbox: Sandbox, page: Ask, http: requests.Session) -> None:
    form = {"kind": "status", "service": "disks", "operation": "GET *", "percent": "50", "count": "3", "status": "502"}
    page("/faults", form)
    page("/faults", {"kind": "delay", "seconds": "0.5"})
    first, second = (active.fault for active in sandbox.faults.active)
    assert first == Fault(FaultKind.STATUS, "disks", "GET *", chance=0.5, count=3, status=502)
    assert second == Fault(FaultKind.DELAY, seconds=0.5)
    assert row(page, "fault-1").startswith(
        "status on HTTP error, not done disks , GET * , 50 % of the requests happened 0 of 3 times"
    )
    page("/faults/1/lift", {})
    page("/faults/7/lift", {})
    assert [active.fault for active in sandbox.faults.active] == [second]
    page("/faults/lift", {})
    assert "Everything works as it should." in text(page)


def test_a_fault_that_is_over(sandbox: Sandbox, page: Ask, http: requests.Session) -> None:
    page("/faults", {"kind": "status", "count": "1"})
    http.get(sandbox.marketplace_url, timeout=5)
    assert row(page, "fault-1").startswith("status on")
    http.get(f"{sandbox.marketplace_url}/metadata", timeout=5)
    assert row(page, "fault-1").startswith(
        "status over HTTP error, not done any service, any operation happened 1 of 1 time"
    )


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ({"kind": "nothing"}, "there is no fault 'nothing'"),
        ({}, "there is no fault ''"),
        ({"kind": "delay", "service": "cloud"}, "there is no service 'cloud'."),
        ({"kind": "delay", "operation": "walk"}, "service '*' has no operation 'walk'."),
        ({"kind": "delay", "percent": "200"}, "the chance of a fault is between 0 and 1, not 2.0"),
        ({"kind": "delay", "percent": "many"}, "for percent, a number is wanted, not 'many'"),
        ({"kind": "delay", "seconds": "nan"}, "for seconds, a number is wanted, not 'nan'"),
        ({"kind": "delay", "seconds": "1e999"}, "for seconds, a number is wanted, not '1e999'"),
        ({"kind": "delay", "count": "-1"}, "a fault happens once or more often, not -1 times"),
        ({"kind": "status", "status": "99"}, "an HTTP status is between 100 and 599, not 99"),
    ],
)
def test_a_fault_that_cannot_be(sandbox: Sandbox, page: Ask, form: dict[str, str], complaint: str) -> None:
    answer = page("/faults", form)
    assert answer.status_code == 422
    assert complaint in Texts(answer.text).text
    assert sandbox.faults.active == []


def test_the_clock_is_moved(sandbox: Sandbox, page: Ask, clock: ManualClock) -> None:
    sandbox.machines.allocate("alice", parse_template("CPU=1"))
    assert "Something happens in 0.90 s." in text(page)
    started = clock.now()
    assert "BOOT" in Texts(page("/clock", {"move": "2.5"}).text).text
    assert clock.now() - started == 2.5
    [to_next] = re.findall(r'id="move-next" name="move" value="([^"]+)"', page().text)
    page("/clock", {"move": to_next})
    assert sandbox.machines[0].is_running
    assert "Nothing happens by itself." in text(page)


@pytest.mark.parametrize("move", ["-1", "nan", "inf", "1e9", "soon"])
def test_how_the_clock_is_not_moved(page: Ask, clock: ManualClock, move: str) -> None:
    started = clock.now()
    assert page("/clock", {"move": move}).status_code == 422
    assert clock.now() == started


def test_the_computers_own_clock_is_not_moved(http: requests.Session) -> None:
    with Sandbox(users=USERS) as sandbox:
        headers = {"X-Sandbox-Token": token(sandbox)}
        answer = http.post(f"{address(sandbox)}/clock", data={"move": "1"}, headers=headers, timeout=5)
        assert answer.status_code == 404
        assert "/clock" not in http.get(f"{address(sandbox)}/cloud", headers=headers, timeout=5).text


def test_the_page_is_there_while_the_cloud_is_not(sandbox: Sandbox, page: Ask, http: requests.Session) -> None:
    with sandbox.out_of_reach():
        with pytest.raises(requests.ConnectionError):
            http.get(sandbox.marketplace_url, timeout=5)
        assert page().status_code == 200


def test_the_page_does_not_change_what_it_shows(sandbox: Sandbox, page: Ask) -> None:
    sandbox.machines.allocate("alice", parse_template("CPU=1"))
    assert page().text == page().text
    assert len(sandbox.requests) == sandbox.requests.connections == 0


def test_many_look_while_machines_come_and_go(sandbox: Sandbox, page: Ask, clock: ManualClock) -> None:
    answers: list[int] = []
    stop = threading.Event()
    headers = {"X-Sandbox-Token": token(sandbox)}

    def look() -> None:
        while not stop.is_set():
            answers.append(requests.get(f"{address(sandbox)}/cloud", headers=headers, timeout=5).status_code)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(30):
        sandbox.machines.allocate("alice", parse_template(PUBLIC))
        clock.advance(1)
        sandbox.machines.act("alice", number // 2, "finalize")
    stop.set()
    for thread in threads:
        thread.join()
    assert set(answers) == {200}
    sandbox.check()


def test_identifiers_are_each_there_once_and_links_lead_to_them(
    sandbox: Sandbox, page: Ask, clock: ManualClock
) -> None:
    for name in ("a b", "c"):
        sandbox.machines.allocate(f"user {name}", parse_template(f'NAME="{name}" {PUBLIC}'))
    clock.advance(5)
    document = page("/").text + page().text
    ids = Texts(document).ids
    assert sorted(set(ids)) == sorted(ids)
    assert [name for name in ids if not re.fullmatch("[A-Za-z0-9_-]+", name)] == []
    assert set(re.findall(r'href="#([^"]+)"', document)) <= set(ids)


# An OpenNebula cloud


@pytest.fixture
def see(opennebula: Sandbox, http: requests.Session) -> Ask:
    """Asks the page of an OpenNebula cloud."""

    def see(path: str = "/cloud") -> requests.Response:
        return http.get(address(opennebula) + path, headers={"X-Sandbox-Token": token(opennebula)}, timeout=5)

    return see


def test_an_opennebula_cloud(opennebula: Sandbox, see: Ask) -> None:
    cloud = opennebula.opennebula
    alice = cloud.users.named("alice")
    with cloud.lock:
        image = cloud.images.allocate(alice, parse_template('NAME="my data" TYPE=DATABLOCK SIZE=2048'), 100)
    with cloud.lock:
        machine = cloud.templates.instantiate(alice, 1, "web", parse_template(""))
    with cloud.lock:
        cloud.hotplug.attach(alice, machine, {"IMAGE_ID": str(image.id)})
    public, private = machine.nics
    shown = text(see)
    assert row(see, "machine-0").startswith(
        f"RUNNING 0 web alice {public['IP']} {private['IP']} {private['IP6_GLOBAL']} "
        f"{machine.history[-1].host.name} 2 4 GiB"
    )
    for words in (
        "OpenNebula 7.4.0",
        f"XML-RPC {opennebula.compute_url}",
        "3 my data 2 GiB alice images USED 0 as sdb",
        "0 debian12 OS 1 GiB oneadmin images USED 1",
        "1 large oneadmin 2 4 GiB",
        f"0 public oneadmin {cloud.networks[0].ranges[0].ip} 1 253",
        f"{public['IP']} public machine 0 {public['MAC']}",
        "100 web oneadmin OUTBOUND ALL INBOUND TCP 22,80,443",
        "0 system system, disabled 0 MiB",
        "2 alice users 1 enabled",
    ):
        assert words in shown


def test_why_an_opennebula_machine_failed(opennebula: Sandbox, see: Ask) -> None:
    cloud = opennebula.opennebula
    cloud.drivers.fail("deploy")
    with cloud.lock:
        cloud.templates.instantiate(cloud.users.named("alice"), 0, "web", parse_template(""))
    assert row(see, "machine-0").startswith("BOOT_FAILURE 0 web")
    assert "DEPLOY: " in row(see, "machine-0")
    cloud.users.named("bob").enabled = False
    assert "bob users 0 disabled" in text(see)
