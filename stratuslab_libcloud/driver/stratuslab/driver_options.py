"""The keywords of the StratusLab driver's constructor."""

from __future__ import annotations

from stratuslab_libcloud.driver.constructor import ConnectionOptions


class DriverOptions(ConnectionOptions, total=False):
    """What `ConnectionOptions` has, and what only StratusLab has.

    :param ex_pdisk_endpoint: the persistent disk service; by default it is beside the compute service
    :param ex_marketplace_endpoint: the Marketplace; by default StratusLab's public one
    :param ex_image_lifetime: seconds for which an answer of the Marketplace is used again; if not given, `list_images`
        and `get_image` ask each time, and `create_node` asks about each image once
    """

    ex_pdisk_endpoint: str | None
    ex_marketplace_endpoint: str | None
    ex_image_lifetime: float | str | None
