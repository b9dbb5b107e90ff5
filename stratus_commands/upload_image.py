"""The command ``stratus-upload-image``: puts an image into the disk service, and publishes its description."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from stratus_commands import compression, metadata, options, running, update_volume, volumes
from stratus_commands.failures import CommandError, UsageError
from stratus_commands.output import Output
from stratus_commands.parsing import CommandParser

if TYPE_CHECKING:
    from stratus_commands.connection import Connection
    from stratuslab_libcloud.driver.progress import Progress

NAME = "stratus-upload-image"


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "image-file",
        "Uploads the given machine or disk image file to the persistent disk service, which accepts gzip. Then its "
        "metadata, in the file beside it that ends with .xml instead, gets the image's location, is signed, and is "
        "uploaded to the Marketplace. The image-file argument is the file to upload.",
        f"{prog} --machine-image-origin --p12-cert jane.p12 --p12-password - centos.img",
    )
    options.add_config(parser)
    parser.add_argument("files", nargs="*", metavar="image-file", help="the file")
    parser.add_argument(
        "-C",
        "--compress",
        default="gz",
        metavar="FORMAT",
        help="Compression format. One of: gz, bz2, none. Default: gz; the compressed file is kept beside the other",
    )
    parser.add_argument("--image-only", action="store_true", help="Do not upload metadata file to Marketplace")
    parser.add_argument("-t", "--tag", metavar="VOLUMETAG", help="Tag of the volume.")
    volumes.add_visibility(parser, None)
    update_volume.add_types(parser)
    options.add_marketplace(parser)
    volumes.add_service(parser)
    metadata.add_signature(parser, "email address if not in certificate", pem=False)
    return parser


def run(arguments: Namespace) -> int:
    """Upload the image, and publish its metadata.

    :return: the exit status
    """
    from stratuslab_libcloud import show_progress

    image = _checked(arguments)
    output = Output(arguments)
    metadata.ask_for_password(arguments)
    with volumes.connect_to_disks(arguments) as connection, show_progress() as show:
        connection.stratuslab  # noqa: B018 - another kind of cloud is refused before anything is compressed
        output.title("Starting image upload")
        output.step("Compressing image")
        compressed = compression.compressed(image, arguments.compress, output, show)
        output.step("Uploading image")
        location = _upload(compressed, connection, arguments, output, show)
        if not arguments.image_only:
            output.title("Starting manifest upload")
            _publish(_manifest_of(image), location, connection, arguments, output)
    return 0


def _checked(arguments: Namespace) -> Path:
    """The image.

    :raises UsageError: it is not there, or an option has an impossible value
    :raises CommandError: its metadata is not there
    """
    if len(arguments.files) != 1:
        raise UsageError("Only one image can be uploaded" if arguments.files else "Missing image file")
    image = Path(arguments.files[0])
    if not image.is_file():
        raise UsageError(f"Image file does not exist: {image}")
    if arguments.compress not in (*compression.FORMATS, compression.NONE):
        raise UsageError("Unknown compression format")
    volumes.checked_tag(arguments.tag)
    if not arguments.image_only and not _manifest_of(image).is_file():
        raise CommandError(
            f"There is no metadata of the image, {_manifest_of(image)}: build it with stratus-build-metadata, or give "
            "--image-only"
        )
    return image


def _manifest_of(image: Path) -> Path:
    """The file of an image's metadata: ``a.xml`` for ``a.img`` and ``a.img.gz``."""
    name, found, _ = image.name.rpartition(".img")
    return image.with_name(f"{name if found else image.stem}.xml")


def _upload(
    image: Path,
    connection: Connection,
    arguments: Namespace,
    output: Output,
    show: Callable[[Progress], object],
) -> str:
    """Upload the image, and say of the volume what the arguments say.

    :return: its URL
    :raises UsageError: it is not a cloud of StratusLab's
    """
    from stratuslab_libcloud import StratusLabNodeDriver

    disks, driver = connection.stratuslab.disks, connection.driver
    assert isinstance(driver, StratusLabNodeDriver)
    volume = driver.ex_upload_volume(image, location=connection.section, ex_progress=show)
    url = f"{disks.url}/disks/{volume.id}"
    output.information(f"Image uploaded: {url}")
    visibility = arguments.visibility and arguments.visibility.upper()
    said = {"tag": arguments.tag, "type": arguments.kind, "visibility": visibility}
    changes = {name: value for name, value in said.items() if value}
    if changes:
        driver.ex_update_volume(volume, arguments.tag, ex_visibility=arguments.visibility, ex_type=arguments.kind)
        output.information(f"Image metadata updated: {changes}")
    return url


def _publish(manifest: Path, location: str, connection: Connection, arguments: Namespace, output: Output) -> None:
    from stratuslab_libcloud.client.stratuslab.metadata.changes import located

    output.step("Parsing manifest")
    content = metadata.read(manifest)
    output.step("Updating manifest")
    if arguments.compress == compression.NONE:
        output.warning("'none' specified for compression; manifest compression element NOT updated")
    content = located(content, location, "" if arguments.compress == compression.NONE else arguments.compress)
    output.step("Signing manifest")
    content = metadata.signed(content, metadata.credentials(arguments), arguments)
    metadata.replace(manifest, content, None, output)
    output.step("Uploading manifest")
    with metadata.marketplace_of(connection) as marketplace:
        output.information(f"Manifest uploaded: {metadata.publish(marketplace, content, output)}")


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
