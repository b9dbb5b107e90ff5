"""What can be wrong with a request, before any service puts it in its own words."""

from __future__ import annotations


class RefusedError(Exception):
    """The rules do not permit what was asked."""


class NotAuthorizedError(RefusedError):
    """The user may not do this.

    :param right: ``USE`` or ``MANAGE``
    """

    def __init__(self, user_id: int, right: str, thing: str) -> None:
        super().__init__(f"User [{user_id}] : Not authorized to perform {right} {thing}.")


class NoSuchMachineError(RefusedError):
    """There is no machine of that number."""

    def __init__(self, machine_id: int) -> None:
        super().__init__(f"Error getting virtual machine [{machine_id}].")


class WrongStateError(RefusedError):
    """The machine's state does not permit the action."""

    def __init__(self) -> None:
        super().__init__("Wrong state to perform action")


class UnknownActionError(RefusedError):
    """There is no action of that name."""

    def __init__(self) -> None:
        super().__init__("Internal error. Action result not defined")


class AllocationError(RefusedError):
    """The machine cannot be created; `reason` is OpenNebula's text."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Error allocating a new virtual machine. {reason}")


class QuotaError(RefusedError):
    """The user has as many machines as are permitted."""


class StartError(Exception):
    """The machine fails on its way to running, for this reason."""


class NoSuchDiskError(RefusedError):
    """There is no such persistent disk."""


class NoSuchMountError(RefusedError):
    """The disk is not in that machine."""


class DiskRefusedError(RefusedError):
    """The user may not do this with the disk."""


class DiskBusyError(RefusedError):
    """The disk's, or the machine's, state does not permit it."""


class InvalidDiskError(RefusedError):
    """A disk cannot be like that."""


class StorageBackendError(RefusedError):
    """A command of the storage's own failed."""


class UnhandledInputError(RefusedError):
    """Something that the real service does not expect, so that it breaks."""


class InvalidEntryError(RefusedError):
    """A Marketplace entry cannot be like that; the message is the Marketplace's."""
