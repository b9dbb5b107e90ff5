"""A soak test on loopback: several threads, mixed operations, mixed faults; then a report of what became of everything.

``make soak``, or ``python benchmarks/soak.py [--minutes M] [--threads N] [--seed S] [--creations C]``. It ends with
status 1 when anything that was created was lost or doubled, or a call took longer than it may.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from libcloud.common.types import LibcloudError
from libcloud.compute.base import NodeAuthSSHKey

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
from stratuslab_libcloud.driver.stratuslab.volumes import StratusLabVolume
from stratuslab_libcloud.errors import UnknownOutcomeError
from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox
from stratuslab_libcloud.sandbox.state.vm import VmState

LIMIT_SECONDS = 6.0
"""The time limit of a request."""

LONGEST_CALL_SECONDS = 3 * LIMIT_SECONDS + 3
"""A call of the driver is up to three calls of services: `create_node` asks the Marketplace, creates, and asks."""

KEY = NodeAuthSSHKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJpYUQ5cGqPZCTHGkPK0Y2mKSEW7mGIdLOnBO0XBLvLK soak")

FAULTS = [
    Fault(FaultKind.RESET_AFTER, chance=0.06),
    Fault(FaultKind.RESET_BEFORE, chance=0.05),
    Fault(FaultKind.CUT, chance=0.03),
    Fault(FaultKind.STATUS, status=503, chance=0.03),
    Fault(FaultKind.STATUS, status=429, retry_after=0, chance=0.02),
    Fault(FaultKind.STATUS_AFTER, status=502, chance=0.02),
    Fault(FaultKind.STATUS_AFTER, status=500, chance=0.02),
    Fault(FaultKind.PROXY_FAULT, "compute", chance=0.02),
    Fault(FaultKind.PROXY_FAULT_AFTER, "compute", chance=0.03),
    Fault(FaultKind.DOUBLED, "compute", chance=0.03),
    Fault(FaultKind.DOUBLED, "disks", "POST /disks", chance=0.03),
    Fault(FaultKind.DOUBLED_FAULT, "compute", chance=0.02),
    Fault(FaultKind.RESTART, "compute", seconds=0.3, chance=0.002),
    Fault(FaultKind.DELAY, seconds=0.2, chance=0.05),
    Fault(FaultKind.GARBAGE, chance=0.01),
    Fault(FaultKind.WRONG_TYPES, chance=0.01),
    Fault(FaultKind.XMLRPC_FAULT, "compute", chance=0.01),
    Fault(FaultKind.NO_ANSWER, chance=0.003),
    Fault(FaultKind.NO_ANSWER_AFTER, chance=0.003),
    Fault(FaultKind.DRIP, seconds=0.5, chance=0.003),
    Fault(FaultKind.REFUSE, seconds=0.2, chance=0.001),
]
"""About a third of all requests meet one."""


@dataclass
class Account:
    """What the driver returned and raised for each call."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    operations: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    others: list[BaseException] = field(default_factory=list)
    longest: float = 0.0
    nodes: list[StratusLabNode] = field(default_factory=list)
    volumes: list[StratusLabVolume] = field(default_factory=list)
    destroyed: set[str] = field(default_factory=set)
    to_be_destroyed: list[StratusLabVolume] = field(default_factory=list)
    unknown: dict[str, set[str]] = field(default_factory=lambda: {"create_node": set(), "create_volume": set()})

    def call(self, name: str, call: Callable[[], object]) -> object:
        """Make a call of the driver and enter how it went."""
        started = time.monotonic()
        result = None
        try:
            result = call()
        except UnknownOutcomeError as error:
            with self.lock:
                self.unknown[name].add(error.mark)
                self.errors["UnknownOutcomeError"] += 1
        except LibcloudError as error:
            with self.lock:
                self.errors[type(error).__name__] += 1
        except Exception as error:  # noqa: BLE001 - any other exception is a defect, which the report shows
            with self.lock:
                self.others.append(error)
        with self.lock:
            self.operations[name] += 1
            self.longest = max(self.longest, time.monotonic() - started)
        return result


