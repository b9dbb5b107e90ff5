"""stratus-run-instance on the sandbox."""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox
from stratuslab_libcloud.sandbox.state.template import Template

from .conftest import RunCommand

TITLE = "\n :::::::::::::::::::::::::\n :: Starting machine(s) ::\n :::::::::::::::::::::::::\n"
NOBODY = "http://127.0.0.1:9/xmlrpc"

Templates = Callable[..., Template]

pytestmark = pytest.mark.usefixtures("home_config")


@pytest.fixture
def driver(home_config: Path) -> StratusLabNodeDriver:
    return StratusLabNodeDriver()


@pytest.fixture
def ubuntu(driver: StratusLabNodeDriver) -> str:
    """The identifier of an image of the sandbox's Marketplace."""
    return next(image.id for image in driver.list_images() if image.name == "Ubuntu 14.04 web server")


@pytest.fixture
def template_of(run_command: RunCommand, sandbox: Sandbox, ubuntu: str) -> Templates:
    """Starts a machine with options, and gives the template that the cloud got."""

    def template(*options: object) -> Template:
        status, out, err = run_command("run-instance", "-q", *options, ubuntu)
        assert (status, err) == (0, "")
        return sandbox.machines[int(out.partition(",")[0])].template

    return template


# -- What is printed


def test_a_machine(run_command: RunCommand, sandbox: Sandbox, ubuntu: str) -> None:
    status, out, err = run_command("run-instance", ubuntu)
    ip = sandbox.machines[0].nics[0]["IP"]
    assert (status, err) == (0, "")
    assert out == f"{TITLE} :: Starting 1 machine\n :: Machine 1 (vm ID: 0)\n\tPublic ip: {ip}\n :: Done!\n"


def test_two_machines_in_their_order(run_command: RunCommand, sandbox: Sandbox, ubuntu: str) -> None:
    status, out, err = run_command("run-instance", "-n", 2, "--local-ip", ubuntu)
    ips = [sandbox.machines[number].nics[0]["IP"] for number in (0, 1)]
    assert (status, err) == (0, "")
    assert out == (
        f"{TITLE} :: Starting 2 machines\n :: Machine 1 (vm ID: 0)\n\tLocal ip: {ips[0]}\n"
        f" :: Machine 2 (vm ID: 1)\n\tLocal ip: {ips[1]}\n :: Done!\n"
    )


def test_no_machine(run_command: RunCommand, ubuntu: str) -> None:
    assert run_command("run-instance", "-n", 0, ubuntu) == (0, f"{TITLE} :: Starting 0 machine\n :: Done!\n", "")
    assert run_command("run-instance", "-n", -1, ubuntu).status == 1


@pytest.mark.parametrize("quiet", ["-q", "-qq", "-qqq", "--quiet"])
def test_quiet(run_command: RunCommand, sandbox: Sandbox, ubuntu: str, quiet: str) -> None:
    assert run_command("run-instance", quiet, "--number=2", ubuntu) == (
        0,
        "".join(f"{number}, {sandbox.machines[number].nics[0]['IP']}\n" for number in (0, 1)),
        "",
    )


def test_formats(run_command: RunCommand, sandbox: Sandbox, ubuntu: str) -> None:
    said = run_command("run-instance", "--format", "json", "-n", 2, "--vm-name", "twin", ubuntu)
    assert json.loads(said.out) == [
        {"id": number, "name": "twin", "network": "public", "ip": sandbox.machines[number].nics[0]["IP"]}
        for number in (0, 1)
    ]
    assert run_command("run-instance", "--format", "csv", ubuntu).out.startswith("id,name,network,ip\n2,one-2,public,")


def test_the_ids_in_a_file(run_command: RunCommand, ubuntu: str, tmp_path: Path, home_config: Path) -> None:
    assert run_command("run-instance", "-o", tmp_path / "ids.txt", "-n", 2, ubuntu).status == 0
    assert (tmp_path / "ids.txt").read_text() == "0\n1"
    with home_config.open("a") as file:
        file.write(f"out_vm_ids_file = {tmp_path}/configured.txt\n")
    assert run_command("run-instance", ubuntu).status == 0
    assert (tmp_path / "configured.txt").read_text() == "2"
    said = run_command("run-instance", "-o", tmp_path / "no" / "ids.txt", ubuntu)
    assert (said.status, said.err) == (1, f"Error: {tmp_path}/no/ids.txt: No such file or directory\n")
    assert "(vm ID: 3)" in said.out


