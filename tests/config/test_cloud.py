"""Configuration files as people have them, and the complete settings that they give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stratuslab_libcloud.config import (
    Certificate,
    CloudConfig,
    Credentials,
    MachineOptions,
    Password,
    PortTranslation,
    ServiceConfig,
    UserConfiguration,
)

FILES = Path(__file__).parent / "files"
PUBLIC_MARKETPLACE = "https://marketplace.stratuslab.eu"
JANE = Password("jane", "secret")


@pytest.fixture(autouse=True)
def home(clean_environment: Path) -> Path:
    """A home with a folder of authorities."""
    (clean_environment / ".globus" / "certificates").mkdir(parents=True)
    return clean_environment


def service(url: str, credentials: Credentials | None, **changes: Any) -> ServiceConfig:
    built_in = ServiceConfig(url, credentials, verify=None, timeout=60, connections=4, max_answer=1 << 30)
    return built_in._replace(**changes)


@pytest.fixture
def expect(home: Path) -> Any:
    """Makes what a section must come to, whose other settings are the built-in ones."""

    def expect(file: str, section: str, compute: ServiceConfig, disks: ServiceConfig, **changes: Any) -> CloudConfig:
        built_in = CloudConfig(
            section=section,
            file=str(FILES / file),
            name=section,
            country="unknown",
            compute=compute,
            disks=disks,
            marketplace=service(PUBLIC_MARKETPLACE, None),
            disks_source="",
            public_key_file=home / ".ssh" / "id_ed25519.pub",
            private_key_file=home / ".ssh" / "id_ed25519",
            key_pairs_directory=home / ".stratuslab" / "keys",
            machine=MachineOptions(),
            port_translation=None,
        )
        return built_in._replace(**changes)

    return expect


def load(file: str) -> UserConfiguration:
    return UserConfiguration.load(FILES / file)


def test_one_cloud(expect: Any, home: Path) -> None:
    configuration = load("one-cloud.cfg")

    assert configuration.sections == ("default",)
    assert configuration.cloud("default") == expect(
        "one-cloud.cfg",
        "default",
        service("https://cloud.lal.example.org:2634/pswd/xmlrpc", JANE),
        service("https://cloud.lal.example.org:8445/pswd", JANE),
        name="StratusLab, LAL",
        country="FR",
        disks_source="cloud.lal.example.org",
        public_key_file=home / ".ssh" / "id_rsa.pub",
        private_key_file=home / ".ssh" / "id_rsa",
    )


def test_several_clouds(expect: Any, home: Path) -> None:
    configuration = load("several-clouds.cfg")
    shared = {
        "marketplace": service(f"{PUBLIC_MARKETPLACE}/marketplace", None),
        "public_key_file": home / ".ssh" / "stratuslab.pub",
        "private_key_file": home / ".ssh" / "stratuslab",
    }

    assert configuration.sections == ("lal", "grnet")
    assert configuration.default_section == "lal"
    assert configuration.cloud("lal") == expect(
        "several-clouds.cfg",
        "lal",
        service("https://cloud.lal.example.org/one-proxy/pswd/xmlrpc", JANE),
        service("https://cloud.lal.example.org/pdisk/pswd", JANE),
        name="LAL",
        country="FR",
        disks_source="https://cloud.lal.example.org/pdisk",
        **shared,
    )
    assert configuration.cloud("grnet") == expect(
        "several-clouds.cfg",
        "grnet",
        service("https://cloud-grnet.example.org:2634/pswd/xmlrpc", Password("jdoe", "other")),
        service("https://pdisk-grnet.example.org:8445/pswd", Password("jdoe", "other")),
        name="GRNET",
        country="GR",
        disks_source="pdisk-grnet.example.org",
        **shared,
    )
    sizes = {size.name: (size.cpu, size.ram, size.swap) for size in configuration.instance_types()}
    assert sizes["lab.large"] == (8, 16384, 8192)
    assert sizes["m1.small"] == (2, 2048, 1024)
    assert len(sizes) == 8


def test_certificate(expect: Any, home: Path) -> None:
    own = Certificate(home / ".globus" / "usercert.pem", home / ".globus" / "userkey-open.pem")
    bundle = home / ".globus" / "certificates"

    assert load("certificate.cfg").cloud("default") == expect(
        "certificate.cfg",
        "default",
        service("https://cloud.lal.example.org/one-proxy/cert/xmlrpc", own, verify=bundle),
        service("https://cloud.lal.example.org/pdisk/cert", own, verify=bundle),
        marketplace=service("https://marketplace.lal.example.org", None, verify=bundle),
        disks_source="https://cloud.lal.example.org/pdisk",
        public_key_file=home / ".ssh" / "id_ed25519.pub",
        private_key_file=home / ".ssh" / "id_ed25519",
    )


def test_proxy_certificate(expect: Any) -> None:
    configuration = load("proxy-certificate.cfg")
    proxy = Certificate(Path("/tmp/x509up_u1000"), Path("/tmp/x509up_u1000"))

    assert configuration.sections == ("default", "grid")
    assert configuration.cloud("default").compute.credentials == JANE
    assert configuration.cloud("grid") == expect(
        "proxy-certificate.cfg",
        "grid",
        service("https://grid.example.org/one-proxy/cert/xmlrpc", proxy),
        service("https://grid.example.org/pdisk/pswd", Password("jane-disks", "disk-secret")),
        disks_source="https://grid.example.org/pdisk",
    )


def test_port_translation(expect: Any) -> None:
    configuration = load("port-translation.cfg")

    assert configuration.cloud("default") == expect(
        "port-translation.cfg",
        "default",
        service("https://cloud.campus.example.org:443/pswd/xmlrpc", JANE),
        service("https://cloud.campus.example.org:443/pswd", JANE),
        disks_source="cloud.campus.example.org:443",
        machine=MachineOptions(network="local"),
        port_translation=PortTranslation(
            "http://cloud.campus.example.org/cgi-bin/vmports.py", "gate.campus.example.org"
        ),
    )
    assert configuration.cloud("elsewhere") == expect(
        "port-translation.cfg",
        "elsewhere",
        service("https://cloud.example.org:2634/pswd/xmlrpc", JANE),
        service("https://cloud.example.org:8445/pswd", JANE),
        disks_source="cloud.example.org",
    )


def test_cloud_init(expect: Any, home: Path) -> None:
    assert load("cloud-init.cfg").cloud("default") == expect(
        "cloud-init.cfg",
        "default",
        service("https://cloud.example.org:2634/pswd/xmlrpc", JANE),
        service("https://cloud.example.org:8445/pswd", JANE),
        disks_source="cloud.example.org",
        machine=MachineOptions(
            instance_type="c1.xlarge",
            disks_bus="virtio",
            qcow=True,
            volatile_disk=20480,
            cpu_amount=0.5,
            requirements='CLUSTER = "physics"',
            raw_data='<devices>\n<serial type="pty"/>\n# kept\n</devices>',
            vnc_port=5901,
            vnc_listen="127.0.0.1",
            context_method="cloud-init",
            context_file=home / "context.txt",
            context_data="SITE=lal#ROLE=worker",
            cloud_init="x-shellscript,~/setup.sh#ssh,~/.ssh/team.pub",
        ),
    )


def test_bare_hosts(expect: Any) -> None:
    assert load("bare-hosts.cfg").cloud("default") == expect(
        "bare-hosts.cfg",
        "default",
        service("https://httpd.example.org:2634/pswd/xmlrpc", JANE, verify=False),
        service("https://pdisk.example.org:8445/pswd", JANE, verify=False),
        marketplace=service("https://marketplace.example.org", None, verify=False),
        disks_source="pdisk.example.org",
    )


def test_old_ports(expect: Any) -> None:
    configuration = load("old-ports.cfg")
    url, disks = "https://cloud.example.org:2634/pswd/xmlrpc", "https://cloud.example.org:8445/pswd"

    assert configuration.cloud("default") == expect(
        "old-ports.cfg",
        "default",
        service(url, JANE),
        service(disks, JANE),
        disks_source="https://cloud.example.org:8445",
    )
    other = configuration.cloud("without-pdisk-port")
    assert other.compute.url == "http://cloud2.example.org:2634/pswd/xmlrpc"
    assert other.disks.url == "http://pdisk2.example.org:8446/pswd"
    assert other.disks_source == "pdisk2.example.org:8446"


def test_ipv6(expect: Any) -> None:
    assert load("ipv6.cfg").cloud("default") == expect(
        "ipv6.cfg",
        "default",
        service("https://[2001:db8::10]:2634/pswd/xmlrpc", JANE),
        service("https://[2001:db8::20]:8446/pswd", JANE),
        marketplace=service("http://[2001:db8::30]/marketplace", None),
        disks_source="[2001:db8::20]:8446",
        machine=MachineOptions(network="private", address="2001:db8::ff"),
    )


def test_percent_passwords(expect: Any) -> None:
    configuration = load("percent-passwords.cfg")
    zoe = Password("zoë@example.org", '100%;"#=:é%(x)s')
    clone = Password("zoë@example.org", ";begins")

    assert configuration.sections == ("default", "clone")
    assert configuration.cloud("default") == expect(
        "percent-passwords.cfg",
        "default",
        service("https://cloud.example.org:2634/pswd/xmlrpc", zoe),
        service("https://cloud.example.org:8445/pswd", zoe._replace(password='"quoted"')),
        country="Ελλάδα",
        disks_source="cloud.example.org",
    )
    assert configuration.cloud("clone") == expect(
        "percent-passwords.cfg",
        "clone",
        service("https://other.example.org:2634/pswd/xmlrpc", clone),
        service("https://other.example.org:8445/pswd", clone),
        name="Second home of the same people",
        disks_source="other.example.org",
    )


def test_everything_at_once(expect: Any, home: Path) -> None:
    limits = {"connections": 2, "max_answer": 64 << 20, "verify": True}

    assert load("everything-at-once.cfg").cloud("default") == expect(
        "everything-at-once.cfg",
        "default",
        service("https://cloud.example.org:2634/pswd/xmlrpc", JANE, **limits),
        service("https://cloud.example.org:8445/pswd", JANE, **limits),
        marketplace=service(PUBLIC_MARKETPLACE, None, connections=2, max_answer=64 << 20),
        disks_source="cloud.example.org",
        machine=MachineOptions(
            instance_type="m1.xlarge",
            persistent_disk="0a1b2c3d-4e5f-6789-abcd-ef0123456789",
            readonly_disk="BN1EEkPiBx87_uLj2-sdybSI-Xb",
            kernel="/boot/vmlinuz",
            ramdisk="/boot/initrd.img",
            check_image_url=False,
            template_file=home / "template.tpl",
        ),
    )


@pytest.mark.parametrize("file", sorted(path.name for path in FILES.glob("*.cfg")))
def test_nothing_in_them_is_unknown(file: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    copy = tmp_path / file
    copy.touch(mode=0o600)
    copy.write_bytes((FILES / file).read_bytes())

    configuration = UserConfiguration.load(copy)

    assert not caplog.records
    for section in configuration.sections:
        configuration.cloud(section)
    configuration.instance_types()