class SoakTest:
    """Threads that use one driver until the time is over."""

    def __init__(self, driver: StratusLabNodeDriver, account: Account, seed: int) -> None:
        self._driver = driver
        self._account = account
        self._seed = seed
        self._image = next(image for image in driver.list_images() if image.name == "ttylinux")
        self._size = driver.list_sizes()[0]

    def run(self, seconds: float, creations: int, threads: int) -> None:
        """Make mixed calls for a time, and this many machines."""
        ends = time.monotonic() + seconds
        tickets = iter(range(creations))
        lock = threading.Lock()

        def work(number: int) -> None:
            dice = random.Random(f"{self._seed}/{number}")
            mine: list[StratusLabNode] = []
            disks: list[StratusLabVolume] = []
            while True:
                with lock:
                    ticket = next(tickets, None)
                if ticket is None and time.monotonic() >= ends:
                    break
                if ticket is not None:
                    self._create_node(f"node {ticket}", mine)
                self._anything(dice, mine, disks)

        workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def _create_node(self, name: str, mine: list[StratusLabNode]) -> None:
        node = self._account.call(
            "create_node", lambda: self._driver.create_node(name, self._size, self._image, auth=KEY)
        )
        if isinstance(node, StratusLabNode):
            mine.append(node)
            with self._account.lock:
                self._account.nodes.append(node)

    def _create_volume(self, disks: list[StratusLabVolume]) -> None:
        volume = self._account.call("create_volume", lambda: self._driver.create_volume(1, "soak"))
        if isinstance(volume, StratusLabVolume):
            disks.append(volume)
            with self._account.lock:
                self._account.volumes.append(volume)

    def _anything(self, dice: random.Random, mine: list[StratusLabNode], disks: list[StratusLabVolume]) -> None:
        driver, call = self._driver, self._account.call
        match dice.randrange(9):
            case 0:
                self._create_volume(disks)
            case 1:
                call("list_nodes", driver.list_nodes)
            case 2:
                call("list_volumes", driver.list_volumes)
            case 3:
                call("list_images", driver.list_images)
            case 4 if mine:
                node = dice.choice(mine)
                call("ex_get_node_details", lambda: driver.ex_get_node_details(node))
            case 5 if mine and disks:
                node, volume = dice.choice(mine), dice.choice(disks)
                call("attach_volume", lambda: driver.attach_volume(node, volume))
            case 6 if disks:
                volume = dice.choice(disks)
                call("detach_volume", lambda: driver.detach_volume(volume))
            case 7 if len(disks) > 4:
                volume = disks.pop(0)
                with self._account.lock:
                    self._account.to_be_destroyed.append(volume)
                call("destroy_volume", lambda: driver.destroy_volume(volume))
            case 8 if len(mine) > 4:
                node = mine.pop(0)
                with self._account.lock:
                    self._account.destroyed.add(str(node.id))
                call("destroy_node", lambda: driver.destroy_node(node))


@dataclass
class Balance:
    """What the cloud created, compared with what the driver returned: machines or disks.

    :param asked: how many were asked for
    :param told: how many were returned
    :param unknown: how many ended with `UnknownOutcomeError`; the mark decides what became of them
    :param there: how many the cloud has created, destroyed ones included
    :param lost: how many are there without the driver having said so, or were returned and then ended by somebody else
    :param doubled: how many are there or were returned more than once
    :param ended: how many were doubles, which the driver has ended
    :param imagined: how many were returned that are not there
    """

    what: str
    asked: int
    told: int
    unknown: int
    there: int
    lost: int
    doubled: int
    ended: int
    imagined: int


@dataclass(frozen=True)
class Thing:
    """A machine or a disk that the cloud has created.

    :param has_ended: whether it was ended, by anybody
    """

    id: str
    mark: str
    has_ended: bool = False


def balance(
    what: str, asked: int, told: list[tuple[str, str]], unknown: set[str], there: list[Thing], destroyed: set[str]
) -> Balance:
    """Compare what was returned, as pairs of id and mark, with what is there.

    :param destroyed: the ids of what the driver was asked to destroy
    """
    told_marks = Counter(mark for _, mark in told)
    there_marks = Counter(thing.mark for thing in there)
    left_marks = Counter(thing.mark for thing in there if not thing.has_ended)
    ended = {thing.id for thing in there if thing.has_ended} - destroyed
    lost = sum(1 for mark in there_marks if mark not in told_marks and mark not in unknown)
    return Balance(
        what=what,
        asked=asked,
        told=len(told),
        unknown=len(unknown),
        there=len(there_marks),
        lost=lost + sum(1 for thing_id, _ in told if thing_id in ended),
        doubled=sum(n - 1 for n in left_marks.values()) + sum(n - 1 for n in told_marks.values()),
        ended=len(ended),
        imagined=sum(1 for mark in told_marks if mark not in there_marks),
    )


