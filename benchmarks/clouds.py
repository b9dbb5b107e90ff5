"""Drivers for the clouds of the bare server, and the simplest client that can make the same requests."""

from __future__ import annotations

import base64
import http.client
import io
from collections.abc import Iterable
from urllib.parse import urlsplit

from benchmarks.by_hand import LIST_MACHINES, ByHand
from stratuslab_libcloud import StratusLabNodeDriver

AUTHORIZATION = "Basic " + base64.b64encode(b"alice:secret").decode()


def configuration(urls: Iterable[str], **more: str) -> str:
    """The text of a configuration file with a location for each address."""
    keys = "".join(f"{key} = {value}\n" for key, value in more.items())
    text = f"[default]\nusername = alice\npassword = secret\nrequest_timeout = 600\n{keys}"
    sections = [
        f"[location-{number}]\nendpoint = {url}/xmlrpc\npdisk_endpoint = {url}\nmarketplace_endpoint = {url}\n"
        for number, url in enumerate(urls)
    ]
    return text + "selected_section = location-0\n" + "".join(sections)


def driver_for(*urls: str, **more: str) -> StratusLabNodeDriver:
    """A driver with a location for each address."""
    return StratusLabNodeDriver(stratuslab_user_config=io.StringIO(configuration(urls, **more)))


def program_by_hand(url: str, driver: StratusLabNodeDriver) -> ByHand:
    """The program that does what this driver does for the cloud at this address."""
    return ByHand(url, driver, {(size.cpu, size.ram, size.extra["swap"]): size for size in driver.list_sizes()})


class BareClient:
    """One kept connection to one address, which gives only the body of a response."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._path = parts.path
        self._connection = http.client.HTTPConnection(parts.netloc)
        self._connection.connect()

    def machines(self) -> bytes:
        """The reply to ``one.vmpool.info``."""
        headers = {"Authorization": AUTHORIZATION, "Content-Type": "text/xml"}
        return self._answer("POST", "/pswd/xmlrpc", LIST_MACHINES, headers)

    def images(self) -> bytes:
        """All entries of the Marketplace."""
        return self._answer("GET", "/metadata", None, {"Accept": "application/xml"})

    def receive_machines(self) -> int:
        """Fetch what `machines` does into one small buffer, as fast as possible.

        :return: how many bytes came
        """
        self._connection.request("POST", self._path + "/pswd/xmlrpc", LIST_MACHINES, {"Authorization": AUTHORIZATION})
        answer = self._connection.getresponse()
        buffer = bytearray(1 << 18)
        return sum(iter(lambda: answer.readinto(buffer), 0))

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _answer(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        self._connection.request(method, self._path + path, body, headers)
        return self._connection.getresponse().read()
