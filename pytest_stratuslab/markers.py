"""What the marks of a test say about its clouds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from stratuslab_libcloud.sandbox import Fault, ManualClock

MARKERS = (
    "sandbox_users(NAME=PASSWORD, ...): the users of the cloud; the driver is of the first one",
    "sandbox_faults(fault, ...): what goes wrong, as a Fault, or as SERVICE:OPERATION:KIND[:CHANCE[:NUMBER]]",
    "sandbox_clock(start=None): sandbox.clock.advance() moves the cloud's time, and waiting of the driver does",
    "sandbox_images(name, ...): the images that the cloud has, and no others",
    "sandbox_options(boot_seconds=0, version='7.4', ...): further arguments of Sandbox",
)

_ONLY_OF = {
    "version": "opennebula",
    **dict.fromkeys(
        ("machine_limit", "start_seconds", "entries", "empty_marketplace", "state_file", "keep_alive"), "stratuslab"
    ),
}
"""Arguments that only one kind of cloud has; a test may use both."""


def options_for(kind: str, item: pytest.Item, clock: ManualClock | None) -> dict[str, Any]:
    """The arguments of `Sandbox` for a test.

    The marks of a test add to those of its class and module; of two that say the same, the test's own holds.

    :param kind: of cloud
    :param clock: the test's, if it has one
    """
    options: dict[str, Any] = {} if clock else {"boot_seconds": 0}
    for mark in reversed([*item.iter_markers("sandbox_options")]):
        _refuse_positional(mark)
        options |= {name: value for name, value in mark.kwargs.items() if _ONLY_OF.get(name, kind) == kind}
    users = item.get_closest_marker("sandbox_users")
    if users is not None:
        _refuse_positional(users)
        options["users"] = users.kwargs
    images = item.get_closest_marker("sandbox_images")
    if images is not None:
        options["images"] = images.args
    return {"clock": clock, **options}


def clock_of(item: pytest.Item) -> ManualClock | None:
    """The clock that a test moves, if it wants one."""
    mark = item.get_closest_marker("sandbox_clock")
    if mark is None:
        return None
    from stratuslab_libcloud.sandbox import ManualClock

    return ManualClock(*mark.args, **mark.kwargs)


def faults_for(kind: str, item: pytest.Item) -> Sequence[Fault]:
    """What goes wrong in a test, on one kind of cloud."""
    from stratuslab_libcloud.sandbox import Fault

    given = [each for mark in item.iter_markers("sandbox_faults") for each in mark.args]
    faults = [each if isinstance(each, Fault) else Fault.parse(each) for each in given]
    is_opennebula = kind == "opennebula"
    return [fault for fault in faults if fault.service == "*" or (fault.service == "opennebula") == is_opennebula]


def _refuse_positional(mark: pytest.Mark) -> None:
    if mark.args:
        raise TypeError(f"the mark {mark.name} takes keywords only, not {mark.args[0]!r}")
