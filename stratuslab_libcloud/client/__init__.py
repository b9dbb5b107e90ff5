"""The StratusLab client library: what a cloud's services offer, in their own words, without Libcloud's classes."""

from __future__ import annotations

from stratuslab_libcloud.config import CloudConfig

__all__ = ["Cloud"]


class Cloud:
    """The three services of one cloud. Nothing is asked before it is used; threads may share it.

    :param config: where they are and how they are spoken to
    :param proxy_url: an HTTP proxy to use instead of the environment's
    :param image_lifetime: seconds for which images are kept, see `client.marketplace`
    """

    def __init__(self, config: CloudConfig, proxy_url: str | None = None, image_lifetime: float | None = None) -> None:
        # Not before a cloud is used: that what speaks HTTP takes longer to import than all the rest of the package.
        from stratuslab_libcloud.client.opennebula.compute import Compute
        from stratuslab_libcloud.client.stratuslab.disks import Disks
        from stratuslab_libcloud.client.stratuslab.marketplace import Marketplace

        self.config = config
        self.compute = Compute(config, proxy_url)
        self.disks = Disks(config, proxy_url)
        self.marketplace = Marketplace(config, proxy_url, image_lifetime)

    def close(self) -> None:
        """Close the idle connections."""
        self.compute.close()
        self.disks.close()
        self.marketplace.close()