def test_verbose_names_the_endpoint(run_command: RunCommand, sandbox: Sandbox, ubuntu: str) -> None:
    assert (
        f"on endpoint: {sandbox.compute_url.replace('xmlrpc', 'pswd/xmlrpc')}\n"
        in run_command("run-instance", "-v", ubuntu).out
    )


def test_list_types(run_command: RunCommand, home_config: Path) -> None:
    with home_config.open("a") as file:
        file.write("[instance_types]\nbig.memory = 4,65536,4096\n")
    expected = (
        " Type             CPU       RAM      SWAP\n"
        "  big.memory      4 CPU   65536 MB    4096 MB\n"
        "  c1.medium       2 CPU    1536 MB    1536 MB\n"
        "  c1.xlarge       4 CPU    6144 MB    6144 MB\n"
        "  m1.large        2 CPU    6144 MB    6144 MB\n"
        "  m1.medium       1 CPU    3072 MB    3072 MB\n"
        "* m1.small        1 CPU    1536 MB    1536 MB\n"
        "  m1.xlarge       4 CPU    8192 MB    8192 MB\n"
        "  t1.micro        1 CPU     512 MB     512 MB\n"
        "\n"
    )
    for option in ("-l", "--list-types", "--list-type"):
        assert run_command("run-instance", option) == (0, expected, "")
    assert "* t1.micro " in run_command("run-instance", "-l", "-t", "T1.micro").out
    types = json.loads(run_command("run-instance", "-l", "--format", "json").out)
    assert types[0] == {"name": "big.memory", "cpu": 4, "ram": 65536, "swap": 4096, "default": False}
    home_config.unlink()
    assert run_command("run-instance", "-l").status == 0


# -- What the cloud is asked for


def test_types_and_sizes(template_of: Templates) -> None:
    def shape(*options: object) -> list[str | None]:
        template = template_of(*options)
        swap = template.vectors("DISK")[1]["SIZE"]
        return [template.text("CPU"), template.text("VCPU"), template.text("MEMORY"), swap]

    assert shape() == ["1", "1", "1536", "1536"]
    assert shape("-t", "m1.large") == ["2", "2", "6144", "6144"]
    assert shape("--type=M1.LARGE", "--ram", "1000") == ["2", "2", "1000", "6144"]
    assert shape("--cpu", 4, "--ram", 4096, "--swap", 0) == ["4", "4", "4096", "0"]
    assert shape("--vm-cpu-amount", 0.5) == ["0.5", "1", "1536", "1536"]


def test_options_win_over_the_file(template_of: Templates, home_config: Path) -> None:
    with home_config.open("a") as file:
        file.write("instance_type = m1.large\nvm_ram = 7000\ninstance_number = 1\nvm_name = from the file\n")
    assert template_of("-t", "m1.small").text("MEMORY") == "7000"
    template = template_of("-t", "m1.small", "--ram", 100, "--vm-name", "mine")
    assert (template.text("VCPU"), template.text("MEMORY"), template.text("NAME")) == ("1", "100", "mine")


def test_networks_and_addresses(template_of: Templates) -> None:
    def nic(*options: object) -> Mapping[str, str]:
        return template_of(*options).vectors("NIC")[0]

    assert nic()["NETWORK"] == "public"
    assert nic("--local-ip")["NETWORK"] == "local"
    assert nic("--private-ip")["NETWORK"] == "private"
    address = nic()["IP"].rpartition(".")[0] + ".99"
    assert nic("--address", address)["IP"] == address


def test_an_address_that_is_taken(run_command: RunCommand, sandbox: Sandbox, ubuntu: str) -> None:
    run_command("run-instance", ubuntu)
    status, out, err = run_command("run-instance", "--address", sandbox.machines[0].nics[0]["IP"], ubuntu)
    assert (status, out) == (1, f"{TITLE} :: Starting 1 machine\n")
    assert err.startswith("Error: ")


