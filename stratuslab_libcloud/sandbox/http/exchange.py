"""What a service finds out about the request that it answers, and what goes wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from flask import request
from werkzeug.exceptions import HTTPException

from stratuslab_libcloud.sandbox.http.faults import Fault, Faults
from stratuslab_libcloud.sandbox.http.wrong_answers import instead

EXCHANGE_KEY = "sandbox.exchange"


@dataclass
class Exchange:
    """Who asks what of which service; empty until the service has found out.

    :param faults: what can go wrong
    :param fault: what does
    """

    faults: Faults = field(repr=False)
    service: str = ""
    operation: str = ""
    user: str = ""
    fault: Fault | None = None

    def identify(self, operation: str) -> None:
        """Note what is asked, before anything is done; if that goes wrong, nothing will be."""
        self.operation = operation
        self.fault = self.faults.strike(self.service, operation)
        if self.fault is not None and self.fault.prevents:
            raise HTTPException(response=instead(self.fault))


def current_exchange() -> Exchange:
    """That of the request that this thread answers."""
    return cast(Exchange, request.environ[EXCHANGE_KEY])
