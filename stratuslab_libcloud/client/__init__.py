"""The client library: the services of a cloud, in their own terms, without Libcloud's driver classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stratuslab_libcloud.config import CloudConfig

__all__ = ["Cloud"]


class Cloud:
    """The three services of one StratusLab cloud. Making it sends nothing; threads may share it.

    :param config: where the services are and how to speak to them
    :param proxy_url: an HTTP proxy to use instead of the environment's
    :param image_lifetime: seconds for which images are cached, see `Marketplace`
    """

    def __init__(self, config: CloudConfig, proxy_url: str | None = None, image_lifetime: float | None = None) -> None:
        # Imported only when a cloud is used: HTTP takes longer to import than the rest of the package.
        from stratuslab_libcloud.client.opennebula.compute import Compute
        from stratuslab_libcloud.client.opennebula.daemon import Daemon
        from stratuslab_libcloud.client.stratuslab.disks import Disks
        from stratuslab_libcloud.client.stratuslab.marketplace import Marketplace
        from stratuslab_libcloud.client.stratuslab.proxy import DIALECT, MAX_REQUEST, session_string

        self.config = config
        proxy = Daemon(
            config.compute,
            session_string(config.compute.credentials),
            location=config.section,
            proxy_url=proxy_url,
            max_request=MAX_REQUEST,
        )
        self.compute = Compute(proxy, DIALECT)
        self.disks = Disks(config, proxy_url)
        self.marketplace = Marketplace(config, proxy_url, image_lifetime)

    def close(self) -> None:
        """Close the idle connections."""
        self.compute.close()
        self.disks.close()
        self.marketplace.close()
