"""The persistent disk service (pdisk): REST with forms in and JSON out."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import Any

from stratuslab_libcloud.client.http.messages import Request
from stratuslab_libcloud.client.http.transport import Transport
from stratuslab_libcloud.client.stratuslab.disk import Disk, Mount, disk_of, mount_of
from stratuslab_libcloud.config import CloudConfig
from stratuslab_libcloud.errors import (
    Call,
    ConflictError,
    InvalidArgumentError,
    LimitExceededError,
    MalformedReplyError,
    ServiceError,
)

_log = logging.getLogger(__name__)

_POSSIBLE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
_JSON = {"Accept": "application/json"}


class Disks:
    """Persistent disks of one cloud.

    :param config: the cloud
    :param proxy_url: an HTTP proxy to use instead of the environment's
    """

    def __init__(self, config: CloudConfig, proxy_url: str | None = None) -> None:
        self._transport = Transport(
            config.disks,
            location=config.section,
            service="disk",
            explain=_message_in,
            proxy_url=proxy_url,
        )

    def disks(self) -> list[Disk]:
        """All disks of the user, the newest first; one that cannot be read is left out, with a warning."""
        request = _get("/disks/", "GET /disks")
        found = self._transport.request(request, lambda answer: answer.json())
        items = _expected(found, list, self._transport.call(request))
        disks = [disk_of(item) for item in items]
        if None in disks:
            call = self._transport.call(request)
            _log.warning("a disk without a usable uuid and size was left out (%s)", call)
        return [disk for disk in disks if disk is not None]

    def disk(self, uuid: str) -> Disk:
        """One disk, also another user's if it is public.

        :raises NotFoundError: when there is none
        """
        request = _get(_path(uuid), "GET /disks/{uuid}")
        found = self._transport.request(request, lambda answer: answer.json())
        disk = disk_of(found)
        if disk is None:
            raise MalformedReplyError("the answer does not describe a disk", self._transport.call(request))
        return disk

    def create(self, size: int, tag: str, visibility: str, mark: str, timeout: float | None = None) -> str:
        """Create an empty disk; `client.exactly_once` does it exactly once.

        :param size: GiB
        :param tag: its name
        :param visibility: ``private`` or ``public``
        :param mark: becomes its identifier, which only one disk can have
        :param timeout: seconds; the configured time limit by default
        :return: its uuid
        :raises ConflictError: when a disk has that mark already
        """
        form = {"size": str(size), "tag": tag, "visibility": visibility, "identifier": mark}
        request = Request("POST /disks", "POST", "/disks/", form=form, headers=_JSON)
        return _field(self._send(request, timeout), "uuid", self._transport.call(request))

    def destroy(self, uuid: str) -> None:
        """Destroy a disk and its content.

        :raises NotFoundError: when there is none
        :raises ConflictError: when a machine uses it
        """
        self._send(Request("DELETE /disks/{uuid}", "DELETE", _path(uuid) + "/", headers=_JSON, repeatable=True))

    def mounts(self, uuid: str) -> list[Mount]:
        """The machines that use a disk.

        :raises NotFoundError: when there is no such disk
        """
        request = _get(_path(uuid) + "/mounts", "GET /disks/{uuid}/mounts")
        found = self._transport.request(request, lambda answer: answer.json())
        mounts = [mount_of(item) for item in _expected(found, list, self._transport.call(request))]
        return [mount for mount in mounts if mount is not None]

    def attach(self, uuid: str, host: str, machine: int, timeout: float | None = None) -> str:
        """Attach a disk to a running machine; `client.confirmed_changes` does it although a reply is lost.

        :param host: where the machine runs
        :return: the device that it is in the machine
        :raises ConflictError: when it is attached to that machine already, or the machine has no free device
        """
        request = Request(
            "POST /disks/{uuid}/mounts",
            "POST",
            _path(uuid) + "/mounts/",
            form={"node": host, "vm_id": str(machine)},
            headers=_JSON,
        )
        return _field(self._send(request, timeout), "target", self._transport.call(request))

    def detach(self, uuid: str, machine: int, timeout: float | None = None) -> None:
        """Detach a disk from a machine; `client.confirmed_changes` does it although a reply is lost.

        :raises ServiceUnavailableError: also when it was not attached, which is an internal error of the service
        """
        path = f"{_path(uuid)}/mounts/{uuid}_{machine}"
        self._send(Request("DELETE /disks/{uuid}/mounts/{id}", "DELETE", path, headers=_JSON), timeout)

    def close(self) -> None:
        """Close the idle connections."""
        self._transport.close()

    def _send(self, request: Request, timeout: float | None = None) -> Any:
        try:
            return self._transport.request(request, lambda answer: answer.json(), timeout=timeout)
        except ServiceError as error:
            raise _more_precise(error) from error


def _path(uuid: str) -> str:
    """The path of a disk, if the text can be an ID; another text could be part of another path."""
    if not _POSSIBLE_ID.match(uuid):
        raise InvalidArgumentError(f"{uuid!r} is not the ID of a volume: IDs are uuids")
    return f"/disks/{uuid}"


def _get(path: str, operation: str) -> Request:
    return Request(operation, "GET", path, headers=_JSON, repeatable=True)


def _more_precise(error: ServiceError) -> ServiceError:
    """The service answers with 403 and 409 in cases for which there are more precise errors."""
    message = error.service_message.lower()
    if "already" in message or "no free devices" in message or "in use" in message:
        kind: type[ServiceError] = ConflictError
    elif message.startswith("size must be"):
        kind = LimitExceededError
    else:
        return error
    if isinstance(error, kind):
        return error
    precise = kind(error.problem, error.call, error.http_code)
    precise.service_message = error.service_message
    return precise


def _message_in(body: bytes) -> str | None:
    """The ``message`` in a refusal of the service itself; those of its web server are HTML pages."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    message = document.get("message") if isinstance(document, dict) else None
    return message if isinstance(message, str) else None


def _field(document: Any, key: str, call: Call) -> str:
    value = document.get(key) if isinstance(document, Mapping) else None
    if not isinstance(value, str) or not value:
        raise MalformedReplyError(f"the answer has no {key}", call)
    return value


def _expected(document: Any, kind: type[Any], call: Call) -> Any:
    if not isinstance(document, kind):
        raise MalformedReplyError(f"the answer is not a JSON {kind.__name__}", call)
    return document
