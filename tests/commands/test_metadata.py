"""The commands for image metadata: build, sign, validate, upload, deprecate."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import re
from pathlib import Path

import pytest

from stratuslab_libcloud.client.stratuslab.entries import Image, read_images
from stratuslab_libcloud.client.stratuslab.metadata.verification import verify_entry
from stratuslab_libcloud.sandbox import Sandbox

from .conftest import IMAGE, JANE, RunCommand

BUILT = "CentOS-6.5-x86_64-base-1.0.xml"
OPTIONS = ("--os", "CentOS", "--os-version", "6.5", "--os-arch", "x86_64", "--image-version", "1.0")
NO_LOCATION = (
    "  [WARNING] Image physical location (URL) was not provided. "
    "You'll have to set it manually in the resulting manifest.\n"
)


def files_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.fixture
def built(work: Path, run_command: RunCommand) -> Path:
    """The metadata of the image."""
    arguments = ("--author", "Jane", "--title", "Mine", "--location", "http://example.org/a b.img", "an image.img")
    assert run_command("build-metadata", *OPTIONS, *arguments) == (0, "", "")
    return work / BUILT


@pytest.fixture
def signed(built: Path, certificates: Path, run_command: RunCommand) -> Path:
    """The same, signed."""
    result = run_command("sign-metadata", "--p12-cert", certificates / "jane.p12", "--p12-password", "p12pass", built)
    assert result == (0, "", "")
    return built


def image_in(file: Path) -> Image:
    (image,) = read_images([file.read_bytes()])
    return image


# Building


def test_all_that_is_said_of_an_image(work: Path, run_command: RunCommand) -> None:
    status, out, err = run_command(
        "build-metadata", *OPTIONS, "--author", "Jane & John", "--type", "grid", "--kind", "disk", "--format", "qcow2",
        "--hypervisor", "xen", "--location", "http://a/1?x=1&y=2", "--location", "http://a/2", "--compression", "bz2",
        "--title", "<a title>", "--tag", "mine", "--comment", "two\nlines", "--disks-bus", "virtio", "an image.img",
    )  # fmt: skip
    assert (status, out, err) == (0, "", "")
    image = image_in(work / "CentOS-6.5-x86_64-grid-1.0.xml")
    digests = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-512": "sha512"}
    assert image.checksums == {label: hashlib.new(name, IMAGE).hexdigest() for label, name in digests.items()}
    assert (image.size, image.creator, image.type, image.kind) == (len(IMAGE), "Jane & John", "grid", "disk")
    assert (image.format, image.hypervisor, image.compression) == ("qcow2", "xen", "bz2")
    assert image.locations == ("http://a/1?x=1&y=2", "http://a/2")
    assert (image.title, image.tag, image.description, image.disks_bus) == ("<a title>", "mine", "two\nlines", "virtio")


@pytest.mark.parametrize(("ending", "compress"), [("gz", gzip.compress), ("bz2", bz2.compress)])
def test_a_compressed_image_is_measured_as_it_is_uncompressed(
    work: Path, run_command: RunCommand, ending: str, compress: object
) -> None:
    assert callable(compress)
    (work / f"a.img.{ending}").write_bytes(compress(IMAGE))
    assert run_command("build-metadata", f"a.img.{ending}") == (0, NO_LOCATION, "")
    image = image_in(work / "---base-.xml")
    assert (image.size, image.compression) == (len(IMAGE), ending)
    assert image.checksums["SHA-1"] == hashlib.sha1(IMAGE).hexdigest()


def test_checksums_that_are_given_or_not_wanted(work: Path, run_command: RunCommand) -> None:
    result = run_command(
        "build-metadata", "-qq", "--sha1", "c319bbd5afc0a22ba3eaed0507c39383ec28eeff", "--no-md5", "--no-sha256",
        "--no-sha512", "an image.img",
    )  # fmt: skip
    assert result == (0, "", "")
    image = image_in(work / "---base-.xml")
    assert image.identifier == "MMZu9WvwKIro-rtBQfDk4PsKO7_"
    assert [label for label, value in image.checksums.items() if value] == ["SHA-1"]


def test_verbose_names_the_file(work: Path, run_command: RunCommand) -> None:
    status, out, _ = run_command("build-metadata", "-v", *OPTIONS, "--location", "http://a/", "an image.img")
    assert (status, out) == (0, f"Manifest: {BUILT}\n")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "Please specify an image"),
        (["an image.img", "an image.img"], "Please specify only one image"),
        (["missing.img"], "Image does not exist: missing.img"),
        (["--disks-bus", "usb", "an image.img"], "Unknown disks bus type usb"),
        (["--compression", "zip", "an image.img"], "Unknown compression format"),
        (["--md5", "abc", "an image.img"], "--md5 must be 32 hexadecimal digits"),
        (["--os", "../x", "an image.img"], "../x---base-.xml cannot be the name of a file"),
    ],
)
def test_what_cannot_be_built(work: Path, run_command: RunCommand, arguments: list[str], problem: str) -> None:
    status, _, err = run_command("build-metadata", *arguments)
    assert (status, err.splitlines()[0]) == (2, "Usage: stratus-build-metadata [options] image")
    assert problem in err
    assert files_in(work) == ["an image.img"]


def test_an_image_that_cannot_be_decompressed(work: Path, run_command: RunCommand) -> None:
    (work / "a.img.gz").write_bytes(gzip.compress(IMAGE)[:-20])
    status, _, err = run_command("build-metadata", "a.img.gz")
    assert (status, err.startswith("Error: ")) == (1, True)
    assert not (work / "---base-.xml").exists()


def test_a_text_that_cannot_be_in_xml(work: Path, run_command: RunCommand) -> None:
    status, _, err = run_command("build-metadata", "--title", "a\x01b", "an image.img")
    assert (status, err.startswith("Error: it is not XML")) == (1, True)


# Signing


def test_a_signed_file_takes_the_place_of_the_other(signed: Path) -> None:
    verification = verify_entry(signed.read_bytes())
    assert verification.problems == ()
    assert verification.algorithm == "rsa-sha1"
    assert b"Signature" not in signed.with_name(f"{BUILT}.orig").read_bytes()
    assert files_in(signed.parent) == [BUILT, f"{BUILT}.orig", "an image.img"]


def test_signing_into_another_file(built: Path, certificates: Path, run_command: RunCommand) -> None:
    before = built.read_bytes()
    status, out, _ = run_command(
        "sign-metadata", "-v", "--p12-cert", certificates / "nobody.p12", "--p12-password", "-", "--email", JANE,
        "--output", "signed one.xml", BUILT, stdin="p12pass\n",
    )  # fmt: skip
    assert status == 0
    assert out.splitlines() == [
        f"Renaming input file from {BUILT} to {BUILT}",
        f"Renaming output file from {BUILT}.new to signed one.xml",
        "Metadata file successfully signed: signed one.xml",
    ]
    assert built.read_bytes() == before
    assert verify_entry((built.parent / "signed one.xml").read_bytes()).holds


@pytest.mark.parametrize("by", ["option", "environment", "file", "home"])
def test_where_the_certificate_is(
    built: Path, certificates: Path, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch, clean_environment: Path,
    by: str,
) -> None:  # fmt: skip
    certificate = certificates / "jane.p12"
    arguments: list[object] = ["--p12-cert", certificate, "--p12-password", "p12pass"] if by == "option" else []
    if by == "environment":
        monkeypatch.setenv("STRATUSLAB_P12_CERTIFICATE", str(certificate))
        monkeypatch.setenv("STRATUSLAB_P12_PASSWORD", "p12pass")
    if by == "file":
        file = clean_environment / "own.cfg"
        file.write_text(f"[default]\np12_certificate = {certificate}\np12_password = p12pass\n")
        file.chmod(0o600)
        arguments = ["-c", file]
    if by == "home":
        (clean_environment / ".globus").mkdir()
        (clean_environment / ".globus" / "usercert.p12").write_bytes(certificate.read_bytes())
        arguments = ["--p12-password", "p12pass"]
    assert run_command("sign-metadata", *arguments, BUILT) == (0, "", "")
    assert verify_entry(built.read_bytes()).holds


def test_a_certificate_in_pem_format(built: Path, certificates: Path, run_command: RunCommand) -> None:
    assert run_command("sign-metadata", "--pem-cert", certificates / "jane.pem", BUILT) == (0, "", "")
    assert verify_entry(built.read_bytes()).holds


@pytest.mark.parametrize(
    ("form", "method", "digest"),
    [("marketplace", "rsa-sha1", "sha256"), ("2014", "rsa-sha1", "xmldsig#sha1"), ("sha256", "rsa-sha256", "sha256")],
)
def test_algorithms(
    built: Path, certificates: Path, run_command: RunCommand, form: str, method: str, digest: str
) -> None:
    arguments = ("--algorithm", form, "--pem-cert", certificates / "jane.pem")
    assert run_command("sign-metadata", *arguments, BUILT).status == 0
    assert verify_entry(built.read_bytes()).algorithm == method
    assert f'{digest}"/><DigestValue>' in built.read_text()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ["--p12-cert", "{}/jane.p12", "--p12-password", "wrong"],
            "Error: the certificate {}/jane.p12 cannot be read: ",
        ),
        (["--p12-cert", "{}/jane.p12"], "Error: the certificate {}/jane.p12 cannot be read: "),
        (["--p12-cert", "/missing.p12"], "Error: certificate file not found: /missing.p12\n"),
        (["--p12-cert", "{}/nobody.p12", "--p12-password", "p12pass"], "Error: cannot generate slreq:endorsement; "),
        (
            ["--p12-cert", "{}/nobody.p12", "--p12-password", "p12pass", "--email", "x"],
            "Error: invalid email address: x\n",
        ),
        (["--pem-cert", "{}/curve.pem"], "Error: the form 'marketplace' of signatures needs a key of the kind RSA"),
        (["--pem-cert", "{}/missing.pem"], "Error: certificate file not found: {}/missing.pem"),
    ],
)
def test_what_cannot_sign(
    built: Path, certificates: Path, run_command: RunCommand, arguments: list[str], problem: str
) -> None:
    before = built.read_bytes()
    status, out, err = run_command("sign-metadata", *[word.format(certificates) for word in arguments], BUILT)
    assert (status, out) == (1, "")
    assert err.startswith(problem.format(certificates))
    assert "wrong" not in err.replace("the password is wrong", "")
    assert built.read_bytes() == before
    assert files_in(built.parent) == [BUILT, "an image.img"]


@pytest.mark.parametrize(
    ("command", "arguments", "problem"),
    [
        ("sign-metadata", [], "Missing metadata file"),
        ("sign-metadata", ["a", "b"], "Only one metadata file can be signed"),
        ("sign-metadata", ["missing.xml"], "Metadata file doesn't exist or is not a file"),
        ("validate-metadata", [], "Missing metadata file"),
        ("validate-metadata", ["a", "b"], "Only one metadata file can be validated"),
        ("validate-metadata", ["missing.xml"], "Manifest file doesn't exist or is not a file"),
        ("upload-metadata", [], "Missing metadata file"),
        ("upload-metadata", ["a", "b"], "Only one metadata file can be uploaded"),
        ("upload-metadata", ["missing.xml"], "Image manifest does not exist: missing.xml"),
        ("deprecate-metadata", ["--email", JANE], "Missing image identifier"),
        ("deprecate-metadata", ["--email", JANE, "a", "b"], "Only one image can be deprecated"),
        ("deprecate-metadata", ["a"], "Missing email address. Please provide email of endorser"),
    ],
)
def test_what_is_missing(work: Path, run_command: RunCommand, command: str, arguments: list[str], problem: str) -> None:
    status, out, err = run_command(command, *arguments)
    assert (status, out) == (2, "")
    assert err.endswith(f"stratus-{command}: error: {problem}\n")


def test_files_that_are_no_metadata(work: Path, certificates: Path, run_command: RunCommand) -> None:
    for content in (b"no XML", b"<a/>", b" " * (1 << 22)):
        (work / "a.xml").write_bytes(content)
        for command in ("sign-metadata", "validate-metadata", "upload-metadata"):
            arguments = ("--pem-cert", certificates / "jane.pem") if command == "sign-metadata" else ()
            status, out, err = run_command(command, *arguments, "a.xml")
            assert (status, out, err.startswith("Error: ")) == (1, "", True), (command, content[:10])


# Validating


def test_what_is_valid(signed: Path, run_command: RunCommand) -> None:
    status, out, err = run_command("validate-metadata", BUILT)
    assert (status, out) == (0, f"Valid: {BUILT}\n")
    assert f"{BUILT}: the signature (rsa-sha1 over a sha256 digest) depends on SHA-1, which is broken" in err
    assert run_command("validate-metadata", "-qq", BUILT) == (0, f"Valid: {BUILT}\n", "")
    assert "signed by CN=Jane Builder\nsignature: holds\n" in run_command("validate-metadata", "-v", BUILT).out


def test_what_is_not_valid(signed: Path, run_command: RunCommand) -> None:
    original = f"{BUILT}.orig"
    status, out, err = run_command("validate-metadata", original)
    assert (status, out) == (1, "")
    assert err.startswith(f"Error: Invalid: {original}\nno signature\n")
    signed.write_text(signed.read_text().replace("Mine", "Yours"))
    assert run_command("validate-metadata", BUILT) == (
        1,
        "",
        f"Error: Invalid: {BUILT}\nthe entry is not the one that was signed: it has been changed\n",
    )


def test_what_is_deprecated_or_has_expired_is_valid(built: Path, certificates: Path, run_command: RunCommand) -> None:
    text = re.sub(r"<dcterms:valid>.*<", "<dcterms:valid>2014-01-01T00:00:00Z<", built.read_text())
    built.write_text(text.replace("</rdf:Desc", "<slterms:deprecated>a hole</slterms:deprecated></rdf:Desc"))
    run_command("sign-metadata", "--pem-cert", certificates / "jane.pem", BUILT)
    status, out, err = run_command("validate-metadata", BUILT)
    assert (status, out) == (0, f"Valid: {BUILT}\n")
    assert "it expired on 2014-01-01T00:00:00Z" in err
    assert "it is deprecated: a hole" in err


# Uploading and deprecating


def test_an_entry_is_published_and_deprecated(
    home_config: Path, sandbox: Sandbox, signed: Path, certificates: Path, run_command: RunCommand
) -> None:
    status, out, err = run_command("upload-metadata", BUILT)
    image = image_in(signed)
    address = f"{sandbox.marketplace_url}/metadata/{image.identifier}/{JANE}"
    assert (status, out, err) == (0, f"{address}/{image.endorsed}\n", "")
    sandbox.requests.clear()
    status, out, err = run_command(
        "deprecate-metadata", "--p12-cert", certificates / "jane.p12", "--p12-password", "-", "--email", JANE,
        "--reason", "a < hole", image.identifier, stdin="p12pass\n",
    )  # fmt: skip
    assert (status, err) == (0, "")
    assert re.fullmatch(rf"{re.escape(address)}/[\dTZ:-]+\n", out)
    assert sandbox.requests.operations == ["GET /metadata/{id}", "POST /metadata"]
    assert image.identifier not in {entry.identifier for entry in sandbox.entries.select()}
    (entry,) = sandbox.entries.select(identifier=image.identifier, status="deprecated")
    assert entry.deprecated == "a < hole"
    assert verify_entry(entry.document.encode()).problems == ("it is deprecated: a < hole",)


def test_one_of_the_sandboxs_own_images_is_deprecated(
    home_config: Path, sandbox: Sandbox, certificates: Path, run_command: RunCommand
) -> None:
    entry = next(entry for entry in sandbox.entries.select() if entry.title == "Debian 7.5")
    arguments = ("--p12-cert", certificates / "nobody.p12", "--p12-password", "p12pass", "--created", entry.created)
    status, _, err = run_command("deprecate-metadata", *arguments, "--email", JANE, entry.identifier)
    assert (status, err) == (0, "")
    (deprecated,) = sandbox.entries.select(identifier=entry.identifier, status="deprecated")
    assert deprecated.deprecated == "This image has been deprecated"


def test_somebody_elses_entry_is_not_deprecated(
    home_config: Path, sandbox: Sandbox, certificates: Path, run_command: RunCommand
) -> None:
    """It would become another endorser's entry, and deprecate nothing."""
    arguments = ("--pem-cert", certificates / "jane.pem", "--email", "john.checker@example.com", "A" * 27)
    assert run_command("deprecate-metadata", *arguments) == (
        1,
        "",
        f"Error: The certificate is that of {JANE}, so the entry of john.checker@example.com cannot be deprecated "
        "with it\n",
    )
    assert sandbox.requests.operations == []


