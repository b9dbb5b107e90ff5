"""The command ``stratus-build-metadata``: describes an image in a file."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from stratus_commands import options, running
from stratus_commands.failures import UsageError
from stratus_commands.output import Output
from stratus_commands.parsing import CommandParser

if TYPE_CHECKING:
    from stratuslab_libcloud.client.stratuslab.metadata.building import Content

NAME = "stratus-build-metadata"

_BUSES = ("ide", "scsi", "virtio")
_COMPRESSIONS = ("", "gz", "bz2", "none")
_CHECKSUMS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}
"""Their names and lengths; only SHA-1 cannot be left out, because it names the image."""


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "image",
        "Construct a new metadata description of a machine or disk image. The image argument is the machine or disk "
        "image file to describe.",
        f"{prog} --author 'Jane Builder' --os CentOS --os-version 6.5 --os-arch x86_64 --image-version 1.0 "
        "--title 'My CentOS' centos.img.gz",
    )
    options.add_common(parser)
    add = parser.add_argument
    add("image", nargs="*", metavar="image", help="the file; .gz and .bz2 are decompressed to be measured")
    add("--author", default="", metavar="NAME", help="Author of the new image")
    add("--type", default="base", metavar="NAME", help="Image type (e.g. base, grid). Default: base")
    add("--kind", default="machine", metavar="NAME", help="Image kind (e.g. machine, disk). Default: machine")
    add("--os", default="", metavar="NAME", help="Operating system")
    add("--os-version", default="", metavar="VERSION", help="Operating system version")
    add("--os-arch", default="", metavar="ARCH", help="Operating system architecture")
    add("--image-version", default="", metavar="VERSION", help="Image version")
    add("--format", default="raw", metavar="FORMAT", help="Image format (e.g. raw, qcow2). Default: raw")
    add("--hypervisor", default="kvm", metavar="NAME", help="Hypervisor (e.g. kvm, xen). Default: kvm")
    add(
        "--location",
        action="append",
        default=[],
        metavar="URI",
        help="Physical location of the image; may be given again",
    )
    add("--compression", metavar="EXT", help="Image compression format. One of: gz, bz2. Default: by the file's name")
    add("--title", default="", metavar="TEXT", help="Title to append to the manifest file")
    add("--tag", default="", metavar="TEXT", help="Alternative name for the image")
    add("--comment", default="", metavar="TEXT", help="Comment to append to the manifest file")
    add("--disks-bus", default="ide", metavar="TYPE", help="Disks bus type. One of: ide, scsi, virtio. Default: ide")
    for name in _CHECKSUMS:
        add(f"--{name}", metavar="HEX", help=f"{name} checksum, which is not calculated then")
    for name in ("md5", "sha256", "sha512"):
        add(f"--no-{name}", action="store_true", help=f"do not calculate {name} checksum")
    return parser


def run(arguments: Namespace) -> int:
    """Measure the image, and write its description into the current folder.

    :return: the exit status
    """
    from stratuslab_libcloud.client.stratuslab.metadata.building import ImageDescription, build_entry, compression_of

    image = _checked(arguments)
    output = Output(arguments)
    locations = tuple(filter(None, arguments.location))
    if not locations:
        output.warning(
            "Image physical location (URL) was not provided. You'll have to set it manually in the resulting manifest."
        )
    description = ImageDescription(
        author=arguments.author,
        type=arguments.type,
        kind=arguments.kind,
        os=arguments.os,
        os_version=arguments.os_version,
        os_arch=arguments.os_arch,
        version=arguments.image_version,
        format=arguments.format,
        hypervisor=arguments.hypervisor,
        locations=locations,
        compression=compression_of(image) if arguments.compression is None else arguments.compression,
        title=arguments.title,
        tag=arguments.tag,
        comment=arguments.comment,
        disks_bus=arguments.disks_bus,
    )
    file = _file(arguments)
    file.write_bytes(build_entry(description, _content(image, arguments)))
    output.verbose(f"Manifest: {file}")
    return 0


def _checked(arguments: Namespace) -> Path:
    """The image.

    :raises UsageError: it is not there, or an option has an impossible value
    """
    if len(arguments.image) != 1:
        raise UsageError("Please specify an image" if not arguments.image else "Please specify only one image")
    image = Path(arguments.image[0])
    if not image.is_file():
        raise UsageError(f"Image does not exist: {image}")
    if arguments.disks_bus not in _BUSES:
        raise UsageError(f"Unknown disks bus type {arguments.disks_bus}. Possible values: {', '.join(_BUSES)}")
    if arguments.compression is not None and arguments.compression not in _COMPRESSIONS:
        raise UsageError("Unknown compression format. Possible values: gz, bz2, none")
    for name, length in _CHECKSUMS.items():
        value = getattr(arguments, name)
        if value is not None and not (len(value) == length and set(value) <= set("0123456789abcdefABCDEF")):
            raise UsageError(f"--{name} must be {length} hexadecimal digits")
    return image


def _content(image: Path, arguments: Namespace) -> Content:
    """What the image consists of: given checksums are not calculated again."""
    from stratuslab_libcloud import show_progress
    from stratuslab_libcloud.client.stratuslab.metadata.building import Content, content_of
    from stratuslab_libcloud.driver.progress import Progress

    given = {name: value for name in _CHECKSUMS if (value := getattr(arguments, name))}
    wanted = [name for name in _CHECKSUMS if name not in given and not getattr(arguments, f"no_{name}", False)]
    with show_progress() as show:
        measured = content_of(image, wanted, lambda done: show(Progress(f"reading {image.name}", done, None, "bytes")))
    return Content(measured.size, {**measured.checksums, **given})


def _file(arguments: Namespace) -> Path:
    """The file to write, in the current folder.

    :raises UsageError: one of the options that are its name cannot be a part of one
    """
    parts = (arguments.os, arguments.os_version, arguments.os_arch, arguments.type, arguments.image_version)
    name = f"{'-'.join(parts)}.xml"
    if "/" in name or "\0" in name:
        raise UsageError(f"{name} cannot be the name of a file: write it without /")
    return Path(name)


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
