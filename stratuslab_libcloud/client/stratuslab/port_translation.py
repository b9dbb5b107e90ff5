"""Port translation: which port of the gateway leads to which port of a machine.

The service is a CGI script on StratusLab's gateways, ``/cgi-bin/vmports.py?vmid=23``. It answers
``{"23": [["22", "15000"]]}``: the machine's port, then the gateway's. A machine without translated ports is not in the
answer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stratuslab_libcloud.client.http.messages import Answer, Request
from stratuslab_libcloud.client.http.transport import Transport
from stratuslab_libcloud.config import CloudConfig, ServiceConfig
from stratuslab_libcloud.errors import MalformedReplyError

_MAX_ANSWER = 1024 * 1024
_HIGHEST_PORT = 65535
_MAX_DIGITS = 5


class PortTranslationService:
    """Asks the port translation service of one cloud. Threads may share it.

    :param url: of the CGI script
    :param location: the section of the configuration file, for messages
    :param verify: how its certificate is verified, as `ServiceConfig` has it
    :param timeout: seconds that an answer may take
    :param proxy_url: an HTTP proxy to use instead of the environment's
    """

    def __init__(
        self,
        url: str,
        *,
        location: str,
        verify: bool | Path | None,
        timeout: float,
        proxy_url: str | None = None,
    ) -> None:
        config = ServiceConfig(
            url=url,
            credentials=None,
            verify=verify,
            timeout=timeout,
            connections=1,
            max_answer=_MAX_ANSWER,
        )
        self._transport = Transport(
            config,
            location=location,
            service="port translation",
            explain=lambda body: body.decode("utf-8", "replace"),
            proxy_url=proxy_url,
        )

    @classmethod
    def of(cls, config: CloudConfig, seconds: float, proxy_url: str | None = None) -> PortTranslationService | None:
        """The service of a cloud, if it has one.

        :param seconds: that an answer may take, unless the cloud's own time limit is shorter
        """
        if config.port_translation is None:
            return None
        return cls(
            config.port_translation.service_url,
            location=config.section,
            verify=config.compute.verify,
            timeout=min(seconds, config.compute.timeout),
            proxy_url=proxy_url,
        )

    def ports(self, machine_id: int) -> dict[int, int]:
        """For each translated port of a machine, the port of the gateway; empty while the machine does not run.

        :raises ServiceError: the service does not answer, or its answer cannot be read
        """
        request = Request("vmports", "GET", f"?vmid={machine_id}", repeatable=True)

        def read(answer: Answer) -> dict[int, int]:
            try:
                return _ports(answer.json(), str(machine_id))
            except (TypeError, ValueError, AttributeError):
                problem = f"the answer does not say which ports machine {machine_id} has"
                raise MalformedReplyError(problem, answer.call) from None

        return self._transport.request(request, read)

    def all_ports(self) -> dict[str, dict[int, int]]:
        """As `ports`, for all machines that have translated ports, by their IDs as texts.

        :raises ServiceError: the service does not answer, or its answer cannot be read
        """

        def read(answer: Answer) -> dict[str, dict[int, int]]:
            try:
                document = answer.json()
                return {machine_id: _ports(document, machine_id) for machine_id in dict(document)}
            except (TypeError, ValueError, AttributeError):
                raise MalformedReplyError("the answer does not say which ports machines have", answer.call) from None

        return self._transport.request(Request("vmports", "GET", "", repeatable=True), read)

    def close(self) -> None:
        """Close the idle connection."""
        self._transport.close()


def _ports(document: Any, machine_id: str) -> dict[int, int]:
    pairs = document.get(machine_id, [])
    if not all(isinstance(pair, list) for pair in pairs):
        raise TypeError("not a list of pairs")
    return {_port(machine): _port(gateway) for machine, gateway in pairs}


def _port(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (str, int)) or len(str(value)) > _MAX_DIGITS:
        raise TypeError("not the number of a port")
    port = int(value)
    if not 0 < port <= _HIGHEST_PORT:
        raise ValueError(f"{port} is not a port")
    return port
