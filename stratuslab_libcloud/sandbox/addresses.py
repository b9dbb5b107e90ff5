"""Where the services of a running cloud are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stratuslab_libcloud.sandbox.guests.ssh_servers import GATEWAY
from stratuslab_libcloud.sandbox.kinds import OPENNEBULA


@dataclass(frozen=True)
class Addresses(ABC):
    """Where a running cloud is.

    :param url: of the server
    :param ca_file: the certificate authority that has signed the server's certificate; None without TLS
    """

    url: str
    ca_file: Path | None

    @property
    @abstractmethod
    def compute(self) -> str:
        """URL of the service for machines, as a configuration file has it."""

    @property
    @abstractmethod
    def services(self) -> Mapping[str, str]:
        """The URL of each service, by what people call it."""

    @abstractmethod
    def config_values(self) -> dict[str, str]:
        """The same in the keys of a user's configuration file."""

    def _with_authority(self, values: dict[str, str]) -> dict[str, str]:
        return values if self.ca_file is None else {**values, "tls_ca_bundle": str(self.ca_file)}


@dataclass(frozen=True)
class StratusLabAddresses(Addresses):
    """The URLs of a running StratusLab cloud; `url` is that of all services but port translation.

    :param port_translation: URL of port translation; None where there is none
    """

    port_translation: str | None

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

    @property
    def services(self) -> Mapping[str, str]:
        """The URL of each service, by what people call it."""
        services = {"compute": self.compute, "disks": self.disks, "Marketplace": self.marketplace}
        return services if self.port_translation is None else {**services, "port translation": self.port_translation}

    def config_values(self) -> dict[str, str]:
        """The same in the keys of a user's configuration file."""
        values = {
            "endpoint": self.compute,
            "pdisk_endpoint": self.disks,
            "marketplace_endpoint": self.marketplace,
        }
        if self.port_translation is not None:
            values |= {
                "port_translation": "true",
                # The original client puts "http://" in front of it itself.
                "pat_service_host": self.port_translation.removeprefix("http://"),
                "pat_gateway_host": GATEWAY,
            }
        return self._with_authority(values)


@dataclass(frozen=True)
class OpenNebulaAddresses(Addresses):
    """The URL of a running OpenNebula cloud.

    :param guest_port: of SSH on running machines; None where one cannot log in to them
    """

    guest_port: int | None

    @property
    def compute(self) -> str:
        """URL of the daemon's XML-RPC."""
        return f"{self.url}/RPC2"

    @property
    def services(self) -> Mapping[str, str]:
        """The URL of each service, by what people call it."""
        return {"XML-RPC": self.compute}

    def config_values(self) -> dict[str, str]:
        """The same in the keys of a user's configuration file."""
        return self._with_authority({"kind": OPENNEBULA, "endpoint": self.compute})
