"""What a service finds out about the request that it answers: passed to the server, which records it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import request

EXCHANGE_KEY = "sandbox.exchange"


@dataclass
class Exchange:
    """Who asks what of which service; empty until the service has found out."""

    service: str = ""
    operation: str = ""
    user: str = ""


def current_exchange() -> Exchange:
    """That of the request that this thread answers."""
    return cast(Exchange, request.environ[EXCHANGE_KEY])
