"""The persistent disk service (pdisk): REST with forms in and JSON out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

from stratuslab_libcloud.client.http.failures import not_its_own
from stratuslab_libcloud.client.http.file_upload import FileUpload
from stratuslab_libcloud.client.http.messages import Answer, Request
from stratuslab_libcloud.client.http.transport import Transport
from stratuslab_libcloud.client.json_stream import DECODER
from stratuslab_libcloud.client.stratuslab.disk import Disk, Mount, disk_of, is_possible_id, mount_of
from stratuslab_libcloud.config import CloudConfig
from stratuslab_libcloud.errors import (
    ConflictError,
    InvalidArgumentError,
    LimitExceededError,
    MalformedReplyError,
    NotFoundError,
    ServiceError,
)

T = TypeVar("T")

_log = logging.getLogger(__name__)

_JSON = {"Accept": "application/json"}
_SLOWEST_UPLOAD = 100_000
"""Bytes in a second."""


class Disks:
    """Persistent disks of one cloud.

    :param config: the cloud
    :param proxy_url: an HTTP proxy to use instead of the environment's
    """

    def __init__(self, config: CloudConfig, proxy_url: str | None = None) -> None:
        self._timeout = config.disks.timeout
        self._transport = Transport(
            config.disks,
            location=config.section,
            service="disk",
            explain=_message_in,
            proxy_url=proxy_url,
        )

    def disks(self, timeout: float | None = None) -> list[Disk]:
        """All disks of the user, the newest first; one that cannot be read is left out, with a warning.

        :param timeout: seconds; the configured time limit by default
        """
        request = _get("/disks/", "GET /disks")
        disks = self._request(request, lambda answer: [disk_of(item) for item in answer.items()], timeout=timeout)
        if None in disks:
            call = self._transport.call(request)
            _log.warning("a disk without a usable uuid and size was left out (%s)", call)
        return [disk for disk in disks if disk is not None]

    def disk(self, uuid: str) -> Disk:
        """One disk, also another user's if it is public.

        :raises NotFoundError: when there is none
        """
        request = _get(_path(uuid), "GET /disks/{uuid}")
        return self._request(request, lambda answer: _disk(answer, uuid), uuid=uuid)

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
        return self._request(request, lambda answer: _field(answer, "uuid"), timeout=timeout)

    def copy(self, uuid: str) -> Disk:
        """Make a copy-on-write copy of a machine image's origin, or a new origin of a live machine image.

        A copy has no owner, and only the service's own account can give it one.

        :raises NotFoundError: when there is no such disk
        :raises ConflictError: when it is of another type
        """
        request = Request("POST /disks/{uuid}", "POST", _path(uuid) + "/", form={}, headers=_JSON)
        return self._request(request, _new_disk, uuid=uuid)

    def upload(self, file: Path, progress: Callable[[int, int], object] | None = None) -> str:
        """Make a disk of an image in a file, which the service wants to be compressed with gzip.

        It takes a second more than the time limit for each 100 kB.

        :param progress: is told how many bytes have been sent, of how many
        :return: the disk's uuid
        :raises OSError: when the file cannot be read
        :raises ConflictError: when there is a disk of this image already
        :raises RequestRejectedError: when the service cannot use the image
        """
        body = FileUpload(file, progress)
        headers = {**_JSON, "Content-Type": body.content_type}
        request = Request("POST /disks", "POST", "/disks/", upload=body, headers=headers, ends_elsewhere=True)
        timeout = self._timeout + len(body) / _SLOWEST_UPLOAD
        return self._request(request, _uuid_in_location, timeout=timeout)

    def update(
        self,
        uuid: str,
        tag: str | None = None,
        visibility: str | None = None,
        kind: str | None = None,
        owner: str | None = None,
    ) -> None:
        """Change what is known of a disk; what is None stays.

        :param kind: one of the service's types
        :raises NotFoundError: when there is none
        """
        fields = {"tag": tag, "visibility": visibility, "type": kind, "owner": owner}
        body = urlencode({name: value for name, value in fields.items() if value is not None}).encode()
        # The service reads a form whatever it is called, and redirects unless it is called JSON.
        headers = {**_JSON, "Content-Type": "application/json"}
        request = Request("PUT /disks/{uuid}", "PUT", _path(uuid), body=body, headers=headers, repeatable=True)
        self._request(request, Answer.body, uuid=uuid)

    def destroy(self, uuid: str) -> None:
        """Destroy a disk and its content.

        :raises NotFoundError: when there is none
        :raises ConflictError: when a machine uses it
        """
        request = Request("DELETE /disks/{uuid}", "DELETE", _path(uuid) + "/", headers=_JSON, repeatable=True)
        self._request(request, Answer.json, uuid=uuid)

    def mounts(self, uuid: str, timeout: float | None = None) -> list[Mount]:
        """The machines that use a disk.

        :param timeout: seconds; the configured time limit by default
        :raises NotFoundError: when there is no such disk
        """
        request = _get(_path(uuid) + "/mounts", "GET /disks/{uuid}/mounts")
        mounts = self._request(
            request, lambda answer: [mount_of(item) for item in answer.items()], uuid=uuid, timeout=timeout
        )
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
        return self._request(request, lambda answer: _field(answer, "target"), uuid=uuid, timeout=timeout)

    def detach(self, uuid: str, machine: int, timeout: float | None = None) -> None:
        """Detach a disk from a machine; `client.confirmed_changes` does it although a reply is lost.

        :raises ServiceUnavailableError: also when it was not attached, which is an internal error of the service
        """
        path = f"{_path(uuid)}/mounts/{uuid}_{machine}"
        request = Request("DELETE /disks/{uuid}/mounts/{id}", "DELETE", path, headers=_JSON)
        self._request(request, Answer.json, uuid=uuid, timeout=timeout)

    def close(self) -> None:
        """Close the idle connections."""
        self._transport.close()

    def _request(
        self, request: Request, read: Callable[[Answer], T], *, uuid: str = "", timeout: float | None = None
    ) -> T:
        """Send a request.

        :param uuid: of the disk that it is about
        """
        try:
            return self._transport.request(request, read, timeout=timeout)
        except ServiceError as error:
            precise = _more_precise(error, uuid)
            if precise is error:
                raise
            raise precise from None


def _path(uuid: str) -> str:
    """The path of a disk.

    :raises InvalidArgumentError: when the text cannot be an ID
    """
    if not is_possible_id(uuid):
        raise InvalidArgumentError(f"{uuid!r} is not the ID of a volume: IDs are uuids")
    return f"/disks/{uuid}"


def _get(path: str, operation: str) -> Request:
    return Request(operation, "GET", path, headers=_JSON, repeatable=True)


def _more_precise(error: ServiceError, uuid: str) -> ServiceError:
    """The service answers with 403 and 409 in cases for which there are more precise errors.

    A disk is gone when the service itself says so: ``disk (UUID) does not exist``, ``Unknown disk: UUID``.
    """
    message = error.service_message.lower()
    if isinstance(error, NotFoundError):
        is_gone = f"disk ({uuid.lower()})" in message or f"disk: {uuid.lower()}" in message
        return error if is_gone else not_its_own(error)
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
        document = DECODER.decode(body.decode())
    except (ValueError, RecursionError):
        return None
    message = document.get("message") if isinstance(document, dict) else None
    return message if isinstance(message, str) else None


def _uuid_in_location(answer: Answer) -> str:
    path, _, uuid = answer.location.rpartition("/")
    if not (path.endswith("/disks") and is_possible_id(uuid)):
        raise MalformedReplyError("the answer does not say where the new disk is", answer.call)
    return uuid


def _field(answer: Answer, key: str) -> str:
    document = answer.json()
    value = document.get(key) if isinstance(document, Mapping) else None
    if not (isinstance(value, str) and is_possible_id(value)):
        raise MalformedReplyError(f"the answer has no usable {key}", answer.call)
    return value


def _new_disk(answer: Answer) -> Disk:
    disk = disk_of(answer.json())
    if disk is None:
        raise MalformedReplyError("the answer does not describe the new disk", answer.call)
    return disk


def _disk(answer: Answer, uuid: str) -> Disk:
    disk = disk_of(answer.json())
    if disk is None or disk.uuid.lower() != uuid.lower():
        raise MalformedReplyError(f"the answer does not describe disk {uuid}", answer.call)
    return disk
