"""Checking the Marketplace's entry of an image."""

from __future__ import annotations

from collections.abc import Iterator

from libcloud.compute.base import NodeImage

from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.client.stratuslab.entries import Image
from stratuslab_libcloud.client.stratuslab.identifiers import is_email, is_image_id, is_time
from stratuslab_libcloud.client.stratuslab.metadata.document import newest_entry
from stratuslab_libcloud.client.stratuslab.metadata.verification import Check, Verification, verify_entry
from stratuslab_libcloud.driver.stratuslab.images import StratusLabImage
from stratuslab_libcloud.errors import InvalidArgumentError


def verify(cloud: Cloud, image: NodeImage) -> Verification:
    """Ask for the entry of an image, and check it; whether it is what the image's list said is checked, too.

    :raises NotFoundError: when there is no such entry
    :raises InvalidArgumentError: when the image is not one of a Marketplace
    """
    if not is_image_id(str(image.id)):
        raise InvalidArgumentError(f"{image.id!r} is not an image of a Marketplace, so nobody has signed what it is")
    listed = image.entry if isinstance(image, StratusLabImage) else None
    has_address = listed is not None and is_email(listed.endorser) and is_time(listed.endorsed)
    of_whom = (listed.endorser, listed.endorsed) if listed is not None and has_address else ()
    content = cloud.marketplace.entry_document(str(image.id), *of_whom)
    verification = verify_entry(newest_entry(content))
    if verification.entry is None:
        return verification
    differences = tuple(_differences(verification.entry, str(image.id), listed))
    return verification.with_check(Check("listing", differences))


def _differences(signed: Image, identifier: str, listed: Image | None) -> Iterator[str]:
    """What the signed entry does not say, and the image does."""
    if signed.identifier != identifier:
        yield f"the signed entry is that of another image, {signed.identifier}"
    elif listed is not None:
        for name, value in listed._asdict().items():
            if getattr(signed, name) != value:
                yield f"the list says {value!r:.100} ({name}), and the signed entry {getattr(signed, name)!r:.100}"