def test_keys(template_of: Templates, tmp_path: Path, key_file: Path) -> None:
    def key(*options: object) -> str:
        return template_of(*options).vectors("CONTEXT")[0]["PUBLIC_KEY"]

    other = tmp_path / "other.pub"
    other.write_text(key_file.read_text().replace("jane@laptop", "joe@laptop"))
    assert "jane@laptop" in key()
    assert "joe@laptop" in key("-k", other)
    assert "joe@laptop" in key(f"--key={other}")


def test_a_key_that_opens_nothing_is_told(
    run_command: RunCommand, sandbox: Sandbox, ubuntu: str, tmp_path: Path
) -> None:
    (tmp_path / "broken.pub").write_text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAA other@host\n")
    status, out, err = run_command("run-instance", "-q", "-k", tmp_path / "broken.pub", ubuntu)
    assert (status, out.partition(",")[0]) == (0, "0")
    assert err.startswith("WARNING: nobody could enter a machine with the public key that it would get")
    assert "other@host" in sandbox.machines[0].template.vectors("CONTEXT")[0]["PUBLIC_KEY"]


def test_contextualization(template_of: Templates, tmp_path: Path) -> None:
    (tmp_path / "context.txt").write_text("A=from the file\nKEY1=value one\n\nKEY2=2\n")
    context = template_of("--context-file", tmp_path / "context.txt", "--context", "A=from option#B==")
    [vector] = context.vectors("CONTEXT")
    assert {name: vector[name] for name in ("A", "KEY1", "KEY2", "B")} == {
        "A": "from option",
        "KEY1": "value one",
        "KEY2": "2",
        "B": "=",
    }


def test_cloud_init(template_of: Templates, tmp_path: Path, key_file: Path) -> None:
    def context(*options: object) -> Mapping[str, str]:
        return template_of(*options).vectors("CONTEXT")[0]

    own = context("--context-method", "cloud-init")
    assert own["CONTEXT_METHOD"] == "cloud-init"
    assert base64.b64decode(own["CLOUD_INIT_AUTHORIZED_KEYS"]) == key_file.read_bytes()
    (tmp_path / "script.sh").write_text("#!/bin/sh\n")
    assert "CLOUD_INIT_USER_DATA" in context("--cloud-init", f"none,{tmp_path}/script.sh#ssh,{key_file}")


def test_the_hypervisor(template_of: Templates, tmp_path: Path) -> None:
    template = template_of(
        *("--vnc-port", 5901, "--vnc-listen", "127.0.0.1", "--vm-disks-bus", "scsi"),
        *("--vm-requirements", r"CLUSTER = \"test\" & MAGICNUMBER = 42"),
    )
    assert template.vectors("GRAPHICS")[0] == {"PORT": "5901", "LISTEN": "127.0.0.1", "TYPE": "vnc"}
    assert template.vectors("DISK")[0]["TARGET"] == "sda"
    assert template.text("REQUIREMENTS") == 'CLUSTER = "test" & MAGICNUMBER = 42'
    (tmp_path / "own.one").write_text(
        'NAME = "own %(vm_vcpu)s"\nNIC = [NETWORK = "local", NETWORK_UNAME = "oneadmin"]\n'
    )
    assert template_of("--vm-template-file", tmp_path / "own.one").text("NAME") == "own 1"


def test_further_disks(template_of: Templates, driver: StratusLabNodeDriver) -> None:
    data = next(image.id for image in driver.list_images(ex_kind="disk"))
    volume = driver.create_volume(1, "data")
    disks = template_of("--volatile-disk", 10, "--persistent-disk", volume.id, "--readonly-disk", data).vectors("DISK")
    assert disks[2]["SIZE"] == "10240"
    assert disks[3]["SOURCE"].endswith(f"/{volume.id}")
    assert disks[4]["SOURCE"].endswith(f"/metadata/{data}")
    assert template_of("--qcow-disk-format").vectors("DISK")[0]["DRIVER"] == "qcow2"


