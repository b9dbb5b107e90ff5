"""In what OpenNebula 6.10 and 7.4 differ, as far as was seen: 6.10.0 on SQLite and 7.4.0 on MariaDB.

A release is asked wherever the two differ, so that no other rule knows of releases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stratuslab_libcloud.sandbox.state.errors import RefusedError
from stratuslab_libcloud.sandbox.state.opennebula.errors import AuthorizationError, InvalidTemplateError
from stratuslab_libcloud.sandbox.state.template import Template


class Release610:
    """OpenNebula 6.10.0 on SQLite."""

    number = "6.10.0"
    requirements = "(CLUSTER_ID = 0) & !(PUBLIC_CLOUD = YES) & !(PIN_POLICY = PINNED)"
    disk_extras: Mapping[str, str] = {}
    context_extras: tuple[str, ...] = ()
    ignores_case = False
    group_filter_shows_all = True
    leases_go_on = False
    """Addresses are given out from the lowest free one; otherwise after the last one that was given out."""
    ends_when_reset = True
    """The daemon ends when a client resets a connection right after a request."""
    missing_session = (-501, "Not enough parameters")

    def clean(self, text: str) -> str:
        """A value of a template, as it is kept."""
        return text

    def cleaned(self, template: Template) -> Template:
        """A template, as it is kept."""
        return Template(
            (name, self.clean(value) if isinstance(value, str) else {k: self.clean(v) for k, v in value.items()})
            for name, value in template
        )

    def missing_disk(self, disk_id: int) -> str:
        """Why a disk that is not there is not detached."""
        return f"Could not detach disk with DISK_ID {disk_id}, it does not exist."

    def negative_memory(self, user_id: int, reason: str) -> RefusedError:
        """The error where a machine is to have less than no memory."""
        return AuthorizationError(user_id, f"user [{user_id}] {reason}")

    def no_room(self, resource: str, host_ids: Sequence[int]) -> str:
        """Why a machine waits that no host is large enough for.

        :param resource: that there is too little of, such as ``CPU``
        """
        return "Cannot dispatch VM: No host with enough capacity to deploy the VM"

    def result_of_change(self, machine_id: int, part_id: int) -> int:
        """What a method says that changes a part of a machine or image: a disk, or a snapshot.

        :param part_id: the number of the part
        """
        return part_id

    def takes_arguments(self, method: str, number: int) -> bool:
        """Whether a method with optional arguments can be called with so many."""
        return not (method == "one.template.instantiate" and number == 3)

    def can_search(self) -> bool:
        """Whether listings of machines can be searched, as the database permits."""
        return False


class Release74(Release610):
    """OpenNebula 7.4.0 on MariaDB."""

    number = "7.4.0"
    requirements = "(CLUSTER_ID = 0) & !(PIN_POLICY = PINNED)"
    disk_extras: Mapping[str, str] = {"PERSISTENT_SNAPSHOTS": "YES"}
    context_extras = ("ROUTES",)
    ignores_case = True
    group_filter_shows_all = False
    leases_go_on = True
    ends_when_reset = False
    missing_session = (-500, "Missing session string")

    def clean(self, text: str) -> str:
        """Blanks and newlines at both ends of all values are cut off."""
        return text.strip(" \t\r\n")

    def missing_disk(self, disk_id: int) -> str:
        """Why a disk that is not there is not detached."""
        return "VM disk does not exist"

    def negative_memory(self, user_id: int, reason: str) -> RefusedError:
        """The error where a machine is to have less than no memory."""
        return InvalidTemplateError(reason)

    def no_room(self, resource: str, host_ids: Sequence[int]) -> str:
        """Why a machine waits that no host is large enough for."""
        return f"[HOST] Not enough {resource} on hosts: {','.join(map(str, host_ids))}"

    def result_of_change(self, machine_id: int, part_id: int) -> int:
        """What a method says that changes a part of a machine or image: the machine's or image's number."""
        return machine_id

    def takes_arguments(self, method: str, number: int) -> bool:
        """Whether a method with optional arguments can be called with so many."""
        return True

    def can_search(self) -> bool:
        """Whether listings of machines can be searched, as the database permits."""
        return True


RELEASES: Mapping[str, type[Release610]] = {"6.10": Release610, "7.4": Release74}
"""The releases that a sandbox can be."""

NEWEST = "7.4"
