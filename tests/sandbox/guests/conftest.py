"""Machines that run at once, and how to reach them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template

from ..conftest import KEY, public


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(boot_seconds=0) as sandbox:
        yield sandbox


def start(sandbox: Sandbox, *, network: str = "local", context: str = "", source: str = "http://example.org/x") -> int:
    context = context or f'PUBLIC_KEY="{public(KEY)}"'
    template = f'DISK=[SOURCE="{source}"] NIC=[NETWORK={network},NETWORK_UNAME=oneadmin] CONTEXT=[{context}]'
    return sandbox.machines.allocate("alice", parse_template(template)).id


def ports(sandbox: Sandbox, machine_id: int | None = None) -> Any:
    parameters = {} if machine_id is None else {"vmid": machine_id}
    answer = requests.get(f"{sandbox.port_translation_url}/cgi-bin/vmports.py", params=parameters, timeout=5)
    assert answer.status_code == 200
    return answer.json()
