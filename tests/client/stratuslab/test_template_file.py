"""A user's own template of machines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stratuslab_libcloud.client.stratuslab.machine_template import MachineTemplate, RootDisk
from stratuslab_libcloud.client.stratuslab.template_file import fill_in
from stratuslab_libcloud.config import MachineOptions, SavedImage
from stratuslab_libcloud.errors import ConfigurationError, InvalidArgumentError
from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template

# In the words of the template that 14.06 had, with everything that it refers to.
WHOLE = (Path(__file__).parent / "original.template").read_text()


def plan(file: Path | None, **options: Any) -> MachineTemplate:
    return MachineTemplate(
        name='we"b',
        cpu=2,
        ram=1536,
        swap=1024,
        root=RootDisk("https://m.example.org/metadata/A", "qcow2", "virtio"),
        context={"PUBLIC_KEY": 'ssh-rsa A "jane"\n', "SITE": "lal", "ROLE": 'a "b"', "TARGET": "hdd"},
        inbound_ports=(22, 80),
        options=MachineOptions(template_file=file, **options),
        persistent_disks=("pdisk:d.example.org/1", "pdisk:d.example.org/2"),
        readonly_disk="https://m.example.org/metadata/B",
        mark="m",
    )


def test_the_template_of_14_06_gives_the_same_machine(tmp_path: Path) -> None:
    file = tmp_path / "schema.one"
    file.write_text(WHOLE)
    options: dict[str, Any] = {
        "requirements": 'NAME = "n1"',
        "kernel": "/k",
        "ramdisk": "/r",
        "volatile_disk": 5,
        "cpu_amount": 0.5,
        "address": "192.0.2.1",
        "raw_data": "<a/>",
        "saved_image": SavedImage("t", "c", "a", "e"),
    }
    assert list(parse_template(plan(file, **options).render())) == list(parse_template(plan(None, **options).render()))


def test_values_arrive_in_pieces_from_a_file_as_well(tmp_path: Path) -> None:
    file = tmp_path / "schema.one"
    file.write_text(WHOLE)
    context = {"PUBLIC_KEY": 'ssh-rsa A $jane \\"', "PRICE": "$5", "TARGET": "hdd"}
    text = replace(plan(file, requirements="COST = $5"), context=context).render()
    template = Sandbox().machines.allocate("alice", parse_template(text)).template
    assert template.vectors("CONTEXT") == [context]
    assert template.text("REQUIREMENTS") == "COST = $5"


def test_what_an_image_says_can_not_add_attributes_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "schema.one"
    file.write_text(WHOLE)
    evil = 'raw"\n]\nEVIL = [ A = "yes'
    found = parse_template(replace(plan(file), root=RootDisk(evil, evil)).render())
    assert (found.vectors("DISK")[0]["SOURCE"], found.vectors("DISK")[0]["DRIVER"]) == (evil, evil)
    assert found.vectors("EVIL") == []


def test_what_the_file_says_besides_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "my.one"
    file.write_text('NAME = "mine"\nSITE = "100%% %(unknown)s"\nMEMORY = %(vm_ram)s')
    found = parse_template(plan(file).render())
    assert (found.text("NAME"), found.text("SITE"), found.text("MEMORY")) == ("mine", "100% ", "1536")
    assert found.text("LIBCLOUD_MARK") == "m"


@pytest.mark.parametrize("text", ["100%", "%(a)d", "%s"])
def test_a_percent_sign_must_be_doubled(tmp_path: Path, text: str) -> None:
    file = tmp_path / "my.one"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"vm_template_file\) must be '%%' or"):
        fill_in(file, {})


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="named by vm_template_file, cannot be read"):
        fill_in(tmp_path / "none", {})


def test_a_value_that_can_not_stand_between_quotes(tmp_path: Path) -> None:
    file = tmp_path / "my.one"
    file.write_text("%(vm_image)s")
    with pytest.raises(InvalidArgumentError, match="SOURCE has a backslash at the end"):
        replace(plan(file), root=RootDisk("x\\")).render()


def test_the_image_that_is_saved() -> None:
    found = parse_template(plan(None, saved_image=SavedImage("t", "", "a", "e")).render())
    assert found.vectors("DISK")[0]["SAVE"] == "yes"
    assert found.vectors("CREATE_IMAGE") == [{"CREATOR_NAME": "a", "CREATOR_EMAIL": "e", "NEWIMAGE_TITLE": "t"}]
    assert parse_template(plan(None).render()).vectors("CREATE_IMAGE") == []
