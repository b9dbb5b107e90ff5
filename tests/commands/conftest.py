"""Commands in this process, on the sandbox."""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from stratus_commands import registry, running
from stratuslab_libcloud.sandbox import Pace, Sandbox

IMAGE = b"\0an image" * 1000
JANE = "jane.builder@example.org"
DEFAULT_FILE = ".stratuslab/stratuslab-user.cfg"


class Result(NamedTuple):
    """What a command ended with and printed."""

    status: int
    out: str
    err: str


RunCommand = Callable[..., Result]


def module_of(name: str) -> registry.CommandModule:
    """The module of a command, by its name without ``stratus-``."""
    [found] = [command for command in registry.COMMANDS if command.name == f"stratus-{name}"]
    return found.load()


@pytest.fixture
def run_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> RunCommand:
    """Runs a command by its name without ``stratus-``; `stdin` is what it can read there."""

    def run(name: str, *arguments: object, stdin: str = "") -> Result:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        module = module_of(name)
        try:
            status = running.main(module.parser(f"stratus-{name}"), module.run, [str(each) for each in arguments])
        except SystemExit as end:
            status = int(end.code or 0)
        return Result(status, *capsys.readouterr())

    return run


@pytest.fixture
def home_config(clean_environment: Path, sandbox: Sandbox, key_file: Path) -> Path:
    """The configuration file at home, with the sandbox as its cloud, and without port translation."""
    file = clean_environment / DEFAULT_FILE
    file.parent.mkdir(mode=0o700)
    sandbox.write_config(file, public_key_file=key_file)
    lines = file.read_text().splitlines()
    file.write_text("\n".join(line for line in lines if not line.startswith("port_translation")) + "\n")
    return file


@pytest.fixture
def opennebula_config(home_config: Path, key_file: Path) -> Iterator[Path]:
    """The configuration file at home, with an OpenNebula of today as its cloud."""
    home_config.unlink()
    with Sandbox(kind="opennebula", pace=Pace.with_boot_seconds(0.1), guests=False) as sandbox:
        yield sandbox.write_config(home_config, public_key_file=key_file)


# Images and their metadata


def p12(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, email: str | None = None, password: str = "") -> bytes:
    """A certificate with its key, in PKCS#12 format; in PEM format without a password."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Jane Builder")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(1))
        .not_valid_after(now + datetime.timedelta(1))
    )
    if email:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.RFC822Name(email)]), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    if password:
        encryption = serialization.BestAvailableEncryption(password.encode())
        return pkcs12.serialize_key_and_certificates(b"x", key, certificate, None, encryption)
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*pem) + certificate.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="session")
def signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def certificates(tmp_path: Path, signing_key: rsa.RSAPrivateKey) -> Path:
    """A folder with certificates: of somebody with an address, and without one."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    (folder / "jane.p12").write_bytes(p12(signing_key, JANE, "p12pass"))
    (folder / "nobody.p12").write_bytes(p12(signing_key, None, "p12pass"))
    (folder / "jane.pem").write_bytes(p12(signing_key, JANE))
    (folder / "curve.pem").write_bytes(p12(ec.generate_private_key(ec.SECP256R1()), JANE))
    return folder


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, whose name has a blank."""
    folder = tmp_path / "work folder"
    folder.mkdir()
    (folder / "an image.img").write_bytes(IMAGE)
    monkeypatch.chdir(folder)
    return folder
