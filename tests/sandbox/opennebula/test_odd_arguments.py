"""Whatever arguments a method is given, it answers, refuses, or faults; and what it answers can be read."""

from __future__ import annotations

import random
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from stratuslab_libcloud.sandbox import ManualClock, Sandbox
from stratuslab_libcloud.sandbox.compute.xmlrpc import FaultError, Parameters
from stratuslab_libcloud.sandbox.opennebula.service import OpenNebulaService
from stratuslab_libcloud.sandbox.state.errors import RefusedError

from .conftest import PASSWORDS

TEXTS = [
    "",
    "x",
    "poweroff",
    "resume",
    "terminate-hard",
    "release",
    "DATABLOCK",
    "alice",
    "1,2,-1,x",
    "99999999999999999999",
    "2000",
    "<T/>",
    "<T><A><B><C>x</C></B></A></T>",
    "CPU=1 MEMORY=1",
    "CPU=1e400 MEMORY=1",
    "CPU=nan MEMORY=1",
    "CPU=1 MEMORY=99999999999999999999",
    "CPU=[A=b] MEMORY=1",
    "CPU=1 MEMORY=1 NAME=[A=b]",
    "CPU=1 MEMORY=1 DISK=x NIC=y CONTEXT=z OS=x",
    "CPU=1 MEMORY=1 DISK=[TYPE=fs,SIZE=5,DEV_PREFIX=vd]",
    "CPU=1 MEMORY=1 DISK=[IMAGE_ID=0] NIC=[NETWORK_ID=0] CONTEXT=[NETWORK=YES]",
    'CPU=1 MEMORY=1 NIC=[NETWORK_MODE=auto] CONTEXT=[NETWORK=YES,X="$NIC[IP]"]',
    "CPU=1 MEMORY=1 NIC=[NETWORK_ID=1] NIC_ALIAS=[PARENT=NIC0,NETWORK_ID=1]",
    'CPU=1 MEMORY=1 SCHED_REQUIREMENTS=[A=b] SCHED_ACTION=[ACTION=x,TIME="+1"] SCHED_ACTION=y',
    "CPU=1 MEMORY=1 GRAPHICS=[TYPE=vnc]",
    "DISK=[IMAGE_ID=0]",
    "DISK=[IMAGE_ID=x]",
    "DISK=[IMAGE_ID=3]",
    "DISK=[IMAGE_ID=0,SIZE=x]",
    "DISK=[SIZE=99999999999999999999,TYPE=fs]",
    "DISK=[]",
    "NIC=[NETWORK_ID=0]",
    "NIC=[NETWORK_ID=x]",
    "NIC=[]",
    "NIC=[NETWORK_ID=0,IP=zz]",
    "NIC=[NETWORK_ID=2,IP=1.2.3.4]",
    'NIC=[NETWORK_ID=0,SECURITY_GROUPS="a,b",NAME=x]',
    "NIC_ALIAS=[PARENT=NIC0,NETWORK_ID=1]",
    "CONTEXT=[A=b]",
    "CONTEXT=[NETWORK=YES,TOKEN=NO]",
    "SCHED_ACTION=[ACTION=terminate-hard,TIME=99999999999999999999]",
    'SCHED_ACTION=[TIME="+0"]',
    "VM=[VMS=x]",
    "VM=[VMS=9,CPU=9]",
    "VM=x",
    "DATASTORE=[ID=z,SIZE=1]",
    "NETWORK=[LEASES=1]",
    "OPENNEBULA=x",
    "OPENNEBULA=[DEFAULT_IMAGE_PERSISTENT=YES]",
    "MEMORY=2",
    "NAME=v TYPE=DATABLOCK SIZE=1 PERSISTENT=YES",
    "NAME=w TYPE=OS SIZE=5 PERSISTENT=[A=b]",
]


class AnyParameters(Parameters):
    """Arguments of the types that a method wants, with random values."""

    def __init__(self, generator: random.Random) -> None:
        super().__init__([None] * generator.randrange(6))
        self._generator = generator
        self.taken: list[Any] = []

    def _any(self, choices: list[Any]) -> Any:
        self.taken.append(self._generator.choice(choices))
        return self.taken[-1]

    def text(self, default: str | None = None) -> str:
        return str(self._any([*TEXTS, default or ""]))

    def number(self, default: int | None = None) -> int:
        return int(self._any([*range(-4, 9), 0, 0, 1, 100, default or 0]))

    def boolean(self, default: bool | None = None) -> bool:
        return bool(self._any([True, False]))

    def numbers(self) -> list[int]:
        return [self.number()]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("release", ["6.10", "7.4"])
def test_any_arguments(release: str, seed: int) -> None:
    generator, clock = random.Random(seed), ManualClock()
    cloud = Sandbox(kind="opennebula", version=release, users=PASSWORDS, clock=clock, boot_seconds=1).opennebula
    service = OpenNebulaService(cloud)
    answered = set()
    for _ in range(3000):
        method = generator.choice(service.operations[1:])
        user = cloud.users.named(generator.choice(["alice", "alice", "bob", "oneadmin"]))
        parameters = AnyParameters(generator)
        try:
            with cloud.lock:
                answer = service.call(method, user, parameters)
        except (RefusedError, FaultError):
            continue
        except Exception as bug:
            raise AssertionError(f"{method}{tuple(parameters.taken)}") from bug
        answered.add(method)
        if isinstance(answer, str) and answer.startswith("<"):
            ET.fromstring(answer)
        clock.advance(generator.choice([0, 0.1, 1]))
    assert len(answered) > 45