def balances(sandbox: Sandbox, account: Account) -> list[Balance]:
    """The comparison for machines and for disks. A disk that was destroyed counts as there: it was."""
    machines = [
        Thing(str(machine.id), str(machine.template.text("LIBCLOUD_MARK")), machine.state == VmState.DONE)
        for machine in sandbox.machines
    ]
    nodes = [(str(node.id), node.extra["mark"]) for node in account.nodes]
    disks = {disk.uuid: disk.identifier for disk in sandbox.disks if disk.identifier.startswith("libcloud-mark-")}
    disks.update({volume.id: volume.extra["mark"] for volume in account.to_be_destroyed})
    volumes = [(volume.id, volume.extra["mark"]) for volume in account.volumes]
    asked, unknown = account.operations, account.unknown
    return [
        balance("machines", asked["create_node"], nodes, unknown["create_node"], machines, account.destroyed),
        balance(
            "disks",
            asked["create_volume"],
            volumes,
            unknown["create_volume"],
            [Thing(uuid, mark) for uuid, mark in disks.items()],
            set(),
        ),
    ]


def report(sandbox: Sandbox, account: Account, seconds: float, seed: int) -> bool:
    """Print the tables, and return whether all is well."""
    calls = sum(account.operations.values())
    print(f"\nAfter {seconds:.0f} s, seed {seed}: {calls} calls, {len(sandbox.requests)} requests")
    print("\n| call | times |\n| --- | --- |")
    for name, count in sorted(account.operations.items()):
        print(f"| `{name}` | {count} |")
    print("\n| fault met | times |\n| --- | --- |")
    for kind, count in sorted(Counter(r.fault for r in sandbox.requests if r.fault).items()):
        print(f"| {kind} | {count} |")
    print("\n| exception | times |\n| --- | --- |")
    for name, count in sorted(account.errors.items()):
        print(f"| `{name}` | {count} |")
    for error in account.others:
        print(f"| **not a LibcloudError**: {error!r} | 1 |")
    print("\n| | asked for | returned | unknown outcome | there | doubles ended | lost | doubled | imagined |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    all_well = not account.others and account.longest <= LONGEST_CALL_SECONDS
    for row in balances(sandbox, account):
        numbers = (row.asked, row.told, row.unknown, row.there, row.ended, row.lost, row.doubled, row.imagined)
        print(f"| {row.what} | {' | '.join(map(str, numbers))} |")
        all_well = all_well and row.lost == row.doubled == row.imagined == 0 and row.told > row.asked / 2
    print(f"\nLongest call: {account.longest:.1f} s, of {LONGEST_CALL_SECONDS:.0f} s that it may take")
    return all_well


def _sandbox(seed: int) -> Sandbox:
    """A cloud with room for all machines of the soak test."""
    return Sandbox(boot_seconds=0, guests=False, seed=seed, public_network="127.64.0.0/12")


def main() -> int:
    """Run the soak test."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--creations", type=int, default=1000, help="machines to create")
    options = parser.parse_args()

    logging.getLogger("stratuslab_libcloud").setLevel(logging.ERROR)
    account = Account()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, _sandbox(options.seed) as sandbox:
        config = sandbox.write_config(Path(folder) / "soak.cfg", endpoint_connections="16")
        driver = StratusLabNodeDriver(stratuslab_user_config=config, timeout=LIMIT_SECONDS)
        soak_test = SoakTest(driver, account, options.seed)
        sandbox.requests.clear()
        with sandbox.faults.during(*FAULTS):
            soak_test.run(options.minutes * 60, options.creations, options.threads)
        driver.list_nodes()  # it ends the doubles of creations of which no thread has heard any more
        all_well = report(sandbox, account, time.monotonic() - started, options.seed)
    return 0 if all_well else 1


if __name__ == "__main__":
    sys.exit(main())
