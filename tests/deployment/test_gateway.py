"""Where a machine is reached: at its address, or over the gateway that the port translation service knows."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from libcloud.compute.deployment import ScriptDeployment

from stratuslab_libcloud.client.stratuslab.port_translation import PortTranslationService
from stratuslab_libcloud.deployment import Gateway
from stratuslab_libcloud.errors import DeploymentFailedError

from .conftest import Deploy, ServerDriver


def gateway_at(url: str, verify: Path | None = None, timeout: float = 10) -> Gateway:
    service = PortTranslationService(url, location="here", verify=verify, timeout=timeout)
    return Gateway("127.0.0.1", service)


class PortServer:
    """A port translation service.

    :param certificate: what it speaks TLS with
    """

    def __init__(self, driver: ServerDriver, certificate: trustme.LeafCert | None = None) -> None:
        self.asked: list[str] = []
        self.answer_after = 0
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                gateway.asked.append(self.path)
                number = self.path.rpartition("=")[2]
                port = driver.gateway_ports.get(number)
                known = port and len(gateway.asked) > gateway.answer_after
                body = f'{{"{number}": [["80", "1"], ["{driver.port}", "{port}"]]}}' if known else "{}"
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: Any) -> None:
                """Print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, args=[0.02])
        self.thread.start()

    def as_gateway(self, verify: Path | None = None) -> Gateway:
        """The gateway, as a deployment is told of it."""
        return gateway_at(f"{self.scheme}://127.0.0.1:{self.server.server_port}/cgi-bin/vmports.py", verify)

    def __enter__(self) -> PortServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def gateway(driver: ServerDriver) -> Iterator[PortServer]:
    with PortServer(driver) as gateway:
        yield gateway


@pytest.mark.parametrize("private", [True, False])
def test_machine_behind_a_gateway(private: bool, deploy: Deploy, driver: ServerDriver, gateway: PortServer) -> None:
    driver.private = private
    driver.at_gateway = True
    step = ScriptDeployment("echo done")
    node = deploy(step, gateway=gateway.as_gateway())
    assert step.stdout == "done\n"
    assert gateway.asked == [f"/cgi-bin/vmports.py?vmid={node.id}"]
    assert (node.extra["ssh_host"], node.extra["ssh_port"]) == ("127.0.0.1", driver.gateway_ports[node.id])


def test_gateway_that_learns_of_the_machine_later(deploy: Deploy, driver: ServerDriver, gateway: PortServer) -> None:
    driver.private = driver.at_gateway = True
    gateway.answer_after = 2
    deploy(ScriptDeployment("true"), gateway=gateway.as_gateway())
    assert len(gateway.asked) == 3


def test_gateway_of_a_site_with_an_authority_of_its_own(deploy: Deploy, driver: ServerDriver, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    driver.private = driver.at_gateway = True
    with PortServer(driver, authority.issue_cert("127.0.0.1")) as gateway:
        deploy(ScriptDeployment("true"), gateway=gateway.as_gateway(tmp_path / "ca.pem"))
    assert len(gateway.asked) == 1


def test_service_that_is_silent(deploy: Deploy, driver: ServerDriver) -> None:
    started = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        gateway = gateway_at(f"http://127.0.0.1:{silent.getsockname()[1]}/x", timeout=0.2)
        node = deploy(ScriptDeployment("true"), gateway=gateway)
    assert node.extra["ssh_host"] == node.public_ips[0]
    assert time.monotonic() - started < 5


def test_public_machine_that_the_gateway_does_not_know(
    deploy: Deploy, driver: ServerDriver, gateway: PortServer
) -> None:
    gateway.answer_after = 1000
    node = deploy(ScriptDeployment("true"), gateway=gateway.as_gateway())
    assert node.extra["ssh_host"] == node.public_ips[0]


def test_public_machine_while_the_service_is_down(deploy: Deploy) -> None:
    node = deploy(ScriptDeployment("true"), gateway=gateway_at("http://127.0.0.1:1/x"))
    assert node.extra["ssh_host"] == node.public_ips[0]


def test_private_machine_while_the_service_is_down(deploy: Deploy, driver: ServerDriver) -> None:
    driver.private = True
    with pytest.raises(
        DeploymentFailedError, match=r"port translation service of location 'here', http://127\.0\.0\.1:1"
    ):
        deploy(ScriptDeployment("true"), timeout=0.2, gateway=gateway_at("http://127.0.0.1:1/x"))


def test_private_machine_that_the_gateway_does_not_know(
    deploy: Deploy, driver: ServerDriver, gateway: PortServer
) -> None:
    driver.private = True
    gateway.answer_after = 1000
    with pytest.raises(DeploymentFailedError, match=f"no port of the gateway leads to its port {driver.port}"):
        deploy(ScriptDeployment("true"), timeout=0.2, gateway=gateway.as_gateway())


def test_private_machine_is_connected_to_directly_if_wanted(deploy: Deploy, driver: ServerDriver) -> None:
    driver.private = True
    node = deploy(ScriptDeployment("true"), ssh_interface="private_ips")
    assert node.extra["ssh_host"] == node.private_ips[0]


def test_private_machine_without_a_gateway_is_known_at_once(deploy: Deploy, driver: ServerDriver) -> None:
    driver.private = True
    with pytest.raises(DeploymentFailedError, match="it has no address in public_ips, only 127") as caught:
        deploy(ScriptDeployment("true"))
    assert "ssh_interface='private_ips'" in str(caught.value)
