"""Networks and the addresses that machines get."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from stratuslab_libcloud.sandbox import ManualClock, Sandbox
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template

from ..conftest import TEMPLATE, Oned, info, ok


def test_the_address_is_known_at_once(sandbox: Sandbox, oned: Oned) -> None:
    machine = info(oned, ok(oned("alice", "one.vm.allocate", TEMPLATE)))
    assert machine.findtext("STATE") == "1"
    nic = machine.find("TEMPLATE/NIC")
    assert nic is not None
    address = ip_address(nic.findtext("IP", ""))
    assert address in ip_network("127.0.0.0/8")
    assert nic.findtext("MAC") == ":".join(f"{byte:02x}" for byte in b"\2\0" + address.packed)
    assert nic.findtext("NETWORK_ID") == "0"


@pytest.mark.parametrize(("network", "block"), [("local", "172.16.0.0/12"), ("private", "10.0.0.0/8")])
def test_the_other_networks(oned: Oned, network: str, block: str) -> None:
    machine = info(oned, ok(oned("alice", "one.vm.allocate", TEMPLATE.replace("public", network))))
    assert ip_address(machine.findtext("TEMPLATE/NIC/IP", "")) in ip_network(block)


def test_the_networks_are_oneadmins(oned: Oned) -> None:
    ok(oned("oneadmin", "one.vm.allocate", 'NIC=[NETWORK="public"]'))


def test_an_address_can_be_asked_for_once(sandbox: Sandbox, oned: Oned, clock: ManualClock) -> None:
    wanted = str(sandbox.state.networks["public"].addresses[77])
    template = f'NIC=[NETWORK="public",NETWORK_UNAME=oneadmin,IP="{wanted}"]'
    machine_id = ok(oned("alice", "one.vm.allocate", template))
    assert info(oned, machine_id).findtext("TEMPLATE/NIC/IP") == wanted
    assert oned("alice", "one.vm.allocate", template)[0] is False
    ok(oned("alice", "one.vm.action", "finalize", machine_id))
    clock.advance(10)
    ok(oned("alice", "one.vm.allocate", template))


def test_a_network_can_be_full(sandbox: Sandbox, oned: Oned) -> None:
    for _ in range(254):
        sandbox.machines.allocate("alice", parse_template(TEMPLATE))
    assert "Could not get virtual network" in oned("alice", "one.vm.allocate", TEMPLATE)[1]
    ok(oned("alice", "one.vm.action", "finalize", 100))
    assert info(oned, ok(oned("alice", "one.vm.allocate", TEMPLATE))).findtext("TEMPLATE/NIC/IP") == info(
        oned, 100
    ).findtext("TEMPLATE/NIC/IP")


def test_nothing_is_leased_to_a_machine_that_is_refused(sandbox: Sandbox, oned: Oned) -> None:
    nic = 'NIC=[NETWORK="public",NETWORK_UNAME=oneadmin]'
    assert oned("alice", "one.vm.allocate", f'{nic} NIC=[NETWORK="nonet"]')[0] is False
    machine = info(oned, ok(oned("alice", "one.vm.allocate", nic)))
    assert machine.findtext("TEMPLATE/NIC/IP") == str(sandbox.state.networks["public"].addresses[1])
