"""The commands for machines, on a cloud of today's OpenNebula."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from stratuslab_libcloud import OpenNebulaNodeDriver
from stratuslab_libcloud.sandbox import Sandbox

from .conftest import DEFAULT_FILE, RunCommand

TITLE = "\n :::::::::::::::::::::::::\n :: Starting machine(s) ::\n :::::::::::::::::::::::::\n"


@pytest.fixture(params=["6.10", "7.4"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(kind="opennebula", version=request.param, boot_seconds=0) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def home_config(clean_environment: Path, sandbox: Sandbox, key_file: Path) -> Path:
    file = clean_environment / DEFAULT_FILE
    file.parent.mkdir(mode=0o700)
    return sandbox.write_config(file, public_key_file=key_file)


@pytest.fixture
def driver(home_config: Path) -> OpenNebulaNodeDriver:
    return OpenNebulaNodeDriver(stratuslab_user_config=home_config)


@pytest.fixture
def image(driver: OpenNebulaNodeDriver) -> str:
    return next(image.id for image in driver.list_images() if image.name == "debian12")


@pytest.fixture
def network() -> str:
    return "public"


def test_the_life_of_a_machine(run_command: RunCommand, driver: OpenNebulaNodeDriver, image: str, network: str) -> None:
    status, out, err = run_command("run-instance", "--network", network, image)
    [node] = driver.list_nodes()
    address = (node.private_ips + node.public_ips)[-1]
    shown = f" :: Machine 1 (vm ID: {node.id})\n\t{network.title()} ip: {address}\n"
    assert (status, out, err) == (0, f"{TITLE} :: Starting 1 machine\n{shown} :: Done!\n", "")
    driver.wait_until_running([node])

    [line] = run_command("describe-instance", "-n").out.splitlines()[1:]
    assert line.startswith(f"{node.id:4}Running   1    ")
    assert line.endswith(f"{address:24} {node.name}" if len(address) >= 24 else f"{address:24}{node.name}")
    [row] = json.loads(run_command("describe-instance", "--format", "json", node.id).out)
    assert (row["state"], row["ip"], row["network"]) == ("Running", address, network)

    assert run_command("shutdown-instance", node.id) == (0, "", "")
    driver.ex_wait_until_gone([node])
    assert run_command("describe-instance", "-n", node.id).out.splitlines()[1].startswith(f"{node.id:4}Done ")


def test_several_of_a_size_and_a_name(
    run_command: RunCommand, driver: OpenNebulaNodeDriver, image: str, network: str
) -> None:
    words = ["--vm-name", "web", "-t", "m1.large", "--ram", "2000", "--network", network]
    assert len(run_command("run-instance", "-q", "-n", 2, *words, image).out.splitlines()) == 2
    nodes = driver.list_nodes()
    assert [(node.name, node.extra["memory"], node.extra["vcpu"]) for node in nodes] == [("web", 2000, 2)] * 2
    assert run_command("kill-instance", *(node.id for node in nodes)) == (0, "", "")
    driver.ex_wait_until_gone(nodes)


def test_what_goes_into_the_machine(
    run_command: RunCommand, driver: OpenNebulaNodeDriver, image: str, network: str
) -> None:
    words = ["--context", "A=one#B=two", "--vm-cpu-amount", "0.5", "--vm-requirements", "CLUSTER_ID = 0"]
    assert run_command("run-instance", *words, "--network", network, image).status == 0
    [node] = driver.list_nodes(ex_details=True)
    assert (node.extra["context"]["A"], node.extra["context"]["B"], node.extra["cpu"]) == ("one", "two", 0.5)
    assert "jane@laptop" in node.extra["context"]["SSH_PUBLIC_KEY"]


def test_a_session_on_a_machine(
    run_command: RunCommand,
    driver: OpenNebulaNodeDriver,
    image: str,
    network: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "ssh").write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/called\nexit 3\n')
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    run_command("run-instance", "-q", "--network", network, image)
    [node] = driver.list_nodes()
    assert run_command("connect-instance", node.id).status == 3
    assert f" root@{(node.private_ips + node.public_ips)[-1]}\n" in (tmp_path / "called").read_text()


def test_a_template(run_command: RunCommand, driver: OpenNebulaNodeDriver) -> None:
    template = next(image for image in driver.list_images(ex_templates=True) if image.extra["kind"] == "template")
    assert run_command("run-instance", "-q", template.id).status == 0
    assert run_command("run-instance", "-q", "--cpu", 2, template.id).status == 0
    assert sorted(node.extra["vcpu"] for node in driver.list_nodes()) == [2, 4]


@pytest.mark.parametrize(
    "option",
    [
        ["--vnc-port", "5901"],
        ["--local-ip"],
        ["--cloud-init", "none,x"],
        ["--save"],
        ["--address", "127.0.0.1"],
        ["--swap", "100"],
    ],
)
def test_what_is_only_for_stratuslab_is_refused(run_command: RunCommand, option: list[str]) -> None:
    more = ["--author", "a", "--author-email", "b", "--image-version", "1", "--title", "t", "--comment", "c"]
    status, out, err = run_command("run-instance", *option, *(more if option == ["--save"] else []), "0")
    assert (status, out) == (2, "")
    assert f"{option[0]} is only for StratusLab, and section 'default' is an OpenNebula" in err


def test_port_translation_is_refused(run_command: RunCommand) -> None:
    status, out, err = run_command("describe-instance", "--pat-enable")
    assert (status, out) == (2, "")
    assert "This is only for StratusLab, and section 'default' is an OpenNebula" in err


def test_an_unknown_image(run_command: RunCommand) -> None:
    status, out, err = run_command("run-instance", "4711")
    assert (status, out) == (1, "")
    assert "4711" in err


def test_a_cluster(
    run_command: RunCommand, sandbox: Sandbox, home_config: Path, network: str, clean_environment: Path
) -> None:
    if sandbox.guest_port != 22:
        pytest.skip("machines cannot listen at port 22 on this computer")
    home_config.unlink()
    sandbox.write_config(home_config)  # with a pair of keys of its own
    driver = OpenNebulaNodeDriver(stratuslab_user_config=home_config)
    image = next(image.id for image in driver.list_images() if image.name == "debian12")
    status, out, err = run_command("run-cluster", "-n", 2, "--network", network, "--mpi-machine-file", image)
    assert (status, err) == (0, "")
    master, worker = ((node.private_ips + node.public_ips)[-1] for node in driver.list_nodes())
    assert f"\tMaster is {master}\n\tWorker: {worker}\n" in out
    assert out.endswith(" :: Applying user defined cluster services\n :: Done!\n")
