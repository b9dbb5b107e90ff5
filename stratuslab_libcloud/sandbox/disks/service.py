"""The persistent disk service of StratusLab 14.06: ``/pdisk/pswd/disks/...``, JSON and a little HTML.

Its oddities are kept, since clients have to handle them:

* all values in the JSON of a disk are texts, sizes over 999 with a comma (``"1,024"``); ``code``
  in an error is a number;
* ``owner``, ``identifier`` and ``quarantine`` are not escaped; a quotation mark in them breaks the JSON;
* an empty ``identifier`` is left out; a listing has neither ``type`` nor ``visibility``;
* a listing has a user's own disks only; public ones of others can be read by uuid;
* a disk is created with 201 and no ``Location``; copies and mounts answer 200, changes 303 or 204, uploads 303;
* a user who can see a disk can change it, and a change resets ``seed`` unless it has ``seed=on``;
* a copy of a machine image has no owner until a change sets one;
* an import that fails leaves the disk's record behind;
* the ``owner`` of a new disk may be any name;
* an unknown ``type``, a value of ``bytes`` that is not a number, and an unknown mount are answered with 500;
* the JSON of a single mount is broken;
* all users may list the mounts, and read the address (``turl``), of any disk.

Contents are kept in memory; ``url=`` imports from this computer only.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, redirect, request
from werkzeug.exceptions import (
    BadRequest,
    Conflict,
    Forbidden,
    HTTPException,
    InternalServerError,
    NotFound,
    UnsupportedMediaType,
)
from werkzeug.wrappers import Response as AnyResponse

from stratuslab_libcloud.sandbox.disks.forms import (
    attached_json,
    detached_json,
    disk_fields,
    disk_json,
    disks_json,
    mounts_json,
    parse_form,
)
from stratuslab_libcloud.sandbox.disks.image_contents import fetch, inflate
from stratuslab_libcloud.sandbox.http.authentication import credential_kind, disk_user
from stratuslab_libcloud.sandbox.http.exchange import current_exchange
from stratuslab_libcloud.sandbox.http.fault import FaultKind
from stratuslab_libcloud.sandbox.http.negotiation import (
    GZIP,
    HTML,
    JSON,
    TEXT,
    base_url,
    error_page,
    first_accepted,
    page,
    preferred,
)
from stratuslab_libcloud.sandbox.state.disk import Disk, DiskFields, DiskType
from stratuslab_libcloud.sandbox.state.errors import (
    DiskBusyError,
    DiskRefusedError,
    InvalidDiskError,
    NoSuchDiskError,
    NoSuchMountError,
    RefusedError,
    UnhandledInputError,
)
from stratuslab_libcloud.sandbox.state.identifiers import image_identifier
from stratuslab_libcloud.sandbox.state.state import State

_GIBIBYTE = 2**30

_STATUSES: dict[type[RefusedError], type[HTTPException]] = {
    NoSuchDiskError: NotFound,
    DiskRefusedError: Forbidden,
    DiskBusyError: Conflict,
    InvalidDiskError: BadRequest,
}


class DiskService:
    """The service's routes, over a cloud's state."""

    name = "disks"
    prefix = "/pdisk/"
    operations: Sequence[str] = (
        "GET /",
        "GET /disks",
        "POST /disks",
        "GET /disks/{uuid}",
        "PUT /disks/{uuid}",
        "POST /disks/{uuid}",
        "DELETE /disks/{uuid}",
        "GET /disks/{uuid}/turl",
        "GET /disks/{uuid}/mounts",
        "POST /disks/{uuid}/mounts",
        "GET /disks/{uuid}/mounts/{mount_id}",
        "DELETE /disks/{uuid}/mounts/{mount_id}",
        "GET /instances",
        "GET /instances/{vm_id}",
    )
    wrong_answers: Mapping[FaultKind, str] = {
        FaultKind.WRONG_TYPES: '{"uuid":17,"tag":null,"count":[],"owner":{},"size":true}',
    }

    def __init__(self, state: State) -> None:
        self._state = state
        self._disks = state.disks

    def routes(self) -> Blueprint:
        """What is served at which addresses."""
        routes = Blueprint("disks", __name__, url_prefix="/pdisk/<any(pswd,cert):credentials>")
        routes.url_value_preprocessor(_drop_credential_kind)
        for rule, verb, view in (
            ("/", "GET", self._home_page),
            ("/disks", "GET", self._list),
            ("/disks", "POST", self._create),
            ("/disks/<uuid>", "GET", self._show),
            ("/disks/<uuid>", "PUT", self._change),
            ("/disks/<uuid>", "POST", self._copy_or_rebase),
            ("/disks/<uuid>", "DELETE", self._delete),
            ("/disks/<uuid>/turl", "GET", self._show_turl),
            ("/disks/<uuid>/mounts", "GET", self._list_mounts),
            ("/disks/<uuid>/mounts", "POST", self._attach),
            ("/disks/<uuid>/mounts/<mount_id>", "GET", self._show_mount),
            ("/disks/<uuid>/mounts/<mount_id>", "DELETE", self._detach),
            ("/instances", "GET", self._list_instances),
            ("/instances/<vm_id>", "GET", self._list_instances),
        ):
            routes.add_url_rule(rule, f"{verb} {rule}", view, methods=[verb], strict_slashes=False)
        routes.register_error_handler(RefusedError, self._refuse)
        return routes

    def before(self) -> None:
        """Find out who asks for what."""
        exchange = current_exchange()
        exchange.operation = _operation()
        exchange.user = disk_user(self._state.accounts)
        exchange.identify(exchange.operation)

    def error(self, error: HTTPException) -> Response:
        """Answer in the first of the formats that the client accepts."""
        code, message = error.code or 500, error.description or ""
        kind = first_accepted((HTML, TEXT, JSON), HTML)
        if kind == JSON:
            return Response(json.dumps({"message": message, "code": code}), code, content_type=JSON)
        if kind == TEXT:
            return Response(f"ERROR ({code}): {message}", code, content_type=TEXT)
        return error_page(error)

    @property
    def _user(self) -> str:
        return current_exchange().user

    # Disks

    def _home_page(self) -> Response:
        return page("Persistent disk service", "See disks/ for your disks.")

    def _list(self) -> Response:
        disks = self._disks.owned_by(self._user)
        if preferred((HTML, JSON)) == JSON:
            return _json(disks_json(disks, self._disks.use_counts()))
        return page("Disks", *(f"{disk.uuid} {disk.tag} {disk.size} GiB" for disk in disks))

    def _create(self) -> AnyResponse:
        if request.mimetype == "multipart/form-data":
            return self._upload()
        if request.mimetype != "application/x-www-form-urlencoded":
            raise UnsupportedMediaType
        form = parse_form(request.get_data())
        disk = self._disks.create(self._user, disk_fields(form))
        if "url" in form:
            # The record exists before the contents, and stays if they cannot be downloaded.
            content = fetch(form["url"], _expected_bytes(form), form.get("sha1"))
            self._disks.fill(disk.uuid, content)
        if preferred((HTML, JSON)) == JSON:
            return _json(json.dumps({"uuid": disk.uuid}), 201)
        return _see(disk)

    def _upload(self) -> AnyResponse:
        files = [file for _, file in request.files.items(multi=True) if file.filename]
        if not files:
            raise BadRequest("post with null entity")
        content = inflate(files[-1].read())
        wanted = DiskFields(
            size=max(1, math.ceil(len(content) / _GIBIBYTE)),
            identifier=image_identifier(hashlib.sha1(content, usedforsecurity=False).digest()),
            type=DiskType.DATA_IMAGE_RAW_READONLY,
            seed=True,
        )
        return _see(self._disks.create(self._user, wanted, content))

    def _show(self, uuid: str) -> Response:
        disk = self._disks.find(self._user, uuid)
        kind = preferred((HTML, JSON, GZIP))
        if kind == JSON:
            return _json(self._disk_json(disk))
        if kind == GZIP:
            return Response(
                gzip.compress(disk.content, mtime=0),
                content_type=GZIP,
                headers={"Content-Disposition": f"attachment; filename={disk.uuid}.gz"},
            )
        return page(f"Disk {disk.uuid}", f"{disk.tag} {disk.size} GiB")

    def _change(self, uuid: str) -> AnyResponse:
        self._disks.find(self._user, uuid)
        body = request.get_data()
        if not body:
            raise BadRequest("post with null entity")
        disk = self._disks.change(self._user, uuid, disk_fields(parse_form(body)))
        return Response(status=204) if request.mimetype == JSON else _see(disk)

    def _copy_or_rebase(self, uuid: str) -> AnyResponse:
        # Forms of browsers can only send GET and POST.
        tunnelled = request.args.get("method", "").lower()
        if tunnelled == "delete":
            return self._delete(uuid)
        if tunnelled == "put":
            return self._change(uuid)
        disk = self._disks.copy_or_rebase(self._user, uuid)
        if preferred((HTML, JSON)) == JSON:
            return _json(self._disk_json(disk))
        return _see(disk)

    def _delete(self, uuid: str) -> AnyResponse:
        self._disks.delete(self._user, uuid)
        if preferred((HTML, JSON)) == JSON:
            return _json(json.dumps({"uuid": uuid}))
        return redirect(f"{_disks_url()}/", 303)

    def _show_turl(self, uuid: str) -> Response:
        if self._disks.get(uuid) is None:
            raise NotFound(f"Unknown disk: {uuid}")
        turl = f"iscsi://{request.host.partition(':')[0]}:3260/iqn.2011-01.eu.stratuslab:{uuid}:1"
        if preferred((HTML, JSON)) == JSON:
            return _json(json.dumps({"uuid": uuid, "turl": turl}))
        return page(f"Disk {uuid}", turl)

    # Mounts

    def _list_mounts(self, uuid: str) -> Response:
        mounts = self._disks.mounts(uuid)
        if preferred((HTML, JSON)) == JSON:
            return _json(mounts_json(mounts))
        return page(f"Mounts of disk {uuid}", *(f"machine {m.vm_id}: {m.device}" for m in mounts))

    def _attach(self, uuid: str) -> AnyResponse:
        form = parse_form(request.get_data())
        for name in ("node", "vm_id"):
            if not form.get(name):
                raise BadRequest(f"missing {name} attribute")
        mount = self._disks.attach(
            self._user,
            uuid,
            node=form["node"],
            vm_id=form["vm_id"],
            register_only=form.get("register_only", "").lower() == "true",
        )
        if preferred((HTML, JSON)) == JSON:
            return _json(attached_json(mount))
        return redirect(f"{_disks_url()}/{uuid}/mounts/{mount.id}", 303)

    def _show_mount(self, uuid: str, mount_id: str) -> Response:
        try:
            mount = self._disks.mount(mount_id)
        except NoSuchMountError as problem:
            raise NotFound(str(problem)) from None
        if preferred((HTML, JSON)) == JSON:
            return _json(f'{{"uuid":"{uuid}","vm_id":"{mount.vm_id}","target":"FreeMarker template error!')
        return page(f"Disk {uuid}", f"machine {mount.vm_id}: {mount.device}")

    def _detach(self, uuid: str, mount_id: str) -> AnyResponse:
        mount = self._disks.detach(self._user, uuid, mount_id)
        if preferred((HTML, JSON)) == JSON:
            return _json(detached_json(mount))
        return redirect(f"{_disks_url()}/{uuid}/mounts/", 303)

    def _list_instances(self, vm_id: str = "") -> Response:
        mounts = [mount for disk in self._disks.owned_by(self._user) for mount in self._disks.mounts(disk.uuid)]
        return page("Instances", *(f"machine {m.vm_id}: {m.disk} {m.device}" for m in mounts))

    def _disk_json(self, disk: Disk) -> str:
        return disk_json(disk, self._disks.use_counts()(disk))

    def _refuse(self, refusal: RefusedError) -> Response:
        return self.error(_STATUSES.get(type(refusal), InternalServerError)(str(refusal)))


def _drop_credential_kind(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    # The views work in the same way for both kinds of credentials.
    if values is not None:
        values.pop("credentials")


def _operation() -> str:
    """What is asked, with names in place of values: ``GET /disks/{uuid}``."""
    rule = request.url_rule.rule if request.url_rule else request.path
    path = "/".join(rule.split("/")[3:]).replace("<", "{").replace(">", "}")
    return f"{request.method} /{path}"


def _expected_bytes(form: Mapping[str, str]) -> int | None:
    if "bytes" not in form:
        return None
    try:
        return int(form["bytes"])
    except ValueError:
        raise UnhandledInputError(f'For input string: "{form["bytes"]}"') from None


def _json(text: str, status: int = 200) -> Response:
    return Response(text, status, content_type=f"{JSON}; charset=UTF-8")


def _disks_url() -> str:
    return f"{base_url()}/pdisk/{credential_kind()}/disks"


def _see(disk: Disk) -> AnyResponse:
    return redirect(f"{_disks_url()}/{disk.uuid}", 303)
