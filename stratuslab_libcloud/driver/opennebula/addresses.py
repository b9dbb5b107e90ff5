"""Which of a machine's addresses are public, and which private."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.machine import VirtualMachine

_PRIVATE = tuple(
    map(
        ip_network,
        (
            *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"),
            *("fc00::/7", "fe80::/10"),
        ),
    )
)


def addresses_of(machine: VirtualMachine) -> tuple[list[str], list[str]]:
    """The public and the private addresses, each once: IPv4 and IPv6, of aliases, and external ones.

    What the guest itself reports counts where its networks have no addresses to give.
    """
    public: list[str] = []
    private: list[str] = []
    for address in dict.fromkeys(_given_by_networks(machine)) or dict.fromkeys(machine.guest_ips):
        is_private = _is_private(address)
        if is_private is not None:
            (private if is_private else public).append(address)
    return public, private


def _given_by_networks(machine: VirtualMachine) -> Iterator[str]:
    for nic in machine.nics:
        yield from filter(None, (nic.ip, *nic.ipv6, nic.external_ip))


@lru_cache(maxsize=4096)
def _is_private(text: str) -> bool | None:
    """None for what is no address, and for 0.0.0.0, which stands for none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if address.is_unspecified:
        return None
    return any(address in network for network in _PRIVATE)
