"""stratus-describe-instance on the sandbox."""

from __future__ import annotations

import csv
import io
import json
import socket
import threading
import time
from pathlib import Path

import pytest
from libcloud.compute.base import NodeImage

from stratus_commands.host_names import names_of
from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
from stratuslab_libcloud.sandbox import LcmState, Sandbox

from .conftest import RunCommand

HEADER = "id  state     vcpu memory    cpu% host/ip                 name\n"

pytestmark = pytest.mark.usefixtures("home_config")


@pytest.fixture(autouse=True)
def no_host_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses of machines have names at some sites, and none at others."""

    def unknown(address: str) -> None:
        raise OSError(f"no name for {address}")

    monkeypatch.setattr("socket.gethostbyaddr", unknown)


@pytest.fixture
def driver(home_config: Path) -> StratusLabNodeDriver:
    return StratusLabNodeDriver()


def start(driver: StratusLabNodeDriver, name: str | None = None, **options: object) -> StratusLabNode:
    image = next(image for image in driver.list_images() if image.name == "ttylinux")
    return driver.create_node(name, None, NodeImage(image.id, image.id, driver), **options)  # type: ignore[arg-type]


def test_nothing_is_a_header(run_command: RunCommand) -> None:
    assert run_command("describe-instance") == (0, HEADER, "")


def test_all_machines_and_some(run_command: RunCommand, driver: StratusLabNodeDriver) -> None:
    first, second = start(driver), start(driver, "a rather long name")
    lines = [
        f"{first.id:4}Running   1    1572864   0    {first.public_ips[0]:24}{first.name}\n",
        f"{second.id:4}Running   1    1572864   0    {second.public_ips[0]:24}a rather long name\n",
    ]
    assert run_command("describe-instance") == (0, HEADER + "".join(lines), "")
    assert run_command("describe-instance", second.id) == (0, HEADER + lines[1], "")
    assert run_command("describe-instance", second.id, "-n", first.id) == (0, HEADER + lines[1] + lines[0], "")


def test_quiet_prints_the_same(run_command: RunCommand) -> None:
    assert run_command("describe-instance", "-qqq").out == HEADER


def test_a_machine_that_ends(run_command: RunCommand, driver: StratusLabNodeDriver) -> None:
    node = start(driver)
    driver.destroy_node(node)
    driver.ex_wait_until_gone([node])
    assert run_command("describe-instance").out == HEADER
    assert (
        f"{node.id:4}Done      1    0         0    {node.public_ips[0]}"
        in run_command("describe-instance", node.id).out
    )


def test_columns_grow_with_their_values(
    run_command: RunCommand, sandbox: Sandbox, driver: StratusLabNodeDriver
) -> None:
    node = start(driver)
    machine = sandbox.machines[int(node.id)]
    machine.lcm_state = LcmState.LCM_INIT
    machine.revision += 1
    said = run_command("describe-instance")
    assert said.out.splitlines()[:2] == [
        "Invalid state: None",
        HEADER.replace("state     ", "state         ").rstrip("\n"),
    ]
    assert f"{node.id:4}Invalid State 1    " in said.out


def test_names_of_hosts(run_command: RunCommand, driver: StratusLabNodeDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    node = start(driver)
    monkeypatch.setattr("socket.gethostbyaddr", lambda address: (f"vm-{address}.example.org", [], [address]))
    assert f" vm-{node.public_ips[0]}.example.org " in run_command("describe-instance").out
    assert ".example.org" not in run_command("describe-instance", "-n").out


def test_an_address_whose_name_takes_long_is_shown() -> None:
    asked = threading.Event()
    never = threading.Event()

    def slow(address: str) -> None:
        asked.set()
        never.wait(20)
        raise OSError("too late")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("socket.gethostbyaddr", slow)
        assert names_of(["127.0.0.1"], seconds=0.1) == {}
    never.set()
    assert asked.is_set()


def test_formats_have_stable_names(run_command: RunCommand, driver: StratusLabNodeDriver) -> None:
    node = start(driver, "a, b", ex_network="local")
    expected = {
        "id": int(node.id),
        "state": "Running",
        "vcpu": 1,
        "memory": 1572864,
        "cpu": 0,
        "host": node.private_ips[0],
        "name": "a, b",
        "ip": node.private_ips[0],
        "network": "local",
        "ports": [],
        "error": None,
    }
    assert json.loads(run_command("describe-instance", "--format", "json").out) == [expected]
    [row] = csv.DictReader(io.StringIO(run_command("describe-instance", "--format=csv").out))
    assert row == {name: "" if value in (None, []) else str(value) for name, value in expected.items()}
    header, line = run_command("describe-instance", "--format", "table").out.splitlines()
    assert header.split() == [name.upper() for name in expected]
    assert line.split()[:2] == [node.id, "Running"]
    assert run_command("describe-instance", "--format", "xml").status == 2


def test_verbose_shows_why_a_machine_failed(run_command: RunCommand, driver: StratusLabNodeDriver) -> None:
    broken = next(image for image in driver.list_images() if "broken" in image.name.lower() or "panic" in image.name)
    node = driver.create_node("n", None, broken)
    said = run_command("describe-instance", "-v").out
    assert f"{node.id:4}Failed    1    0 " in said
    assert said.splitlines()[-1].startswith("    Error ")
    assert "Error" not in run_command("describe-instance").out


def test_very_verbose_shows_all_of_one(run_command: RunCommand, driver: StratusLabNodeDriver) -> None:
    node = start(driver)
    assert f"{node.id} (all attributes)\n  ended_at = None\n" in run_command("describe-instance", "-vvv", node.id).out


@pytest.mark.parametrize("identifier", ["4711", "abc"])
def test_an_unknown_machine(run_command: RunCommand, driver: StratusLabNodeDriver, identifier: str) -> None:
    node = start(driver)
    status, out, err = run_command("describe-instance", node.id, identifier)
    assert (status, out) == (1, "")
    assert err.startswith("Error: ")
    assert identifier in err
    assert run_command("describe-instance", identifier, "-qqq") == (1, "", "")


def test_without_a_cloud(run_command: RunCommand, home_config: Path) -> None:
    home_config.unlink()
    status, out, err = run_command("describe-instance")
    assert (status, out) == (2, "")
    assert "error: Missing cloud endpoint. Please provide --endpoint, or a configuration file: stratus-copy" in err


def test_several_sites(
    run_command: RunCommand, driver: StratusLabNodeDriver, sandbox: Sandbox, home_config: Path
) -> None:
    node = start(driver)
    url = sandbox.compute_url
    users = list(sandbox.users.items())
    lines = [f"{url} {name} {password}" for name, password in users[:2]]
    dead = "http://127.0.0.1:9/xmlrpc"
    with home_config.open("a") as file:
        file.write("endpoints = " + "\n  ".join([lines[0], f"{dead} jane x", lines[1]]) + "\n")
    status, out, err = run_command("describe-instance", "-m")
    assert status == 1
    assert out.startswith(f"::: {url} : {users[0][0]} :::{HEADER}{node.id:4}Running ")
    assert out.endswith(f"::: {url} : {users[1][0]} :::{HEADER}")
    assert err.startswith(f"Error: {dead}: ")
    assert run_command("describe-instance", "-m", node.id).status == 2
    said = run_command("describe-instance", "-m", "--format", "json")
    assert said.status == 1
    [row] = json.loads(said.out)
    assert (row["site"], row["user"], row["id"], row["state"]) == (url, users[0][0], int(node.id), "Running")


def test_a_site_without_a_password(run_command: RunCommand, home_config: Path) -> None:
    with home_config.open("a") as file:
        file.write("endpoints = http://x alice\n")
    status, out, err = run_command("describe-instance", "-m")
    assert (status, out) == (2, "")
    assert "is: endpoint username password" in err


def test_no_further_sites(run_command: RunCommand) -> None:
    assert run_command("describe-instance", "-m") == (0, HEADER, "")


def test_translated_ports(run_command: RunCommand, driver: StratusLabNodeDriver, sandbox: Sandbox) -> None:
    node = start(driver, ex_network="local")
    service = sandbox.compute_url.split("/")[2]
    options = ("--pat-enable", "--pat-service-host", service, "--pat-gateway-host", "127.0.0.1")
    for chosen in ((), (node.id,)):
        header, line = run_command("describe-instance", *options, *chosen).out.splitlines()
        assert header == HEADER.rstrip("\n").replace("name", "pat(VM:GW)      name")
        assert f" {node.private_ips[0]:24}22:" in line
    [row] = json.loads(run_command("describe-instance", *options, "--format", "json").out)
    assert row["ports"][0].startswith("22:")


def test_a_port_translation_service_that_is_not_there(run_command: RunCommand, driver: StratusLabNodeDriver) -> None:
    node = start(driver)
    status, out, err = run_command("describe-instance", "--pat-enable", "--pat-service-host", "127.0.0.1:9", node.id)
    assert (status, out) == (1, "")
    assert err.startswith("Error: Couldn't get port translation: ")


def test_a_site_that_says_nothing_is_not_waited_for_long(
    run_command: RunCommand, sandbox: Sandbox, home_config: Path
) -> None:
    [user, password] = next(iter(sandbox.users.items()))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        quiet = f"http://127.0.0.1:{silent.getsockname()[1]}/xmlrpc"
        sites = f"endpoints = {quiet} {user} x\n  {sandbox.compute_url} {user} {password}\nendpoint_timeout = 0.3\n"
        with home_config.open("a") as file:
            file.write(sites)
        began = time.monotonic()
        status, out, err = run_command("describe-instance", "-m")
    assert time.monotonic() - began < 20
    assert (status, out) == (1, f"::: {sandbox.compute_url} : {user} :::{HEADER}")
    assert err.startswith(f"Error: {quiet}: ")