def test_what_the_marketplace_refuses(
    home_config: Path, sandbox: Sandbox, built: Path, certificates: Path, run_command: RunCommand
) -> None:
    status, out, err = run_command("upload-metadata", BUILT)
    assert (status, out) == (1, "")
    assert "invalid metadata: no signature" in err
    run_command("sign-metadata", "--algorithm", "sha256", "--pem-cert", certificates / "jane.pem", BUILT)
    assert "invalid metadata: cannot find validation key" in run_command("upload-metadata", BUILT).err
    status, _, err = run_command(
        "deprecate-metadata", "--pem-cert", certificates / "jane.pem", "--email", JANE, "A" * 27
    )
    assert (status, "Error: " in err) == (1, True)


def test_a_marketplace_that_is_named_by_an_option(sandbox: Sandbox, signed: Path, run_command: RunCommand) -> None:
    """Nothing of a cloud has to be known, neither an endpoint nor a user."""
    arguments = ("--marketplace-endpoint", sandbox.marketplace_url)
    assert run_command("upload-metadata", *arguments, BUILT).status == 0


def test_an_opennebula_has_no_marketplace(opennebula_config: Path, signed: Path, run_command: RunCommand) -> None:
    status, _, err = run_command("upload-metadata", BUILT)
    assert status == 2
    assert "This is only for StratusLab" in err
