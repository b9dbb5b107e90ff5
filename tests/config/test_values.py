"""Values of each kind: what they mean, and the errors of those that are not valid."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stratuslab_libcloud.config import CloudConfig, MachineOptions, SavedImage
from stratuslab_libcloud.errors import ConfigurationError

ReadCloud = Callable[..., CloudConfig]
UUID = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
IMAGE = "BN1EEkPiBx87_uLj2-sdybSI-Xb"


def test_nothing_set(cloud: ReadCloud) -> None:
    assert cloud().machine == MachineOptions()


@pytest.mark.parametrize(
    ("lines", "field", "value"),
    [
        ("instance_type = m1.large", "instance_type", "m1.large"),
        ("instance_type = C1.XLarge", "instance_type", "c1.xlarge"),
        ("default_instance_type = m1.large", "instance_type", "m1.large"),
        ("default_instance_type = m1.large\ninstance_type = t1.micro", "instance_type", "t1.micro"),
        ("instance_type = big\n[instance_types]\nbig = 8,1,1", "instance_type", "big"),
        ("is_local_ip = true", "network", "local"),
        ("is_private_ip = true", "network", "private"),
        ("is_private_ip = true\nis_local_ip = true", "network", "local"),
        ("is_local_ip = false", "network", "public"),
        ("specific_address_request = 192.0.2.5", "address", "192.0.2.5"),
        ("vm_disks_bus = virtio", "disks_bus", "virtio"),
        ("vm_disks_bus = IDE", "disks_bus", "ide"),
        ("use_qcow_disk_format = yes", "qcow", True),
        (f"persistent_disk_uuid = {UUID}", "persistent_disk", UUID),
        (f"persistent_disk_uuid = {UUID.upper()}", "persistent_disk", UUID),
        (f"readonly_disk_id = {IMAGE}", "readonly_disk", IMAGE),
        ("readonly_disk_id = http://example.org/data.img", "readonly_disk", "http://example.org/data.img"),
        ("extra_disk_size = 10240", "volatile_disk", 10240),
        ("extra_disk_size = 0", "volatile_disk", None),
        ("vm_cpu_amount = 0.5", "cpu_amount", 0.5),
        ('vm_requirements = CLUSTER = "a" & FREE_CPU > 60', "requirements", 'CLUSTER = "a" & FREE_CPU > 60'),
        ('vm_requirements = CLUSTER = \\"a\\"', "requirements", 'CLUSTER = "a"'),
        ('vm_requirements = NAME = "a\\"b"', "requirements", 'NAME = "a\\"b"'),
        ("vm_template_file = /etc/vm.one", "template_file", Path("/etc/vm.one")),
        ("save_disk = true\ntitle = A title\nauthor = Jane", "saved_image", SavedImage("A title", "", "Jane", "")),
        ("save_disk = true\ncomment = c\nauthor_email = j@x", "saved_image", SavedImage("", "c", "", "j@x")),
        ("save_disk = false\ntitle = A title", "saved_image", None),
        ("vm_kernel = /boot/vmlinuz", "kernel", "/boot/vmlinuz"),
        ("vm_ramdisk = /boot/initrd", "ramdisk", "/boot/initrd"),
        ("raw_data = <a>\n  <b/></a>", "raw_data", "<a>\n<b/></a>"),
        ("vnc_port = 5901", "vnc_port", 5901),
        ("vnc_port = -1", "vnc_port", -1),
        ("vnc_listen = ::1", "vnc_listen", "::1"),
        ("default_context_method = cloud-init", "context_method", "cloud-init"),
        ("extra_context_file = context.txt", "context_file", Path("context.txt")),
        ("extra_context_data = A=1#B=2", "context_data", "A=1#B=2"),
        ("cloud_init = x-shellscript,a.sh#ssh,b.pub", "cloud_init", "x-shellscript,a.sh#ssh,b.pub"),
        ("expand_variables = true", "expand_variables", True),
        ("no_check_image_url = true", "check_image_url", False),
    ],
)
def test_machine_options(cloud: ReadCloud, lines: str, field: str, value: Any) -> None:
    assert getattr(cloud(lines).machine, field) == value


def test_every_machine_option_can_be_set() -> None:
    tested = {case[1] for case in test_machine_options.pytestmark[0].args[1]}

    assert tested == set(MachineOptions._fields)


@pytest.mark.parametrize("word", ["true", "True", "yes", "on", "1"])
def test_true(cloud: ReadCloud, word: str) -> None:
    assert cloud(f"use_qcow_disk_format = {word}").machine.qcow is True


@pytest.mark.parametrize("word", ["false", "FALSE", "no", "off", "0", ""])
def test_false(cloud: ReadCloud, word: str) -> None:
    assert cloud(f"use_qcow_disk_format = {word}").machine.qcow is False


@pytest.mark.parametrize(
    ("key", "value", "right"),
    [
        ("use_qcow_disk_format", "maybe", "true or false"),
        ("is_local_ip", "None", "true or false"),
        ("tls_verify", "2", "true or false"),
        ("tls_ca_bundle", "/no/such/file", "an existing file or folder"),
        ("instance_type", "m1.huge", "'m1.small' or "),
        ("default_instance_type", "(1, 2, 3)", "'t1.micro' or "),
        ("specific_address_request", "host.example.org", "an IP address"),
        ("vm_disks_bus", "sata", "'ide' or 'scsi' or 'virtio'"),
        ("persistent_disk_uuid", "my-disk", "the uuid of a persistent disk"),
        ("readonly_disk_id", "ttylinux", "a Marketplace identifier"),
        ("extra_disk_size", "10G", "a whole number"),
        ("extra_disk_size", "-1", "a whole number"),
        ("vm_cpu_amount", "half", "a number above 0"),
        ("vm_cpu_amount", "0", "a number above 0"),
        ("vm_cpu_amount", "nan", "a number above 0"),
        ("vnc_port", "0", "-1 for any port, or a whole number from 1 to 65535"),
        ("vnc_port", "vnc", "-1 for any port, or a whole number from 1 to 65535"),
        ("vnc_listen", "all", "an IP address"),
        ("default_context_method", "hepix", "'one' or 'cloud-init'"),
        ("endpoint", "a b", "a URL"),
        ("pdisk_endpoint", "a:b", "a URL"),
        ("pdisk_port", "8445x", "a whole number from 1 to 65535"),
        ("pdisk_protocol", "ftp", "'http' or 'https'"),
        ("marketplace_endpoint", "http:", "a URL"),
        ("request_timeout", "0", "a number above 0"),
        ("request_timeout", "5s", "a number above 0"),
        ("request_timeout", "inf", "a number above 0"),
        ("readonly_disk_id", "an image", "a Marketplace identifier (27 letters, digits, '-' and '_') or a URL"),
        ("endpoint_connections", "0", "a whole number from 1 to 1000"),
        ("endpoint_connections", "1.5", "a whole number from 1 to 1000"),
        ("endpoint_max_answer", "none", "a whole number from 1"),
        ("port_translation", "gateway", "true or false"),
    ],
)
def test_a_value_of_the_wrong_kind(cloud: ReadCloud, key: str, value: str, right: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        cloud(f"{key} = {value}")

    message = str(caught.value)
    assert message.startswith(f"'{key}' in section 'default' of <configuration> must be ")
    assert right in message
    assert message.endswith(f", not '{value}'.")
    assert (caught.value.file, caught.value.section, caught.value.key) == ("<configuration>", "default", key)


def test_quotes_around_a_value_are_pointed_out(cloud: ReadCloud) -> None:
    with pytest.raises(ConfigurationError, match="quotes are part of a value: leave them out"):
        cloud('endpoint = "cloud.example.org"')


def test_a_message_is_one_line(cloud: ReadCloud) -> None:
    with pytest.raises(ConfigurationError, match="not 'a b'"):
        cloud("vm_disks_bus = a\n  b")


def test_a_value_on_the_next_line(cloud: ReadCloud) -> None:
    assert cloud("endpoint =\n  other.example.org").compute.url == "https://other.example.org:2634/pswd/xmlrpc"


def test_services(cloud: ReadCloud) -> None:
    service = cloud("request_timeout = 2.5\nendpoint_connections = 8\nendpoint_max_answer = 16").disks

    assert (service.timeout, service.connections, service.max_answer) == (2.5, 8, 16 * 1024 * 1024)


@pytest.mark.parametrize("value", ["5", "0", "5s", ""])
def test_the_time_limit_of_a_command_of_14_06_is_none_of_ours(cloud: ReadCloud, value: str) -> None:
    assert cloud(f"endpoint_timeout = {value}").compute.timeout == 60


def test_services_by_default(cloud: ReadCloud) -> None:
    for service in (cloud().compute, cloud().disks, cloud().marketplace):
        assert (service.timeout, service.connections, service.max_answer) == (60, 4, 1024**3)
        assert service.verify is None


def test_disk_service_by_protocol_and_port(cloud: ReadCloud) -> None:
    config = cloud("pdisk_protocol = http\npdisk_port = 8080")

    assert config.disks.url == "http://cloud.example.org:8080/pswd"
    assert config.disks_source == "cloud.example.org:8080"


def test_protocol_and_port_give_way_to_an_endpoint_that_has_them(cloud: ReadCloud) -> None:
    config = cloud("pdisk_protocol = http\npdisk_port = 8080\npdisk_endpoint = https://example.org/pdisk")

    assert config.disks.url == "https://example.org/pdisk/pswd"
    assert config.disks_source == "https://example.org/pdisk"


def test_files_begin_at_home_or_at_a_variable(
    cloud: ReadCloud, clean_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYS", "/keys")

    assert cloud("user_public_key_file = ~/a.pub").public_key_file == clean_environment / "a.pub"
    assert cloud("user_public_key_file = $KEYS/a.pub").public_key_file == Path("/keys/a.pub")
    assert cloud("user_public_key_file = $HOME/a.pub").public_key_file == clean_environment / "a.pub"
    assert cloud("user_public_key_file = a.pub").public_key_file == Path("a.pub")


def test_files_of_a_user_without_a_home(cloud: ReadCloud) -> None:
    assert cloud("user_public_key_file = ~no-such-user/a.pub").public_key_file == Path("~no-such-user/a.pub")


@pytest.mark.parametrize(
    ("public", "private"),
    [
        ("/k/id_rsa.pub", "/k/id_rsa"),
        ("/k/id_pub.pub", "/k/id_pub"),
        ("pub/key.pub", "pub/key"),
        ("bup", "bup"),
        ("/k/a.pub.pub", "/k/a.pub"),
    ],
)
def test_private_key_without_the_suffix(cloud: ReadCloud, public: str, private: str) -> None:
    assert cloud(f"user_public_key_file = {public}").private_key_file == Path(private)


def test_private_key_of_its_own(cloud: ReadCloud) -> None:
    assert cloud("user_private_key_file = /k/other").private_key_file == Path("/k/other")


def test_key_files_by_default(cloud: ReadCloud, clean_environment: Path) -> None:
    folder = clean_environment / ".ssh"
    assert (cloud().public_key_file, cloud().private_key_file) == (folder / "id_ed25519.pub", folder / "id_ed25519")
    folder.mkdir()
    for name in ("id_rsa", "id_ecdsa", "id_ed25519"):
        (folder / f"{name}.pub").write_text(name)
        assert (cloud().public_key_file, cloud().private_key_file) == (folder / f"{name}.pub", folder / name)


def test_verification(cloud: ReadCloud, tmp_path: Path) -> None:
    bundle = f"tls_ca_bundle = {tmp_path}\n"

    assert cloud("tls_verify = false").compute.verify is False
    assert cloud("tls_verify = true").compute.verify is True
    assert cloud("tls_verify =").compute.verify is None
    assert cloud(bundle).disks.verify == tmp_path
    assert cloud(bundle + "tls_verify = true").disks.verify == tmp_path
    assert cloud(bundle + "tls_verify = false").disks.verify is False
    assert cloud("tls_verify = false\ntls_ca_bundle = /no/such/file").disks.verify is False


def test_the_public_marketplace_is_no_part_of_the_site(cloud: ReadCloud, tmp_path: Path) -> None:
    lines = f"tls_ca_bundle = {tmp_path}\nmarketplace_endpoint = "

    assert cloud("tls_verify = false").marketplace.verify is None
    assert cloud(lines + "https://marketplace.stratuslab.eu/marketplace").marketplace.verify is None
    assert cloud(lines + "marketplace.example.org").marketplace.verify == tmp_path
    assert cloud(lines + "https://marketplace.stratuslab.eu.example.org").marketplace.verify == tmp_path


@pytest.mark.parametrize(
    ("lines", "service_url", "gateway_host"),
    [
        ("", "http://cloud.example.org/cgi-bin/vmports.py", "cloud.example.org"),
        ("pat_service_host = pat.example.org", "http://pat.example.org/cgi-bin/vmports.py", "cloud.example.org"),
        ("pat_service_host = pat:8080", "http://pat:8080/cgi-bin/vmports.py", "cloud.example.org"),
        ("pat_service_host = https://pat/ports", "https://pat/ports", "cloud.example.org"),
        ("pat_gateway_host = gate.example.org", "http://cloud.example.org/cgi-bin/vmports.py", "gate.example.org"),
        ("endpoint = https://[::1]:2634/xmlrpc", "http://[::1]/cgi-bin/vmports.py", "::1"),
    ],
)
def test_port_translation(cloud: ReadCloud, lines: str, service_url: str, gateway_host: str) -> None:
    translation = cloud(f"port_translation = true\n{lines}").port_translation

    assert translation is not None
    assert translation.service_url == service_url
    assert translation.gateway_host == gateway_host


def test_port_translation_is_off(cloud: ReadCloud) -> None:
    assert cloud("pat_gateway_host = gate.example.org").port_translation is None