def test_a_new_image(run_command: RunCommand, sandbox: Sandbox, ubuntu: str) -> None:
    words = ["--author", "Jane", "--author-email", "jane@example.org", "--image-version", "1.1", "--title", "My title"]
    words += ["--comment", "My comment", "--marketplace-endpoint-newimage", "https://m.example.org"]
    status, out, err = run_command("run-instance", "--save", *words, ubuntu)
    assert (status, err) == (0, "")
    assert out.startswith(f"  [WARNING] Image availability check is disabled.\n{TITLE}")
    template = sandbox.machines[0].template
    assert re.fullmatch(r"creator: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", template.text("NAME") or "")
    assert template.vectors("DISK")[0]["SAVE"].lower() == "yes"
    assert template.vectors("CREATE_IMAGE")[0] == {
        "CREATOR_NAME": "Jane",
        "CREATOR_EMAIL": "jane@example.org",
        "NEWIMAGE_VERSION": "1.1",
        "NEWIMAGE_TITLE": "My title",
        "NEWIMAGE_COMMENT": "My comment",
        "NEWIMAGE_MARKETPLACE": "https://m.example.org",
    }
    status, out, err = run_command("run-instance", "--save", *words[:4], ubuntu)
    assert (status, out) == (2, "")
    assert err.rstrip().endswith("missing: --image-version, --title, --comment")


def test_without_the_check_of_urls(run_command: RunCommand, ubuntu: str) -> None:
    said = run_command("run-instance", "--no-check-image-url", ubuntu)
    assert said.out.startswith(f"  [WARNING] Image availability check is disabled.\n{TITLE}")
    assert run_command("run-instance", "-q", "--no-check-image-url", ubuntu).out.startswith("  [WARNING] ")
    assert run_command("run-instance", "-qq", "--no-check-image-url", ubuntu).out.startswith("2, ")


def test_notify_says_that_it_changes_nothing(run_command: RunCommand, ubuntu: str) -> None:
    said = run_command("run-instance", "--notify", "host,vhost,user,pass,queue", ubuntu)
    assert said.status == 0
    assert said.err == "--notify changes nothing: nobody is notified\n"


def test_images_by_other_names(
    run_command: RunCommand, sandbox: Sandbox, driver: StratusLabNodeDriver, ubuntu: str
) -> None:
    volume = driver.create_volume(1, "bootable")
    url = f"{sandbox.marketplace_url}/metadata/{ubuntu}"
    for place, image in enumerate([f"{ubuntu}/jane@example.org/2026-10-25T00:00:00Z", volume.id, url]):
        assert run_command("run-instance", "-q", image).status == 0
        assert (volume.id if image == volume.id else ubuntu) in sandbox.machines[place].disks[0]["SOURCE"]


# -- Who and where


def test_all_by_options(
    run_command: RunCommand, sandbox: Sandbox, ubuntu: str, home_config: Path, key_file: Path
) -> None:
    home_config.unlink()
    [user, password] = next(iter(sandbox.users.items()))
    words = ["--endpoint", sandbox.compute_url, "-u", user, "-k", key_file, ubuntu]
    words += ["--marketplace-endpoint", sandbox.marketplace_url]
    assert run_command("run-instance", "-q", *words, "-p", password).status == 0
    assert run_command("run-instance", "-q", *words, "-p", "-", stdin=f"{password}\n").status == 0
    assert run_command("run-instance", "-q", *words, stdin=f"{password}\n").status == 0
    said = run_command("run-instance", "--endpoint", sandbox.compute_url, ubuntu)
    assert said.err.startswith(
        "Error: Section 'default' of ~/.stratuslab/stratuslab-user.cfg, which is not there, has no credentials: "
    )
    status, out, err = run_command("run-instance", *words, "-p", "-", stdin="")
    assert (status, out) == (2, "")
    assert err.endswith("No password was given for -p\n")


