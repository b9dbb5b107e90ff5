"""stratus-list-images and stratus-show-image."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from stratuslab_libcloud.sandbox import Sandbox

from .conftest import RunCommand

CENTOS = "IRXgP7fshFSiRIqA9Bsg7Kn9qK-"
NOT_THERE = "A" * 27

pytestmark = pytest.mark.usefixtures("home_config")


def titles(run_command: RunCommand, *arguments: str) -> list[str]:
    """The titles that a list has."""
    return [row["title"] for row in json.loads(run_command("list-images", "--format", "json", *arguments).out)]


def test_a_list_has_each_entry_of_the_marketplace(run_command: RunCommand, sandbox: Sandbox) -> None:
    status, out, err = run_command("list-images")
    assert (status, err) == (0, "")
    image = (
        r"Description: .+\n(?:.+\n)?ID: [\w-]{27}\nOS: \S+ \S+ \| Arch: \S+\nCreator: .+\n"
        r"Created at: \['\d{4}-\d\d-\d\d', '\d\d:\d\d:\d\d'\]\n####\n\n"
    )
    assert re.fullmatch(f"(?:{image})+", out)
    identifiers = re.findall(r"^ID: (.*)$", out, re.MULTILINE)
    assert identifiers == [entry.identifier for entry in sandbox.entries.select()]
    assert identifiers.count(CENTOS) == 2


def test_selecting(run_command: RunCommand) -> None:
    assert titles(run_command, "--os", "ubuntu") == ["Ubuntu 14.04 web server", "Ubuntu 14.04 server"]
    assert titles(run_command, "--os", "Ubuntu", "--text", "cloud-INIT") == ["Ubuntu 14.04 server"]
    assert titles(run_command, "--arch", "i486") == ["openSUSE 13.1"]
    assert titles(run_command, "--kind", "disk") == ["Reference genomes 2014"]
    assert titles(run_command, "--name", "CentOS 6.5 base") == ["CentOS 6.5 base"] * 2
    assert titles(run_command, "--name", "CentOS 6.5 base", "--latest") == ["CentOS 6.5 base"]
    assert titles(run_command, "-e", "john.checker@example.com") == ["CentOS 6.5 base"]
    assert titles(run_command, "--text", "checker") == ["CentOS 6.5 base"]
    assert titles(run_command, "--text", "nothing like this") == []
    assert run_command("list-images", "--os", "BeOS") == (0, "", "")


def test_formats_of_a_list(run_command: RunCommand) -> None:
    [row] = csv.DictReader(io.StringIO(run_command("list-images", "--arch", "i486", "--format", "csv").out))
    assert list(row) == [
        "id", "title", "os", "os_version", "architecture", "version", "kind", "format", "created", "valid_until",
        "creator", "endorser", "size", "description",
    ]  # fmt: skip
    assert (row["os"], row["size"], row["creator"]) == ("openSUSE", str(2048 * 2**20), "Jane Builder")
    assert run_command("list-images", "--arch", "i486", "--format", "table").out.startswith("ID ")


@pytest.mark.parametrize("arguments", [[CENTOS], ["-i", CENTOS], ["--image", CENTOS], [f"--image={CENTOS}"]])
def test_one_image(run_command: RunCommand, arguments: list[str]) -> None:
    status, out, err = run_command("show-image", *arguments)
    assert (status, err) == (0, "")
    labels = [line.partition(":")[0] for line in out.splitlines()]
    assert labels[:2] == ["Description", "Updates of the operating system are up to you."]
    assert labels[2:14] == [
        "ID", "Creator", "Created at", "Validity", "OS", "Version", "Compression", "Location", "Format", "Publisher",
        "Hypervisor", "Endorser",
    ]  # fmt: skip
    assert [line.split()[0] for line in out.splitlines()[14:18]] == ["MD5", "SHA-1", "SHA-256", "SHA-512"]
    assert out.endswith("\n####\n\n")
    assert re.findall(r"^ID: (.*)\nCreator: (.*)$", out, re.MULTILINE) == [
        (CENTOS, "John Checker"),
        (CENTOS, "Jane Builder"),
    ]


def test_all_that_is_known_in_json(run_command: RunCommand) -> None:
    row, other = json.loads(run_command("show-image", CENTOS, "--format", "json").out)
    assert (row["endorser"], other["endorser"]) == ("john.checker@example.com", "jane.builder@example.org")
    assert set(row["checksums"]) == {"MD5", "SHA-1", "SHA-256", "SHA-512"}
    assert (row["disk_bus"], row["inbound_ports"], row["tag"]) == ("virtio", [], "centos-base")


def test_several_images(run_command: RunCommand) -> None:
    other = json.loads(run_command("list-images", "--arch", "i486", "--format", "json").out)[0]["id"]
    out = run_command("show-image", other, "-i", CENTOS).out
    assert re.findall(r"^ID: (.*)$", out, re.MULTILINE) == [CENTOS, CENTOS, other]


def test_what_an_entry_does_not_say(run_command: RunCommand, sandbox: Sandbox) -> None:
    entry = next(entry for entry in sandbox.entries if entry.os == "openSUSE")
    empty = re.sub(r"(<dcterms:(?:compression|description|publisher)>)[^<]+", r"\1", entry.document)
    sandbox.entries.add(replace(entry, make_document=lambda: empty))
    out = run_command("show-image", entry.identifier).out
    assert out.startswith(f"Description: None\nID: {entry.identifier}\n")
    assert "\nCompression: None\n" in out
    assert "\nPublisher: None\n" in out


def test_images_that_cannot_be_shown(run_command: RunCommand) -> None:
    status, out, err = run_command("show-image")
    assert (status, out) == (2, "")
    assert err.endswith("stratus-show-image: error: Please specify the image to show\n")
    status, out, err = run_command("show-image", NOT_THERE)
    assert (status, out) == (1, "")
    assert err.startswith(f"Error: there is no valid image {NOT_THERE}")
    assert run_command("show-image", "abc").err.startswith("Error: 'abc' is not an image")


def test_the_marketplace_alone_is_enough(run_command: RunCommand, sandbox: Sandbox, home_config: Path) -> None:
    home_config.unlink()
    option = ["--marketplace-endpoint", sandbox.marketplace_url]
    assert run_command("show-image", CENTOS, *option).status == 0
    assert len(titles(run_command, *option)) == len(sandbox.entries.select())


def test_nobody_is_asked_for_a_password(run_command: RunCommand, home_config: Path) -> None:
    lines = home_config.read_text().splitlines()
    home_config.write_text("\n".join(line for line in lines if not line.startswith("password")) + "\n")
    assert run_command("show-image", CENTOS).status == 0


def test_a_marketplace_that_does_not_answer(run_command: RunCommand) -> None:
    status, out, err = run_command("list-images", "--marketplace-endpoint", "http://127.0.0.1:9")
    assert (status, out) == (1, "")
    assert err.startswith("Error: no connection could be made")


@pytest.mark.usefixtures("opennebula_config")
def test_images_of_an_opennebula(run_command: RunCommand) -> None:
    out = run_command("list-images", "--text", "DEBIAN").out
    assert re.fullmatch(
        r"Description: Debian 12\nID: 0\nOS:   \| Arch: \nCreator: oneadmin\nCreated at: .*\n####\n\n", out
    )
    [row] = json.loads(run_command("show-image", "0", "--format", "json").out)
    assert (row["title"], row["size"], row["endorser"]) == ("debian12", 1024, None)
    assert run_command("show-image", "0").out.startswith("Description: Debian 12\nID: 0\n")
    status, _, err = run_command("list-images", "--os", "Debian")
    assert status == 2
    assert "--os is for the Marketplace" in err
