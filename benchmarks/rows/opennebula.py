"""Today's OpenNebula: lists against `pyone`, and how many requests a creation and a look take."""

from __future__ import annotations

from collections.abc import Callable

import pyone

from benchmarks.measuring import compare, peak_of
from benchmarks.report import Findings, Row, amount, duration, ratio
from benchmarks.server import BareServer
from stratuslab_libcloud import OpenNebulaNodeDriver
from stratuslab_libcloud.sandbox import Sandbox

_OF_PYONE = 0.25
_OF_PYONES_MEMORY = 0.1
_ROUNDS = {100: 31, 1000: 11, 10_000: 3}

Lister = Callable[[], object]


def list_nodes(url: str) -> Lister:
    """Lists the nodes of a cloud."""
    return OpenNebulaNodeDriver("alice", "secret", ex_endpoint=f"{url}/RPC2", timeout=600).list_nodes


def ask_pyone(url: str) -> Lister:
    """Lists the machines of a cloud with `pyone`."""
    server = pyone.OneServer(f"{url}/RPC2", session="alice:secret")
    return lambda: server.vmpool.info(-3, -1, -1, -1)


def measure(server: BareServer, full: bool) -> Findings:
    """Time and peak for each number of machines, and requests."""
    findings = Findings()
    for number, rounds in _ROUNDS.items():
        url = server.url(machines=number, today=1)
        times = compare(list_nodes(url), ask_pyone(url), rounds)
        each = duration(times.our_median / number)
        what = f"OpenNebula of today: `list_nodes`, {number:,} machines, {each} each"
        findings.rows.append(Row.of_times(what, "`pyone`, `vmpool.info`", times, _OF_PYONE))
    findings.rows += [_memory(server, number) for number in _ROUNDS]
    return _with_requests(findings)


def _memory(server: BareServer, number: int) -> Row:
    small, large = server.url(machines=1, today=1), server.url(machines=number, today=1)
    ours = peak_of(__name__, "list_nodes", small, large)
    theirs = peak_of(__name__, "ask_pyone", small, large)
    what = f"OpenNebula of today: peak memory of `list_nodes`, {number:,} machines, {amount(ours / number)} each"
    goal = _OF_PYONES_MEMORY if number >= 1000 else None
    return Row(what, amount(ours), f"`pyone`: {amount(theirs)}", *ratio(ours / theirs, goal))


def _with_requests(findings: Findings) -> Findings:
    with Sandbox(kind="opennebula", boot_seconds=0.5, guests=False) as sandbox:
        user, password = next(iter(sandbox.users.items()))
        driver = OpenNebulaNodeDriver(user, password, host=sandbox.url)
        image = driver.get_image("0")
        sandbox.requests.clear()
        driver.create_node("one", image=image, networks=[0])
        created = len(sandbox.requests.operations)
        nodes = driver.ex_create_nodes([f"n{number}" for number in range(50)], image=image, networks=[0])
        sandbox.requests.clear()
        driver._look_at(nodes, 10.0)
        looked = len(sandbox.requests.operations)
    creation = "OpenNebula of today: requests of `create_node`, its addresses included"
    others = "DIRAC's class: 1, without addresses; terraform: 3 or more (from their code)"
    findings.rows += [
        Row(creation, str(created), others, "", "2", created <= 2),
        Row(
            "OpenNebula of today: requests of a look at 50 new machines", str(looked), "one each", "", "1", looked == 1
        ),
    ]
    return findings
