"""What StratusLab makes of a machine that was to be saved: its root disk as a new image, and a Marketplace entry.

As StratusLab's driver does it (``TMSaveCache``): a template asks for it with ``SAVE = yes`` of its first disk, and says
in ``CREATE_IMAGE`` who makes which image. When the machine has shut down, its disks are detached, its root disk
becomes an origin (rebase), and an entry whose location is that disk is signed by the cloud and uploaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stratuslab_libcloud.sandbox.state.disk import Disk
from stratuslab_libcloud.sandbox.state.entries import Entry
from stratuslab_libcloud.sandbox.state.vm import Machine


@dataclass(frozen=True)
class SavedImage:
    """A new image.

    :param disk: what it is on
    :param base: an entry of the image that the machine was started from; None where there is none
    :param machine: what was saved
    """

    disk: Disk
    base: Entry | None
    machine: Machine

    @property
    def identifier(self) -> str:
        """What the Marketplace calls it."""
        return self.disk.identifier

    @property
    def wishes(self) -> Mapping[str, str]:
        """What the template says in ``CREATE_IMAGE``."""
        return wishes_of(self.machine)


def is_to_be_saved(machine: Machine) -> bool:
    """Whether an image is to be made of a machine."""
    root = next(iter(machine.disks), {})
    return root.get("SAVE", "").lower() == "yes" and bool(wishes_of(machine))


def wishes_of(machine: Machine) -> Mapping[str, str]:
    """What a machine's template says in ``CREATE_IMAGE``; nothing if there is to be no image."""
    return next(iter(machine.template.vectors("CREATE_IMAGE")), {})
