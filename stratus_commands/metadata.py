"""What the commands for image metadata share: files, the certificate that signs, and what is said of an entry."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stratus_commands import options
from stratus_commands.connection import Connection, read_password, settings_of
from stratus_commands.failures import CommandError
from stratus_commands.output import Output
from stratus_commands.parsing import CommandParser, Given

if TYPE_CHECKING:
    from stratuslab_libcloud.client.stratuslab.marketplace import Marketplace
    from stratuslab_libcloud.client.stratuslab.metadata.credentials import SigningCredentials

DEFAULT_P12 = "~/.globus/usercert.p12"

_LARGEST = 1 << 21


def add_signature(parser: CommandParser, email: str, *, pem: bool = True) -> None:
    """Who signs, and how.

    :param email: what the address is for
    :param pem: whether ``--pem-cert`` is for the signature, and not for the cloud
    """
    options.add_p12(parser)
    if pem:
        options.add_pem_signature(parser)
    parser.set_defaults(pem_signs=pem)
    parser.add_argument("--email", default="", metavar="EMAIL", help=email)
    parser.add_argument(
        "--algorithm",
        choices=("marketplace", "2014", "sha256"),
        default="marketplace",
        help="how to sign: marketplace (rsa-sha1 over a SHA-256 digest, which StratusLab's Marketplace accepts), 2014 "
        "(exactly as in 2014, SHA-1 only) or sha256 (without SHA-1, which it refuses). Default: marketplace",
    )


def read(file: Path) -> bytes:
    """The content of a metadata file.

    :raises CommandError: it is too long to be one
    :raises OSError: it cannot be read
    """
    with file.open("rb") as stream:
        content = stream.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise CommandError(f"{file} is longer than {_LARGEST} bytes, and is no image metadata")
    return content


def signed(content: bytes, signer: SigningCredentials, arguments: Namespace) -> bytes:
    """An entry that the user has endorsed and signed.

    :raises LibcloudError: that is not possible, with the reason
    """
    from stratuslab_libcloud.client.stratuslab.metadata.signing import sign_entry

    return sign_entry(content, signer, arguments.email, form=arguments.algorithm)


def credentials(arguments: Namespace) -> SigningCredentials:
    """The user's certificate and private key.

    A PEM certificate is used if an option names it: that of the configuration is for the cloud.

    :raises ConfigurationError: they cannot be read
    """
    from stratuslab_libcloud.client.stratuslab.metadata.credentials import SigningCredentials
    from stratuslab_libcloud.config import values

    ask_for_password(arguments)
    settings = settings_of(arguments)
    found = settings.find("p12_password")
    password = found.text if found else ""
    if arguments.pem_signs and "pem_certificate" in arguments.settings:
        certificate = values.path(arguments.settings["pem_certificate"].text)
        return SigningCredentials.from_pem(certificate, settings.read("pem_key", values.path, certificate), password)
    file = settings.read("p12_certificate", values.path, values.path(DEFAULT_P12))
    return SigningCredentials.from_pkcs12(file, password)


def ask_for_password(arguments: Namespace) -> None:
    """Read the certificate's password if ``--p12-password -`` says so, and once only.

    :raises UsageError: there is none
    """
    given = arguments.settings.get("p12_password")
    if given is not None and given.text == "-":
        password = Given(given.option, read_password(given.option))
        arguments.settings = {**arguments.settings, "p12_password": password}


def replace(file: Path, content: bytes, output: str | None, verbose: Output) -> Path:
    """Write a signed entry, in place of the unsigned one or elsewhere.

    :param file: the unsigned one, which is kept as ``*.orig`` when it is replaced
    :param output: the file to write; None to replace the other
    :return: the file that was written
    :raises OSError: it cannot be written
    """
    target = Path(output) if output else file
    kept = file if output else file.with_name(f"{file.name}.orig")
    draft = file.with_name(f"{file.name}.new")
    draft.write_bytes(content)
    verbose.verbose(f"Renaming input file from {file} to {kept}")
    file.replace(kept)
    verbose.verbose(f"Renaming output file from {draft} to {target}")
    draft.replace(target)
    return target


@contextmanager
def marketplace_of(connection: Connection) -> Iterator[Marketplace]:
    """The Marketplace of a cloud.

    :raises UsageError: the cloud has none
    """
    from stratuslab_libcloud.client.stratuslab.marketplace import Marketplace

    marketplace = Marketplace(connection.stratuslab)
    try:
        yield marketplace
    finally:
        marketplace.close()


def publish(marketplace: Marketplace, content: bytes, output: Output) -> str:
    """Send a signed entry to a Marketplace.

    :return: its address there
    :raises LibcloudError: it was not accepted, with the reason
    """
    upload = marketplace.upload(content)
    if upload.awaits_confirmation:
        output.note("The Marketplace has sent an e-mail to the endorser, and publishes the entry when it is confirmed.")
    return upload.url