def test_all_by_the_environment(
    run_command: RunCommand,
    sandbox: Sandbox,
    ubuntu: str,
    home_config: Path,
    key_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home_config.unlink()
    [user, password] = next(iter(sandbox.users.items()))
    variables = {
        "ENDPOINT": sandbox.compute_url,
        "USERNAME": user,
        "PASSWORD": password,
        "MARKETPLACE_ENDPOINT": sandbox.marketplace_url,
        "KEY": str(key_file),
    }
    for name, value in variables.items():
        monkeypatch.setenv(f"STRATUSLAB_{name}", value)
    assert run_command("run-instance", "-q", ubuntu).status == 0
    assert run_command("run-instance", "-q", "-p", "wrong", ubuntu).status == 1


def test_sections(
    run_command: RunCommand, sandbox: Sandbox, ubuntu: str, home_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, password = list(sandbox.users.items())[1]
    with home_config.open("a") as file:
        file.write(f"[other]\nusername = {other}\npassword = {password}\n")
    run_command("run-instance", "-S", "other", ubuntu)
    monkeypatch.setenv("STRATUSLAB_USER_CONFIG_SECTION", "other")
    run_command("run-instance", ubuntu)
    run_command("run-instance", "--user-config-section=default", ubuntu)
    assert [sandbox.machines[number].owner.name for number in range(3)] == [other, other, next(iter(sandbox.users))]
    status, out, err = run_command("run-instance", "-S", "nobody", ubuntu)
    assert (status, out) == (1, "")
    assert "no section for the location 'nobody'" in err


def test_a_certificate_is_used_although_the_file_has_a_password(
    run_command: RunCommand, ubuntu: str, tmp_path: Path
) -> None:
    said = run_command("run-instance", "--pem-cert", tmp_path / "missing.pem", "--pem-key", tmp_path / "k", ubuntu)
    assert said.status == 1
    assert "missing.pem" in said.err


# -- What goes wrong


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "Please specify the machine image to start"),
        (["a", "b"], "Please specify the machine image to start"),
        (["--context-file", "missing.txt", "a"], "Extra context file does not exist"),
        (["--vnc-listen", "nowhere", "a"], "VNC listen IP is not valid"),
        (["--vnc-port", "x", "a"], "argument --vnc-port: invalid int value: 'x'"),
        (["--volatile-disk", "x", "a"], "argument --volatile-disk: "),
        (["-n", "x", "a"], "argument -n/--number: invalid int value: 'x'"),
        (["--vm-cpu-amount", "x", "a"], "argument --vm-cpu-amount: invalid float value: 'x'"),
        (["--network", "x", "a"], "--network is only for OpenNebula"),
    ],
)
def test_usage_errors(run_command: RunCommand, words: list[str], problem: str) -> None:
    status, out, err = run_command("run-instance", *words)
    assert (status, out) == (2, "")
    assert f"stratus-run-instance: error: {problem}" in err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["-t", "m1.huge"], "The option -t must be "),
        (["--vm-disks-bus", "sata"], "The option --vm-disks-bus must be 'ide' or 'scsi' or 'virtio', not 'sata'"),
        (["--cpu", "many"], "The option --cpu must be a whole number"),
        (["--vnc-port", "70000"], "The option --vnc-port must be "),
        (["--address", "x"], "The option --address must be an IP address"),
        (["-k", "/nonexistent/key.pub"], "there is no file /nonexistent/key.pub"),
        (["--persistent-disk", "00000000-0000-0000-0000-000000000000"], "00000000-0000-0000-0000-000000000000"),
        (["--readonly-disk", "AAAAAAAAAAAAAAAAAAAAAAAAAAA"], "AAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        (["--marketplace-endpoint", "http://127.0.0.1:9"], "127.0.0.1:9"),
        (["-c", "missing.cfg"], "There is no configuration file missing.cfg"),
    ],
)
def test_what_is_seen_before_anything_starts(
    run_command: RunCommand, sandbox: Sandbox, ubuntu: str, words: list[str], problem: str
) -> None:
    status, out, err = run_command("run-instance", *words, ubuntu)
    assert (status, out) == (1, "")
    assert problem in err
    assert "one.vm.allocate" not in [request.operation for request in sandbox.requests]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--context", "novalue"], "'novalue' is not of the form key=value"),
        (["--cloud-init", "x-shellscript"], "'x-shellscript' is not of the form mimetype,file"),
        (["--cloud-init", "none,big.sh"], "at most 16384"),
        (["--vm-template-file", "missing.one"], "missing.one, named by vm_template_file, cannot be read"),
    ],
)
def test_a_mistake_in_what_the_machine_is_to_have(
    run_command: RunCommand,
    ubuntu: str,
    words: list[str],
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "big.sh").write_text("".join(random.Random(1).choices("0123456789abcdef", k=60000)))
    status, out, err = run_command("run-instance", *words, ubuntu)
    assert (status, out) == (1, TITLE)
    assert problem in err


