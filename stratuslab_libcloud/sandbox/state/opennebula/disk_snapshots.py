"""Snapshots of a disk: while it is in a machine, and of a persistent image afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field

from stratuslab_libcloud.sandbox.state.opennebula.errors import ActionError


@dataclass
class DiskSnapshot:
    """A state of a disk that can be gone back to.

    :param parent: the number of the one that was active when it was made, -1 for none
    :param size: MB
    """

    id: int
    name: str
    time: float
    parent: int
    size: int


@dataclass(eq=False)
class DiskSnapshots:
    """The snapshots of one disk.

    :param active: the number of the one that the disk goes on from; None if there is none
    """

    active: int | None = None
    next_id: int = 0
    all: dict[int, DiskSnapshot] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """MB, of all of them."""
        return sum(snapshot.size for snapshot in self.all.values())

    def create(self, name: str, time: float, size: int) -> DiskSnapshot:
        """Keep the disk as it is now."""
        parent = -1 if self.active is None else self.active
        snapshot = DiskSnapshot(self.next_id, name, time, parent, size)
        self.all[snapshot.id] = snapshot
        self.active = snapshot.id
        self.next_id += 1
        return snapshot

    def find(self, number: int) -> DiskSnapshot:
        """A snapshot.

        :raises ActionError: if there is none with this number
        """
        if number not in self.all:
            raise ActionError("Snapshot does not exist")
        return self.all[number]

    def revert(self, number: int) -> None:
        """Let the disk be as it was then."""
        self.active = self.find(number).id

    def check_delete(self, number: int) -> None:
        """Make sure that a snapshot may be deleted.

        :raises ActionError: if not
        """
        self.find(number)
        if number == self.active:
            raise ActionError("Cannot delete the active snapshot")
        if any(snapshot.parent == number for snapshot in self.all.values()):
            raise ActionError("Cannot delete snapshot with children")

    def delete(self, number: int) -> None:
        """Delete a snapshot."""
        self.check_delete(number)
        del self.all[number]
