"""The images that a sandbox's Marketplace has by default.

Their identifiers are made with the real algorithm, from the SHA-1 of their titles, so they are the same in every
sandbox. Their times depend on the sandbox's clock. Each is signed when it is first read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from stratuslab_libcloud.sandbox.marketplace.rdf_writing import document
from stratuslab_libcloud.sandbox.marketplace.signed_entries import signed_later
from stratuslab_libcloud.sandbox.marketplace.signing import ISSUER, Endorser
from stratuslab_libcloud.sandbox.state.entries import Entries, Entry, ImageBehaviour, timestamp
from stratuslab_libcloud.sandbox.state.identifiers import image_identifier

_DAY = 86400
_MEBIBYTE = 2**20
_NONE = ImageBehaviour()

JANE = Endorser("Jane Builder", "jane.builder@example.org")
JOHN = Endorser("John Checker", "john.checker@example.com")


@dataclass(frozen=True)
class Image:
    """One image and how it is endorsed.

    :param size: MiB
    :param ports: open for incoming connections; empty if the entry does not say it
    :param age: days since it was endorsed
    :param validity: days from then on
    :param tag: a name for the newest image of a kind
    :param behaviour: of machines that start from it
    """

    title: str
    description: str
    os: str
    os_version: str
    arch: str = "x86_64"
    version: str = "1.0"
    kind: str = "machine"
    format: str = "raw"
    bus: str = "virtio"
    ports: tuple[int, ...] = ()
    size: int = 2048
    age: int = 30
    validity: int = 365
    tag: str = ""
    endorser: Endorser = JANE
    deprecated: str = ""
    behaviour: ImageBehaviour = _NONE

    @property
    def identifier(self) -> str:
        """What the Marketplace calls it."""
        return image_identifier(self._digest("sha1"))

    def entry(self, now: float) -> Entry:
        """The Marketplace's entry, as of `now`, in seconds since 1970."""
        endorsed = now - self.age * _DAY
        text = document(
            identifier=self.identifier,
            checksums={
                label: self._digest(label.replace("-", "").lower()).hex()
                for label in ("MD5", "SHA-1", "SHA-256", "SHA-512")
            },
            size=self.size * _MEBIBYTE,
            created=timestamp(endorsed),
            email=self.endorser.email,
            subject=self.endorser.subject,
            issuer=ISSUER,
            terms=self._terms(endorsed),
        )
        return signed_later(text, self.endorser)

    def _terms(self, endorsed: float) -> list[tuple[str, str]]:
        """What is said of the image, in the Marketplace's terms."""
        name = "-".join((self.os, self.os_version, self.arch, self.version)).lower().replace(" ", "-")
        terms = [
            ("dcterms:type", "base"),
            ("slterms:kind", self.kind),
            ("slterms:os", self.os),
            ("slterms:os-version", self.os_version),
            ("slterms:os-arch", self.arch),
            ("slterms:version", self.version),
            ("dcterms:compression", "gz"),
            ("slterms:location", f"https://appliances.example.org/images/{name}.img.gz"),
            ("dcterms:format", self.format),
            ("dcterms:creator", self.endorser.name),
            ("dcterms:created", timestamp(endorsed - _DAY)),
            ("dcterms:valid", timestamp(endorsed + self.validity * _DAY)),
            ("dcterms:title", self.title),
            ("dcterms:description", self.description),
            ("slterms:hypervisor", "kvm"),
            ("slterms:disks-bus", self.bus),
            *(("slterms:inbound-port", str(port)) for port in self.ports),
            ("dcterms:publisher", "StratusLab"),
        ]
        if self.tag:
            terms.append(("dcterms:alternative", self.tag))
        if self.deprecated:
            terms.append(("slterms:deprecated", self.deprecated))
        return terms

    def _digest(self, algorithm: str) -> bytes:
        return hashlib.new(algorithm, self.title.encode(), usedforsecurity=False).digest()


_CENTOS = Image(
    "CentOS 6.5 base",
    "A minimal 64-bit CentOS with an SSH server.\nUpdates of the operating system are up to you.",
    "CentOS",
    "6.5",
    tag="centos-base",
)

CATALOGUE = (
    Image(
        "ttylinux",
        "A very small 64-bit Linux for tests; its SSH server knows no SFTP.",
        "ttylinux",
        "16.1",
        bus="ide",
        size=40,
        tag="ttylinux",
        behaviour=ImageBehaviour(sftp=False),
    ),
    _CENTOS,
    replace(_CENTOS, age=20, endorser=JOHN),
    Image("CentOS 7.0 base", "A minimal 64-bit CentOS.", "CentOS", "7.0", age=10, format="qcow2"),
    Image(
        "Ubuntu 14.04 server",
        "Ubuntu 14.04 LTS for servers, with cloud-init.",
        "Ubuntu",
        "14.04",
        format="qcow2",
        age=25,
        tag="ubuntu-lts",
    ),
    Image(
        "Ubuntu 14.04 web server",
        "Ubuntu 14.04 LTS with a web server that starts by itself.",
        "Ubuntu",
        "14.04",
        version="1.2",
        ports=(22, 80, 443),
        age=15,
    ),
    Image("Debian 7.5", "Debian 7 (wheezy), a plain installation.", "Debian", "7.5", bus="scsi", age=40),
    Image("Fedora 20 cloud", "Fedora 20 for clouds.", "Fedora", "20", format="qcow2", age=35),
    Image("openSUSE 13.1", "openSUSE 13.1, 32 bits.", "openSUSE", "13.1", arch="i486", bus="ide", age=50),
    Image(
        "Reference genomes 2014",
        "A disk of data to be read, not to be started.",
        "none",
        "none",
        kind="disk",
        size=20_480,
        age=60,
    ),
    Image(
        "Broken boot",
        "Always fails to boot: for trying what happens then.",
        "CentOS",
        "6.5",
        version="0.1",
        age=150,
        behaviour=ImageBehaviour(boot_error="the kernel of this image always panics"),
    ),
    Image(
        "Broken prolog",
        "Its disk can never be prepared: for trying what happens then.",
        "CentOS",
        "6.5",
        version="0.2",
        age=151,
        behaviour=ImageBehaviour(prolog_error="the location of this image cannot be read"),
    ),
    # None of the rest is in the usual listing.
    Image("CentOS 5.9 base", "Nobody has endorsed this again.", "CentOS", "5.9", age=500, validity=365),
    Image(
        "Debian 6.0",
        "Debian 6 (squeeze).",
        "Debian",
        "6.0",
        age=300,
        deprecated="No security updates any more; use Debian 7.",
    ),
    replace(_CENTOS, age=200, description="What Jane said before."),
)


def add_catalogue(entries: Entries, now: float) -> None:
    """Put all images into a Marketplace, oldest first."""
    _add(entries, CATALOGUE, now)


def add_images(entries: Entries, titles: Iterable[str], now: float) -> None:
    """Put certain images into a Marketplace: those of the catalogue that have these titles, and plain new ones."""
    known = {image.title for image in CATALOGUE}
    wanted = [*dict.fromkeys(titles)]
    found = [image for image in CATALOGUE if image.title in wanted]
    new = [Image(title, "A machine image.", "Linux", "1") for title in wanted if title not in known]
    _add(entries, [*found, *new], now)


def _add(entries: Entries, images: Iterable[Image], now: float) -> None:
    for image in sorted(images, key=lambda image: -image.age):
        entries.add(image.entry(now))
        entries.set_behaviour(image.identifier, image.behaviour)
