"""The interface of a cloud's services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from flask import Blueprint, Response
from werkzeug.exceptions import HTTPException

from stratuslab_libcloud.sandbox.http.fault import FaultKind


class Service(Protocol):
    """One of a cloud's services.

    :param name: as in the record of requests and in faults
    :param operations: what it can be asked to do, as in the record of requests and in faults
    :param wrong_answers: its answers for the kinds of faults that need one in its own format
    """

    name: str
    operations: Sequence[str]
    wrong_answers: Mapping[FaultKind, str]

    @property
    def prefix(self) -> str | tuple[str, ...]:
        """The beginning of all its paths, or each of several beginnings."""

    def routes(self) -> Blueprint:
        """What is served at which addresses."""

    def before(self) -> None:
        """Look at a request for the service, whether it has such a route or not."""

    def error(self, error: HTTPException) -> Response:
        """Answer with an HTTP error, in the service's format."""