@pytest.mark.parametrize(
    ("words", "problem"),
    [(["-p", "wrong"], "does not know this user"), (["--endpoint", NOBODY], "127.0.0.1:9")],
)
def test_a_cloud_that_refuses_or_is_not_there(
    run_command: RunCommand, ubuntu: str, words: list[str], problem: str
) -> None:
    status, out, err = run_command("run-instance", *words, ubuntu)
    assert (status, out) == (1, f"{TITLE} :: Starting 1 machine\n")
    assert err.startswith("Error: ")
    assert "wrong" not in err


def test_an_unknown_image(run_command: RunCommand) -> None:
    status, out, err = run_command("run-instance", "A" * 27)
    assert (status, out) == (1, "")
    assert "A" * 27 in err


def test_an_image_at_a_url(run_command: RunCommand, sandbox: Sandbox) -> None:
    url = f"{sandbox.marketplace_url}/metadata"
    assert run_command("run-instance", "-q", url).status == 0
    assert sandbox.machines[0].disks[0]["SOURCE"] == url
    assert [request.verb for request in sandbox.requests].count("HEAD") == 1
    for nothing in (f"{sandbox.url}/nothing", "http://127.0.0.1:9/x.img"):
        status, out, err = run_command("run-instance", nothing)
        assert (status, out) == (1, "")
        assert err.startswith("Error: ")


def test_an_image_that_only_the_cloud_may_know(run_command: RunCommand, sandbox: Sandbox) -> None:
    status, out, err = run_command("run-instance", "-q", "/images/of/the/site.img")
    assert (status, out[:3]) == (0, "0, ")
    assert sandbox.machines[0].disks[0]["SOURCE"] == "/images/of/the/site.img"
    assert "'/images/of/the/site.img' is not an image" in err


def test_a_volume_that_cannot_be_attached_so_often(
    run_command: RunCommand, driver: StratusLabNodeDriver, ubuntu: str, home_config: Path
) -> None:
    volume = driver.create_volume(1, "data")
    words = ["--persistent-disk", volume.id, ubuntu]
    assert run_command("run-instance", *words).status == 0
    said = run_command("run-instance", "-n", 10, *words)
    assert (said.status, said.out) == (1, "")
    problem = f"disk {volume.id} cannot be attached to 10 machine(s); it is already mounted (1 of 10 times)"
    assert said.err == f"Error: {problem}\n"
    with home_config.open("a") as file:
        file.write("max_mounts = 1\n")
    assert run_command("run-instance", *words).err.endswith("already mounted (1 of 1 times)\n")


def test_each_machine_exactly_once_although_replies_are_lost(
    run_command: RunCommand, sandbox: Sandbox, ubuntu: str
) -> None:
    sandbox.faults.add(Fault(service="compute", operation="one.vm.allocate", kind=FaultKind.RESET_AFTER, count=2))
    said = run_command("run-instance", "-q", "-n", 3, ubuntu)
    assert said.status == 0
    assert sorted(line.partition(",")[0] for line in said.out.splitlines()) == ["0", "1", "2"]
    assert len(sandbox.machines) == 3


def test_those_that_were_started_are_told(
    run_command: RunCommand, sandbox: Sandbox, ubuntu: str, tmp_path: Path
) -> None:
    with Sandbox(boot_seconds=0, machine_limit=2) as limited:
        config = limited.write_config(tmp_path / "limited.cfg", public_key_file=tmp_path / "id_ed25519.pub")
        said = run_command("run-instance", "-c", config, "-n", 3, "-o", tmp_path / "ids", ubuntu)
        assert said.status == 1
        assert len(re.findall(r" :: Machine \d \(vm ID: \d\)\n", said.out)) == 2
        assert " :: Done!" not in said.out
        assert said.err.startswith("Error: ")
        assert sorted((tmp_path / "ids").read_text().split()) == ["0", "1"]
