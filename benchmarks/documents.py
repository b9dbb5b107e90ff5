"""Responses of the services with any number of machines and images, made from the sandbox's response for one."""

from __future__ import annotations

import functools
import re
import tempfile
import xmlrpc.client
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

import requests

from stratuslab_libcloud import OpenNebulaNodeDriver, StratusLabNodeDriver
from stratuslab_libcloud.client.stratuslab.identifiers import image_id
from stratuslab_libcloud.sandbox import Sandbox

_PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJpYUQ5cGqPZCTHGkPK0Y2mKSEW7mGIdLOnBO0XBLvLK jane@laptop\n"
_NAME = "machine-to-be-multiplied"
_MARK = re.compile("libcloud-mark-[0-9a-f]{32}")
_ENTRY = re.compile(r"<rdf:RDF.*?</rdf:RDF>", re.DOTALL)
_ENTRY_IDENTIFIER = re.compile(r"(?<=#)[\w-]{27}(?=\")|(?<=<dcterms:identifier>)[\w-]{27}")
_REPLY = (
    '<?xml version="1.0" encoding="UTF-8"?>\r\n<methodResponse>\r\n<params>\r\n<param><value><array><data>\r\n'
    "<value><boolean>1</boolean></value>\r\n<value>{value}</value>\r\n<value><i4>0</i4></value>\r\n"
    "</data></array></value></param>\r\n</params>\r\n</methodResponse>\r\n"
)


class Documents:
    """The answers of a compute service and of a Marketplace."""

    def __init__(self) -> None:
        with Sandbox(boot_seconds=0) as sandbox, tempfile.TemporaryDirectory() as folder:
            self._machine = _one_machine(sandbox, Path(folder))
            self._entries = _entries(sandbox)

    def machine(self, number: int, long: bool = False) -> str:
        """A ``VM`` element, escaped for XML-RPC.

        :param long: with an extra 10,000 characters in its contextualization, which nobody reads
        """
        text = self._machine.replace(_NAME, f"machine {number}")
        text = _MARK.sub(f"libcloud-mark-{number:032x}", text)
        text = text.replace("&lt;ID&gt;1&lt;/ID&gt;", f"&lt;ID&gt;{number}&lt;/ID&gt;", 1)
        text = re.sub(r"(?<=CDATA\[)127\.[\d.]+", f"134.158.{number // 250 % 250}.{number % 250}", text)
        return text.replace("[hdd]", f"[{'x' * 10_000}hdd]", 1) if long else text

    def pool(self, numbers: Iterable[int], long: bool = False) -> bytes:
        """The reply to ``one.vmpool.info``."""
        listed = "".join(self.machine(number, long) for number in numbers)
        return reply(f"<string>{escape('<VM_POOL>')}{listed}{escape('</VM_POOL>')}</string>")

    def new_machines(self, numbers: Iterable[int]) -> bytes:
        """The reply to ``one.vmpool.info`` about machines that a driver has just created; without their marks."""
        return _MARK.sub("", self.pool(numbers).decode()).encode()

    def pool_of_today(self, machines: int) -> bytes:
        """The reply of today's OpenNebula to ``one.vmpool.info``: abridged, the newest first."""
        listed = "".join(
            self._machine_of_today.replace(_NAME, f"machine {number}").replace(
                "&lt;ID&gt;0&lt;/ID&gt;", f"&lt;ID&gt;{number}&lt;/ID&gt;", 1
            )
            for number in reversed(range(machines))
        )
        return reply(f"<string>{escape('<VM_POOL>')}{listed}{escape('</VM_POOL>')}</string>")

    @functools.cached_property
    def _machine_of_today(self) -> str:
        with Sandbox(kind="opennebula", boot_seconds=0, guests=False) as sandbox:
            user, password = next(iter(sandbox.users.items()))
            driver = OpenNebulaNodeDriver(user, password, host=sandbox.url)
            node = driver.create_node(_NAME, image=driver.get_image("0"), networks=["public", "private"])
            driver.wait_until_running([node], wait_period=0.05)
            session = f"{user}:{password}"
            proxy = xmlrpc.client.ServerProxy(f"{sandbox.url}/RPC2")
            text = proxy.one.vmpool.info(session, -3, -1, -1, -1)[1]  # type: ignore[index]
        return escape(str(text).removeprefix("<VM_POOL>").removesuffix("</VM_POOL>"))

    def one_machine(self, number: int) -> bytes:
        """The reply to ``one.vm.info``; without the mark, which would be another one than the new machine's."""
        return reply(f"<string>{_MARK.sub('', self.machine(number))}</string>")

    def metadata(self, images: int) -> bytes:
        """All entries of a Marketplace."""
        entries = "".join(map(self._entry, range(images)))
        return f'<?xml version="1.0" encoding="UTF-8"?><metadata>{entries}</metadata>'.encode()

    def _entry(self, number: int) -> str:
        identifier = image_id(f"{number:040x}")
        return _ENTRY_IDENTIFIER.sub(identifier, self._entries[number % len(self._entries)])


def reply(value: str) -> bytes:
    """A successful XML-RPC reply of the daemon."""
    return _REPLY.format(value=value).encode()


def _one_machine(sandbox: Sandbox, folder: Path) -> str:
    key = folder / "id_ed25519.pub"
    key.write_text(_PUBLIC_KEY)
    config = sandbox.write_config(folder / "stratuslab-user.cfg", public_key_file=key)
    driver = StratusLabNodeDriver(stratuslab_user_config=config)
    image = next(image for image in driver.list_images() if image.name == "Ubuntu 14.04 web server")
    nodes = [driver.create_node(_NAME, None, image) for _ in range(2)]
    driver.wait_until_running(nodes, wait_period=0.05)
    address = sandbox.compute_url.replace("://", f"://alice:{sandbox.users['alice']}@").replace(
        "/xmlrpc", "/pswd/xmlrpc"
    )
    _, text, _ = xmlrpc.client.ServerProxy(address).one.vm.info("", 1)  # type: ignore[misc]  # a proxy has any method
    return escape(str(text))


def _entries(sandbox: Sandbox) -> list[str]:
    answer = requests.get(f"{sandbox.marketplace_url}/metadata", headers={"Accept": "application/xml"}, timeout=30)
    return _ENTRY.findall(answer.text)
