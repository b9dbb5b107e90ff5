"""Which nodes a listing is to have: as much of it as can be is said to the cloud, the rest is looked at here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from libcloud.compute.types import NodeState

from stratuslab_libcloud.client.opennebula.identifiers import parse_machine_id
from stratuslab_libcloud.client.opennebula.machine import ALL_BUT_DONE, ANY_STATE, MINE, Selection, VirtualMachine
from stratuslab_libcloud.client.opennebula.states import ACTIVE, DONE, OPENNEBULA_3, StateNames
from stratuslab_libcloud.client.opennebula.xml_values import LARGEST_ID
from stratuslab_libcloud.driver.states import STATE_OF_STATUS
from stratuslab_libcloud.errors import InvalidArgumentError

NodeIds = Iterable[str | int]
States = NodeState | str | Iterable[NodeState | str]

_WORTH_READING = 100
"""A gap between numbers that is not wider is read over, since another request takes longer."""

_MOST_SELECTIONS = 16

_STATES_OF_3_2 = set(range(OPENNEBULA_3.states.index("FAILED") + 1))


class NodeFilter:
    """What nodes must be like. What is None does not matter.

    :param name: a node's whole name, or a compiled regular expression that has to match all of it
    :param state: a `NodeState`, or several, of which any will do; nodes that have ended are there only if this says so
    :param node_ids: ids of nodes; where several locations are asked, of each
    :param whose: whose machines the cloud is asked for, as OpenNebula's pools have it
    :param is_full: whether it is asked for all that it knows of them
    :raises InvalidArgumentError: when a name, a state or an id is none
    """

    def __init__(
        self,
        name: str | re.Pattern[str] | None = None,
        state: States | None = None,
        node_ids: NodeIds | None = None,
        whose: int = MINE,
        is_full: bool = False,
    ) -> None:
        self._name = None if name is None else _name(name)
        self._states = None if state is None else _states(state)
        self._numbers = None if node_ids is None else _numbers(node_ids)
        self._whose = whose
        self._is_full = is_full

    def selections(self, names: StateNames) -> list[Selection]:
        """What the cloud must be asked for; nothing when no node can fit.

        :param names: that the cloud has for states
        """
        state = self._state_to_ask_for(names)
        if state is None:
            return []
        if self._numbers is None:
            return [Selection(state=state, whose=self._whose, is_full=self._is_full)]
        return [Selection(first, last, state, self._whose, self._is_full) for first, last in _ranges(self._numbers)]

    def fits(self, machine: VirtualMachine) -> bool:
        """Whether a machine that the cloud told about is wanted."""
        return (
            (self._numbers is None or machine.id in self._numbers)
            and (self._name is None or self._fits_name(machine.name))
            and (self._states is None or STATE_OF_STATUS.get(machine.status, NodeState.UNKNOWN) in self._states)
        )

    def _fits_name(self, name: str) -> bool:
        return name == self._name if isinstance(self._name, str) else bool(self._name and self._name.fullmatch(name))

    def _state_to_ask_for(self, names: StateNames) -> int | None:
        """OpenNebula's STATE, if it can be only one; None if it can be none."""
        if self._states is None:
            return ALL_BUT_DONE
        possible = {
            _state_of(status, names) for status in names.statuses if STATE_OF_STATUS.get(status) in self._states
        }
        if not possible:
            return None
        if len(possible) == 1 and possible <= _STATES_OF_3_2 and NodeState.UNKNOWN not in self._states:
            return possible.pop()
        return ANY_STATE if DONE in possible else ALL_BUT_DONE


EVERYTHING = NodeFilter()
"""All nodes that have not ended."""


def _name(name: str | re.Pattern[str]) -> str | re.Pattern[str]:
    if isinstance(name.pattern if isinstance(name, re.Pattern) else name, str):
        return name
    raise InvalidArgumentError(f"ex_name must be a text, or a compiled regular expression for one, not {name!r}")


def _states(state: States) -> frozenset[NodeState]:
    several = [state] if isinstance(state, str) else state
    try:
        return frozenset(NodeState(one.lower()) for one in several)
    except (ValueError, AttributeError, TypeError) as error:
        known = ", ".join(repr(one.value) for one in NodeState)
        raise InvalidArgumentError(
            f"ex_state must be a NodeState or several, such as {known}, not {state!r}"
        ) from error


def _state_of(status: str, names: StateNames) -> int:
    """The STATE in which a machine is that has this status."""
    return names.states.index(status) if status in names.states else ACTIVE


def _numbers(node_ids: NodeIds) -> range | frozenset[int]:
    if isinstance(node_ids, range):
        return node_ids
    if isinstance(node_ids, str) or not isinstance(node_ids, Iterable):
        raise InvalidArgumentError(f"ex_node_ids must be several ids, such as ['7', '12'], not {node_ids!r}")
    return frozenset(parse_machine_id(str(one)) for one in node_ids)


def _ranges(numbers: range | frozenset[int]) -> list[tuple[int, int]]:
    """The first and the last number of each range that is worth a request of its own."""
    if not numbers:
        return []
    ordered = sorted((numbers[0], numbers[-1])) if isinstance(numbers, range) else sorted(numbers)
    first, last = max(0, ordered[0]), min(LARGEST_ID, ordered[-1])
    cuts = [] if isinstance(numbers, range) else _widest_gaps(ordered)
    begins = [first, *(after for _, after in cuts)]
    ends = [*(before for before, _ in cuts), last]
    return [(begin, end) for begin, end in zip(begins, ends, strict=True) if begin <= end]


def _widest_gaps(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """The numbers before and after each gap that is worth leaving out, in their order."""
    gaps = [(before, after) for before, after in pairwise(numbers) if after - before > _WORTH_READING]
    widest = sorted(gaps, key=lambda gap: gap[1] - gap[0])[-_MOST_SELECTIONS + 1 :]
    return sorted(widest)
