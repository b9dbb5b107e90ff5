"""What the page shows of a cloud, in a form that is the same for each kind of cloud."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stratuslab_libcloud.sandbox.state.vm import HistoryRecord


@dataclass(frozen=True)
class Cell:
    """A value in a table.

    :param tone: its colour, see `words.tone`; empty for none
    :param link: the identifier of what it is about, on the same page; empty for none
    """

    text: str
    tone: str = ""
    link: str = ""


@dataclass(frozen=True)
class Column:
    """What the values below each other are.

    :param kind: ``name``, ``text``, ``number``, ``code`` or ``state``: how they are written
    """

    title: str
    kind: str = "text"


@dataclass(frozen=True)
class Row:
    """One thing.

    :param key: no other row of the table has it
    :param cells: one or several values for each column
    """

    key: str
    cells: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Table:
    """All things of a kind.

    :param key: no other table has it
    :param nothing: what is said if there are none
    """

    key: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    nothing: str


@dataclass(frozen=True)
class MachineRow:
    """A machine.

    :param memory: MiB
    :param created: seconds since 1970, as is `ended`, which is 0 while it is not
    :param message: why it failed, or why it waits; empty if nothing is known of that
    """

    id: int
    name: str
    owner: str
    state: str
    addresses: Sequence[str]
    host: str
    cpu: str
    memory: int
    created: float
    ended: float
    message: str
    life: Sequence[tuple[float, str]]
    history: Sequence[HistoryRecord] = field(default=(), repr=False)


@dataclass(frozen=True)
class Contents:
    """What a cloud holds at a moment.

    :param now: by its clock, in seconds since 1970
    :param next_step: when something will happen by itself; None if nothing will
    :param machines: the newest first
    """

    now: float
    next_step: float | None
    machines: Sequence[MachineRow]
    tables: Sequence[Table]


class CloudView(ABC):
    """Looks at a cloud.

    :param title: what kind of cloud it is
    :param addresses: of its services, by name
    """

    title: str
    addresses: Mapping[str, str]

    @abstractmethod
    def look(self) -> Contents:
        """What the cloud holds now."""


def cells(*values: object) -> Sequence[Sequence[Cell]]:
    """The cells of a row: values without tone and link, and those that are cells or lists of cells already."""
    return [
        [value] if isinstance(value, Cell) else value if isinstance(value, list) else [Cell(str(value))]
        for value in values
    ]


def machine_link(machine_id: int | str, text: str = "") -> Cell:
    """A cell that names a machine."""
    return Cell(text or f"machine {machine_id}", link=f"machine-{machine_id}")
