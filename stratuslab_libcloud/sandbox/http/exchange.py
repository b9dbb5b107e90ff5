"""What is known of a request while a service answers it, and what goes wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from flask import request
from werkzeug.exceptions import HTTPException

from stratuslab_libcloud.sandbox.http.fault import Fault, FaultKind
from stratuslab_libcloud.sandbox.http.faults import Faults
from stratuslab_libcloud.sandbox.http.service import Service
from stratuslab_libcloud.sandbox.http.wrong_answers import prevented_answer

EXCHANGE_KEY = "sandbox.exchange"


@dataclass
class Exchange:
    """Who asks which service for what; empty until the service has found out.

    :param faults: what can go wrong
    :param service: None where the path belongs to no service
    :param fault: what goes wrong; None if nothing does
    """

    faults: Faults = field(repr=False)
    service: Service | None = None
    operation: str = ""
    user: str = ""
    fault: Fault | None = None

    def identify(self, operation: str) -> None:
        """Note what is asked, before it is carried out, and end the request here if a fault prevents it."""
        self.operation = operation
        if self.fault is None:  # there is one already when the request is carried out a second time
            self.fault = self.faults.strike(self.service_name, operation)
        if self.fault is not None and self.fault.prevents:
            raise HTTPException(response=prevented_answer(self.fault, self.wrong_answers))

    @property
    def service_name(self) -> str:
        """The name of the service; empty where the path belongs to no service."""
        return "" if self.service is None else self.service.name

    @property
    def wrong_answers(self) -> Mapping[FaultKind, str]:
        """The wrong answers of the service."""
        return {} if self.service is None else self.service.wrong_answers


def current_exchange() -> Exchange:
    """The exchange of the request that this thread answers."""
    return cast(Exchange, request.environ[EXCHANGE_KEY])
