"""Where the services of a running cloud are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stratuslab_libcloud.sandbox.guests.ssh_servers import GATEWAY


@dataclass(frozen=True)
class Addresses:
    """The URLs of a running cloud.

    :param url: of all services but port translation
    :param port_translation: URL of port translation; None where there is none
    :param ca_file: the certificate authority that has signed the server's certificate; None without TLS
    """

    url: str
    port_translation: str | None
    ca_file: Path | None

    @property
    def compute(self) -> str:
        """URL of the compute proxy, without the part for the kind of credentials."""
        return f"{self.url}/one-proxy/xmlrpc"

    @property
    def disks(self) -> str:
        """URL of the persistent disk service."""
        return f"{self.url}/pdisk"

    @property
    def marketplace(self) -> str:
        """URL of the Marketplace."""
        return f"{self.url}/marketplace"

    def config_values(self) -> dict[str, str]:
        """The same in the keys of a user's configuration file."""
        values = {
            "endpoint": self.compute,
            "pdisk_endpoint": self.disks,
            "marketplace_endpoint": self.marketplace,
        }
        if self.ca_file is not None:
            values["tls_ca_bundle"] = str(self.ca_file)
        if self.port_translation is not None:
            values |= {
                "port_translation": "true",
                "pat_service_host": self.port_translation,
                "pat_gateway_host": GATEWAY,
            }
        return values
