"""stratus-upload-image."""

from __future__ import annotations

import bz2
import gzip
import re
from pathlib import Path

import pytest

from stratuslab_libcloud.client.stratuslab.metadata.verification import verify_entry
from stratuslab_libcloud.sandbox import Sandbox

from .conftest import IMAGE, JANE, RunCommand

START = (
    "\n :::::::::::::::::::::::::::\n :: Starting image upload ::\n :::::::::::::::::::::::::::\n"
    " :: Compressing image\n"
)
MANIFEST = (
    "\n ::::::::::::::::::::::::::::::\n :: Starting manifest upload ::\n ::::::::::::::::::::::::::::::\n"
    " :: Parsing manifest\n :: Updating manifest\n"
)

pytestmark = pytest.mark.usefixtures("home_config")


@pytest.fixture
def manifest(work: Path, run_command: RunCommand) -> Path:
    """The image's metadata, beside it."""
    run_command("build-metadata", "-qq", "--os", "ttylinux", "an image.img")
    return (work / "ttylinux---base-.xml").rename(work / "an image.xml")


def test_an_image_alone(work: Path, sandbox: Sandbox, run_command: RunCommand) -> None:
    status, out, err = run_command("upload-image", "--image-only", "an image.img")
    (disk,) = sandbox.disks
    url = f"{sandbox.disks_url}/pswd/disks/{disk.uuid}"
    assert (status, err) == (0, "")
    assert out == f"{START} :: Uploading image\nImage uploaded: {url}\n"
    assert gzip.decompress((work / "an image.img.gz").read_bytes()) == IMAGE
    assert (work / "an image.img").read_bytes() == IMAGE


def test_what_is_said_of_the_volume(work: Path, sandbox: Sandbox, run_command: RunCommand) -> None:
    status, out, _ = run_command(
        "upload-image", "--image-only", "-t", "my upload", "--public", "--machine-image-origin", "an image.img"
    )
    (disk,) = sandbox.disks
    assert status == 0
    assert out.endswith(
        "\nImage metadata updated: {'tag': 'my upload', 'type': 'MACHINE_IMAGE_ORIGIN', 'visibility': 'PUBLIC'}\n"
    )
    assert (disk.tag, disk.type.value, disk.visibility.value) == ("my upload", "MACHINE_IMAGE_ORIGIN", "PUBLIC")


def test_an_image_and_its_metadata(
    work: Path, sandbox: Sandbox, manifest: Path, certificates: Path, run_command: RunCommand
) -> None:
    status, out, err = run_command(
        "upload-image", "--p12-cert", certificates / "jane.p12", "--p12-password", "-", "an image.img",
        stdin="p12pass\n",
    )  # fmt: skip
    (disk,) = sandbox.disks
    url = f"{sandbox.disks_url}/pswd/disks/{disk.uuid}"
    verification = verify_entry(manifest.read_bytes())
    assert verification.problems == ()
    entry = verification.entry
    assert entry is not None
    assert (status, err) == (0, "")
    assert out == (
        f"{START} :: Uploading image\nImage uploaded: {url}\n{MANIFEST} :: Signing manifest\n :: Uploading manifest\n"
        f"Manifest uploaded: {sandbox.marketplace_url}/metadata/{entry.identifier}/{JANE}/{entry.endorsed}\n"
    )
    assert entry.locations == (url,)
    assert "<slterms:compression>gz</slterms:compression>" in manifest.read_text()
    (published,) = sandbox.entries.select(identifier=entry.identifier)
    assert published.locations == (url,)
    assert manifest.with_name("an image.xml.orig").exists()


@pytest.mark.usefixtures("manifest")
def test_a_certificate_without_an_address(
    work: Path, sandbox: Sandbox, certificates: Path, run_command: RunCommand
) -> None:
    arguments = ("--p12-cert", certificates / "nobody.p12", "--p12-password", "p12pass")
    status, out, err = run_command("upload-image", *arguments, "an image.img")
    assert status == 1
    assert out.endswith(f"\n{MANIFEST} :: Signing manifest\n")
    assert err == "Error: cannot generate slreq:endorsement; email address not in cert or not provided\n"
    (disk,) = sandbox.disks
    sandbox.disks.delete("alice", disk.uuid)
    assert run_command("upload-image", *arguments, "--email", JANE, "an image.img").status == 0


def test_quiet(work: Path, manifest: Path, certificates: Path, run_command: RunCommand) -> None:
    arguments = ("-q", "--p12-cert", certificates / "jane.p12", "--p12-password", "p12pass")
    assert run_command("upload-image", *arguments, "an image.img") == (0, "", "")


def test_what_is_compressed_already(work: Path, sandbox: Sandbox, run_command: RunCommand) -> None:
    (work / "a.img.gz").write_bytes(gzip.compress(b"another image"))
    skipping = "  [WARNING] skipping compression; file appears to already be compressed\n"
    assert run_command("upload-image", "--image-only", "a.img.gz").out.startswith(START + skipping)
    (work / "a.img").write_bytes(b"not looked at")
    status, out, err = run_command("upload-image", "--image-only", "a.img")
    assert out == (f"{START}  [WARNING] Compressed file a.img.gz already exists, skipping\n :: Uploading image\n")
    assert (status, "Disk already registered" in err) == (1, True)
    assert len(list(sandbox.disks)) == 1


@pytest.mark.parametrize("form", ["none", "bz2"])
def test_other_forms_of_compression_are_the_services_to_refuse(work: Path, run_command: RunCommand, form: str) -> None:
    status, out, err = run_command("upload-image", "--image-only", "-C", form, "an image.img")
    assert (status, out) == (1, f"{START} :: Uploading image\n")
    assert "Not a gzipped file" in err
    if form == "bz2":
        assert bz2.decompress((work / "an image.img.bz2").read_bytes()) == IMAGE


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "Missing image file"),
        (["a", "b"], "Only one image can be uploaded"),
        (["missing.img"], "Image file does not exist: missing.img"),
        (["-C", "zip", "an image.img"], "Unknown compression format"),
        (["-t", "x" * 41, "an image.img"], "Tags must have at most 40 characters"),
    ],
)
def test_wrong_arguments(work: Path, run_command: RunCommand, arguments: list[str], problem: str) -> None:
    status, out, err = run_command("upload-image", *arguments)
    assert (status, out) == (2, "")
    assert err.endswith(f"stratus-upload-image: error: {problem}\n")


def test_an_image_without_metadata_is_not_uploaded(work: Path, sandbox: Sandbox, run_command: RunCommand) -> None:
    (work / "b.qcow2").touch()
    for image, manifest in (("an image.img", "an image.xml"), ("b.qcow2", "b.xml")):
        status, out, err = run_command("upload-image", image)
        assert (status, out) == (1, "")
        assert err.startswith(f"Error: There is no metadata of the image, {manifest}: ")
    assert sandbox.requests.operations == []


def test_a_compressed_file_that_cannot_be_written(work: Path, run_command: RunCommand) -> None:
    (work / "an image.img.gz.new").mkdir()
    status, _, err = run_command("upload-image", "--image-only", "an image.img")
    assert (status, bool(re.match("Error: .*an image.img.gz.new: Is a directory", err))) == (1, True)


def test_an_opennebula_has_no_such_service(opennebula_config: Path, work: Path, run_command: RunCommand) -> None:
    status, _, err = run_command("upload-image", "--image-only", "an image.img")
    assert status == 2
    assert "This is only for StratusLab" in err
