"""The documents that a release of OpenNebula answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stratuslab_libcloud.sandbox.opennebula.image_xml import ImageXml, ImageXml74
from stratuslab_libcloud.sandbox.opennebula.machine_xml import MachineXml, MachineXml74
from stratuslab_libcloud.sandbox.opennebula.network_xml import NetworkXml, NetworkXml74
from stratuslab_libcloud.sandbox.opennebula.user_xml import UserXml, UserXml74


@dataclass(frozen=True)
class Documents:
    """What writes the documents of each kind of object."""

    machines: MachineXml
    images: ImageXml
    networks: NetworkXml
    users: UserXml


DOCUMENTS: Mapping[str, Documents] = {
    "6.10.0": Documents(MachineXml(), ImageXml(), NetworkXml(), UserXml()),
    "7.4.0": Documents(MachineXml74(), ImageXml74(), NetworkXml74(), UserXml74()),
}
"""By the number of the release."""
