"""The template of a new machine, option by option, as the clouds' own schema has them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratuslab_libcloud.client.stratuslab.machine_template import MachineTemplate, RootDisk, known_bus
from stratuslab_libcloud.config import MachineOptions, SavedImage
from stratuslab_libcloud.errors import ConfigurationError, InvalidArgumentError
from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template
from stratuslab_libcloud.sandbox.state.template import Template

ENTRY = "https://m.example.org/metadata/AAAAAAAAAAAAAAAAAAAAAAAAAAA"
ORIGINAL = Path(__file__).parent / "original.template"
MACHINES = Sandbox().machines
DISK = "pdisk:https://d.example.org/0f6a2f1e-6f52-4b1e-b3a3-000000000001"


def template(root: RootDisk | None = None, /, **changes: Any) -> Template:
    """The template of a small machine with these changes, of which some are options."""
    options = {name: changes.pop(name) for name in list(changes) if hasattr(MachineOptions(), name)}
    extra = {name: changes.pop(name, None) for name in ("at_start_disk", "at_start_image")}
    plan = {
        "name": "n",
        "cpu": 1,
        "ram": 1536,
        "swap": 1024,
        "root": root or RootDisk(ENTRY, "qcow2", "virtio"),
        "context": {"PUBLIC_KEY": "ssh-rsa A"},
        "inbound_ports": (),
        "options": MachineOptions(**options),
        "persistent_disks": tuple(filter(None, [extra["at_start_disk"]])),
        "readonly_disk": extra["at_start_image"],
        "mark": "m",
        **changes,
    }
    return parse_template(MachineTemplate(**plan).render())


def test_the_smallest_machine() -> None:
    assert list(template()) == [
        ("CONTEXT", {"PUBLIC_KEY": "ssh-rsa A"}),
        ("CPU", "1"),
        ("DISK", {"SOURCE": ENTRY, "TARGET": "vda", "SAVE": "no", "READONLY": "no", "DRIVER": "qcow2"}),
        ("DISK", {"TYPE": "swap", "SIZE": "1024", "TARGET": "vdb", "READONLY": "no"}),
        ("GRAPHICS", {"PORT": "-1", "TYPE": "vnc"}),
        ("LIBCLOUD_MARK", "m"),
        ("MEMORY", "1536"),
        ("NAME", "n"),
        ("NIC", {"NETWORK_UNAME": "oneadmin", "NETWORK": "public"}),
        ("RANK", "- RUNNING_VMS"),
        ("VCPU", "1"),
    ]


@pytest.mark.parametrize(
    ("cpu", "amount", "share"),
    [(4, None, "4"), (4, 0.5, "0.5"), (4, 4.0, "4"), (1, 2.0, "1"), (2, 1.25, "1.25")],
)
def test_cpus_and_the_share_of_them(cpu: int, amount: float | None, share: str) -> None:
    found = template(cpu=cpu, cpu_amount=amount)
    assert (found.text("VCPU"), found.text("CPU")) == (str(cpu), share)


def test_memory_and_swap() -> None:
    found = template(ram=3072, swap=0)
    assert found.text("MEMORY") == "3072"
    assert found.vectors("DISK")[1]["SIZE"] == "0"


def test_requirements() -> None:
    assert template(requirements='CPUSPEED > 1000 & NAME = "node*"').text("REQUIREMENTS") == (
        'CPUSPEED > 1000 & NAME = "node*"'
    )


def test_a_machine_without_a_name_is_named_by_the_cloud() -> None:
    assert template(name="").text("NAME") is None


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"kernel": "/k"}, {"KERNEL": "/k"}),
        ({"ramdisk": "/r"}, {"INITRD": "/r"}),
        ({"kernel": "/k", "ramdisk": "/r"}, {"KERNEL": "/k", "INITRD": "/r"}),
    ],
)
def test_kernel_and_ramdisk(options: dict[str, str], expected: dict[str, str]) -> None:
    assert template(**options).vectors("OS") == [expected]


@pytest.mark.parametrize(("bus", "prefix"), [("ide", "hd"), ("scsi", "sd"), ("virtio", "vd")])
def test_the_bus_is_the_images_or_the_users(bus: str, prefix: str) -> None:
    of_image = template(RootDisk(ENTRY, "raw", bus))
    of_user = template(RootDisk(ENTRY, "raw", "virtio" if bus == "ide" else "ide"), disks_bus=bus)
    for found in (of_image, of_user):
        assert [disk["TARGET"] for disk in found.vectors("DISK")] == [prefix + "a", prefix + "b"]


def test_a_bus_that_is_not_known_is_ide() -> None:
    assert known_bus("sata") == known_bus('x" ]') == "ide"
    assert known_bus("scsi") == "scsi"


def test_qcow_whatever_the_image_says() -> None:
    assert template(RootDisk(ENTRY, "raw"), qcow=True).vectors("DISK")[0]["DRIVER"] == "qcow2"


def test_an_additional_empty_disk() -> None:
    assert template(volatile_disk=10240).vectors("DISK")[2] == {
        "FORMAT": "ext3",
        "READONLY": "no",
        "SAVE": "no",
        "SIZE": "10240",
        "TARGET": "vdc",
        "TYPE": "fs",
    }


def test_a_persistent_disk() -> None:
    assert template(at_start_disk=DISK).vectors("DISK")[2] == {"SOURCE": DISK, "TARGET": "vdc", "TYPE": "block"}


def test_a_read_only_disk() -> None:
    assert template(at_start_image=ENTRY).vectors("DISK")[2] == {
        "SOURCE": ENTRY,
        "READONLY": "no",
        "SAVE": "no",
        "TARGET": "vdc",
        "DRIVER": "raw",
    }


def test_several_disks_have_different_targets_and_none_is_that_of_the_contextualization() -> None:
    found = template(
        volatile_disk=1, at_start_disk=DISK, at_start_image=ENTRY, disks_bus="ide", context={"TARGET": "hdd"}
    )
    targets = [disk["TARGET"] for disk in found.vectors("DISK")]
    assert targets == ["hda", "hdb", "hdc", "hde", "hdf"]


@pytest.mark.parametrize("network", ["public", "local", "private"])
def test_networks(network: str) -> None:
    assert template(network=network).vectors("NIC") == [{"NETWORK_UNAME": "oneadmin", "NETWORK": network}]


def test_an_address() -> None:
    assert template(address="134.158.75.7").vectors("NIC")[0]["IP"] == "134.158.75.7"


def test_vnc() -> None:
    assert template(vnc_port=5901, vnc_listen="127.0.0.1").vectors("GRAPHICS") == [
        {"PORT": "5901", "LISTEN": "127.0.0.1", "TYPE": "vnc"}
    ]


def test_data_for_the_hypervisor_arrives_as_it_is() -> None:
    data = "<cpu mode='host-model'/>\n  <a b=\"c\"/>"
    assert template(raw_data=data).vectors("RAW") == [{"TYPE": "kvm", "DATA": data}]


def test_data_for_the_hypervisor_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "raw.xml"
    file.write_text("<cpu/>")
    assert template(raw_data=str(file)).vectors("RAW") == [{"TYPE": "kvm", "DATA": "<cpu/>"}]
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="named by raw_data, is not a text file"):
        template(raw_data=str(file))


def test_inbound_ports() -> None:
    assert template(inbound_ports=(22, 443)).text("INBOUND_PORTS") == "22,443"


AWKWARD = ["$NAME", "$", "a\\", '\\"', 'a "b', "a b\\", "]]>", "R&amp;D", "x @^_^@ y", "😀", "\r"]
texts = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), max_size=8)
awkward = st.sampled_from(AWKWARD) | texts
never_empty = awkward.filter(bool)


@settings(deadline=None)
@given(awkward, awkward, awkward, awkward, awkward, never_empty, never_empty, never_empty)
def test_each_kind_of_value_arrives_or_is_refused(
    name: str, requirements: str, kernel: str, raw: str, title: str, source: str, driver: str, value: str
) -> None:
    for file in (None, ORIGINAL):
        plan = MachineTemplate(
            name=name,
            cpu=1,
            ram=1,
            swap=1,
            root=RootDisk(source, driver, "ide"),
            context={"PUBLIC_KEY": value, "VALUE": value, "TARGET": "hdd"},
            inbound_ports=(),
            options=MachineOptions(
                requirements=requirements,
                kernel=kernel,
                raw_data=raw and f"<{raw}>",
                saved_image=SavedImage(title, title, title, title),
                template_file=file,
            ),
            persistent_disks=(f"pdisk:{source}",),
            readonly_disk=source,
            mark="m",
        )
        try:
            text = plan.render()
        except InvalidArgumentError:
            continue
        found = MACHINES.allocate("alice", parse_template(text)).template
        assert (found.text("NAME") or "") == name or not name
        assert (found.text("REQUIREMENTS") or "") == requirements
        assert (found.vectors("OS") or [{}])[0].get("KERNEL", "") == kernel
        assert (found.vectors("RAW") or [{}])[0].get("DATA", "") == (raw and f"<{raw}>")
        assert (found.vectors("CREATE_IMAGE") or [{}])[0].get("NEWIMAGE_TITLE", "") == title
        assert found.vectors("DISK")[0].get("SOURCE", "") == source
        assert found.vectors("DISK")[0].get("DRIVER", "") == driver
        assert found.vectors("DISK")[2]["SOURCE"] == f"pdisk:{source}"
        context = found.vectors("CONTEXT")[0]
        assert (context.get("VALUE", ""), context.get("PUBLIC_KEY", "")) == (value, value)


def test_what_an_image_says_can_not_add_attributes() -> None:
    evil = 'raw"\n]\nEVIL = "yes'
    found = template(RootDisk(ENTRY, evil))
    assert found.vectors("DISK")[0]["DRIVER"] == evil
    assert found.text("EVIL") is None


def test_names_are_in_capitals_as_those_of_14_06() -> None:
    plan = MachineTemplate(
        name="n",
        cpu=1,
        ram=1,
        swap=1,
        root=RootDisk(ENTRY),
        context={"PUBLIC_KEY": "k"},
        inbound_ports=(22,),
        options=MachineOptions(
            volatile_disk=1,
            requirements="r",
            kernel="k",
            ramdisk="r",
            raw_data="x",
            address="192.0.2.1",
            vnc_listen="127.0.0.1",
            saved_image=SavedImage("t", "c", "a", "e"),
        ),
        persistent_disks=(DISK,),
        readonly_disk=ENTRY,
        mark="m",
    )
    names = re.findall(r"^\s*(\w+) = ", plan.render(), re.MULTILINE)
    assert len(names) > 40
    assert [name for name in names if name != name.upper()] == []


def test_what_creates_it_is_the_clouds_allocation() -> None:
    plan = MachineTemplate("n", 1, 1, 1, RootDisk(ENTRY), {}, (), MachineOptions(), (), None, "m")
    calls: list[tuple[str, float]] = []

    class Compute:
        @staticmethod
        def allocate(template: str, timeout: float) -> int:
            calls.append((template, timeout))
            return 7

    assert plan.allocator(Compute())(5) == 7  # type: ignore[arg-type]  # it is all that is needed of one
    assert calls == [(plan.render(), 5)]


@pytest.mark.parametrize("ends_with", ["\\", "\\\\"])
def test_what_a_template_file_cannot_have_between_its_quotes(tmp_path: Path, ends_with: str) -> None:
    file = tmp_path / "schema.one"
    file.write_text(ORIGINAL.read_text())
    words = r"^the value of DRIVER has a backslash at the end, which would not arrive: leave it out$"
    with pytest.raises(InvalidArgumentError, match=words):
        template(RootDisk(ENTRY, f"raw{ends_with}"), template_file=file)
    assert template(RootDisk(ENTRY, 'raw"'), template_file=file).vectors("DISK")[0]["DRIVER"] == 'raw"'


@pytest.mark.parametrize(
    ("root", "key", "name"),
    [
        (RootDisk(ENTRY, "r]]>"), "k", "DRIVER"),
        (RootDisk(f"{ENTRY}]]>"), "k", "SOURCE"),
        (RootDisk(ENTRY), "k]]>", "PUBLIC_KEY"),
    ],
)
def test_a_value_that_cannot_arrive_is_named(tmp_path: Path, root: RootDisk, key: str, name: str) -> None:
    file = tmp_path / "schema.one"
    file.write_text(ORIGINAL.read_text())
    with pytest.raises(InvalidArgumentError, match=f"^the value of {name} contains ']]>'"):
        template(root, context={"PUBLIC_KEY": key}, template_file=file)


def test_a_template_file_without_a_key_in_the_contextualization(tmp_path: Path) -> None:
    file = tmp_path / "schema.one"
    file.write_text('CPU = 1\nCONTEXT = [ %(extra_context)s KEY = "<%(public_key)s>" ]\n')
    found = template(context={"SITE": "lal", "TARGET": "hdd"}, template_file=file)
    assert found.vectors("CONTEXT") == [{"SITE": "lal", "KEY": "<>"}]
    assert template(context={"A": "b"}, template_file=file).vectors("CONTEXT") == [{"A": "b", "KEY": "<>"}]
