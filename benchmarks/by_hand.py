"""What an able user writes without this package: `requests` and `ElementTree`, to the same Libcloud objects.

The same fields are read, and nothing is checked but what a program needs to go on.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime, timezone
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import requests
from libcloud.compute.base import Node, NodeDriver, NodeImage, NodeSize
from libcloud.compute.types import NodeState

from stratuslab_libcloud.client.opennebula.xmlrpc import call_body

LIST_MACHINES = call_body("one.vmpool.info", ("alice:secret", -3, -1, -1, -1))

STATES = ["INIT", "PENDING", "HOLD", "ACTIVE", "STOPPED", "SUSPENDED", "DONE", "FAILED"]
LCM_STATES = [
    *("LCM_INIT", "PROLOG", "BOOT", "RUNNING", "MIGRATE", "SAVE_STOP", "SAVE_SUSPEND", "SAVE_MIGRATE"),
    *("PROLOG_MIGRATE", "PROLOG_RESUME", "EPILOG_STOP", "EPILOG", "SHUTDOWN", "CANCEL", "FAILURE", "CLEANUP"),
]
NODE_STATES = {
    "PENDING": NodeState.PENDING,
    "PROLOG": NodeState.STARTING,
    "BOOT": NodeState.STARTING,
    "RUNNING": NodeState.RUNNING,
    "EPILOG": NodeState.STOPPING,
    "FAILED": NodeState.ERROR,
}

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
DCTERMS = "{http://purl.org/dc/terms/}"
SLREQ = "{http://mp.stratuslab.eu/slreq#}"
SLTERMS = "{http://mp.stratuslab.eu/slterms#}"
TEXTS_OF_IMAGE = {
    "os": SLTERMS + "os",
    "os_version": SLTERMS + "os-version",
    "architecture": SLTERMS + "os-arch",
    "version": SLTERMS + "version",
    "format": DCTERMS + "format",
    "kind": SLTERMS + "kind",
    "title": DCTERMS + "title",
    "description": DCTERMS + "description",
    "tag": DCTERMS + "alternative",
    "created": DCTERMS + "created",
    "valid_until": DCTERMS + "valid",
    "compression": DCTERMS + "compression",
    "creator": DCTERMS + "creator",
    "publisher": DCTERMS + "publisher",
    "hypervisor": SLTERMS + "hypervisor",
    "disk_bus": SLTERMS + "disks-bus",
}


class ByHand:
    """A program that was written by hand for one cloud.

    :param driver: whose nodes and images they are to be
    :param sizes: by CPUs, RAM and swap in MiB
    """

    def __init__(self, url: str, driver: NodeDriver, sizes: dict[tuple[int, int, int], NodeSize]) -> None:
        self._url = url
        self._driver = driver
        self._sizes = sizes
        self._session = requests.Session()
        self._session.auth = ("alice", "secret")

    def list_nodes(self) -> list[Node]:
        """The machines as nodes."""
        answer = self._session.post(
            f"{self._url}/pswd/xmlrpc", data=LIST_MACHINES, headers={"Content-Type": "text/xml"}, timeout=600
        )
        answer.raise_for_status()
        pool = ElementTree.fromstring(answer.content).findtext(".//string")
        return [self._node(machine) for machine in ElementTree.fromstring(pool or "").findall("VM")]

    def list_images(self) -> list[NodeImage]:
        """The entries of the Marketplace as images."""
        answer = self._session.get(f"{self._url}/metadata", headers={"Accept": "application/xml"}, timeout=600)
        answer.raise_for_status()
        entries = ElementTree.fromstring(answer.content).findall(f"{RDF}RDF/{RDF}Description")
        return [self._image(entry) for entry in entries]

    def _node(self, machine: Element) -> Node:
        text = machine.findtext
        template = machine.find("TEMPLATE")
        assert template is not None
        disks = template.findall("DISK")
        nics = template.findall("NIC")
        hosts = machine.findall("HISTORY_RECORDS/HISTORY")
        source = disks[0].findtext("SOURCE", "")
        image_id = source.rpartition("/")[2]
        swap = next((int(disk.findtext("SIZE", "0")) for disk in disks if disk.findtext("TYPE") == "swap"), 0)
        size = (int(template.findtext("VCPU", "1")), int(template.findtext("MEMORY", "0")), swap)
        state, lcm_state = STATES[int(text("STATE", ""))], LCM_STATES[int(text("LCM_STATE", ""))]
        ended = int(text("ETIME", "0"))
        notes = template.findtext("CONTEXT/LIBCLOUD_METADATA")
        noted = json.loads(base64.b64decode(notes)) if notes else {}
        return Node(
            id=text("ID"),
            name=text("NAME"),
            state=NODE_STATES.get(lcm_state if state == "ACTIVE" else state, NodeState.UNKNOWN),
            public_ips=[nic.findtext("IP") for nic in nics if nic.findtext("NETWORK") == "public"],
            private_ips=[nic.findtext("IP") for nic in nics if nic.findtext("NETWORK") != "public"],
            driver=self._driver,
            size=self._sizes[size],
            image=NodeImage(image_id, image_id, self._driver, extra={"source": source}),
            extra={
                "location": "location-0",
                "host": hosts[-1].findtext("HOSTNAME") if hosts else None,
                "vcpu": size[0],
                "networks": [nic.findtext("NETWORK") for nic in nics],
                "macs": [nic.findtext("MAC") for nic in nics],
                "owner": text("UNAME"),
                "group": text("GNAME"),
                "state": state,
                "lcm_state": lcm_state,
                "error": template.findtext("ERROR/MESSAGE"),
                "mark": template.findtext("LIBCLOUD_MARK"),
                "ended_at": datetime.fromtimestamp(ended, timezone.utc).isoformat() if ended else None,
                "monitored_cpu": float(text("CPU", "0")),
                "monitored_memory": int(text("MEMORY", "0")),
                "metadata": noted.get("metadata", {}),
                "tags": noted.get("tags", []),
                "key_name": noted.get("key_name"),
                "save_as": noted.get("save_as"),
            },
            created_at=datetime.fromtimestamp(int(text("STIME", "0")), timezone.utc),
        )

    def _image(self, entry: Element) -> NodeImage:
        text = entry.findtext
        extra: dict[str, Any] = {name: text(tag, "").strip() for name, tag in TEXTS_OF_IMAGE.items()}
        extra["size"] = int(text(SLREQ + "bytes", "0"))
        extra["checksums"] = {
            checksum.findtext(SLREQ + "algorithm"): checksum.findtext(SLREQ + "value")
            for checksum in entry.findall(SLREQ + "checksum")
        }
        extra["locations"] = [place.text for place in entry.findall(SLTERMS + "location")]
        extra["inbound_ports"] = [int(port.text or "") for port in entry.findall(SLTERMS + "inbound-port")]
        endorsement = entry.find(SLREQ + "endorsement")
        assert endorsement is not None
        extra["endorsed"] = endorsement.findtext(DCTERMS + "created")
        extra["endorser"] = endorsement.findtext(f"{SLREQ}endorser/{SLREQ}email")
        extra["endorsers"] = [extra["endorser"]]
        name = extra["title"] or extra["description"]
        return NodeImage(text(DCTERMS + "identifier"), name, self._driver, extra)


def said(things: list[Any]) -> list[tuple[Any, ...]]:
    """What nodes or images say, to be compared."""
    return [
        (thing.id, thing.name, thing.extra)
        + tuple(getattr(thing, name, None) for name in ("state", "public_ips", "private_ips", "created_at"))
        + ((thing.size.id, thing.image.id) if isinstance(thing, Node) else ())
        for thing in things
    ]
