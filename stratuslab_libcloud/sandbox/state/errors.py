"""What can be wrong with a request. The services turn these errors into answers."""

from __future__ import annotations


class RefusedError(Exception):
    """The rules do not permit what was asked."""


class NotAuthorizedError(RefusedError):
    """The user may not do this.

    :param right: ``USE`` or ``MANAGE``
    """

    def __init__(self, user_id: int, right: str, thing: str) -> None:
        super().__init__(f"User [{user_id}] : Not authorized to perform {right} {thing}.")


class NoDriverYetError(RefusedError):
    """The daemon starts, and does not have the driver yet that decides what the user may do."""

    def __init__(self, user_id: int) -> None:
        super().__init__(f"User [{user_id}] : Could not find Authorization driver.")


class NotAuthenticatedError(RefusedError):
    """The daemon cannot find out whether the user is who they say."""

    def __init__(self) -> None:
        super().__init__("User couldn't be authenticated, aborting call.")


class NoSuchObjectError(RefusedError):
    """There is nothing of that kind with that number."""

    def __init__(self, kind: str, number: int) -> None:
        super().__init__(f"Error getting {kind} [{number}].")


class NoSuchMachineError(NoSuchObjectError):
    """There is no machine of that number."""

    def __init__(self, machine_id: int) -> None:
        super().__init__("virtual machine", machine_id)


class BadFilterError(RefusedError):
    """A listing cannot be asked for by such a number."""


class WrongStateError(RefusedError):
    """The machine's state does not permit the action."""

    def __init__(self) -> None:
        super().__init__("Wrong state to perform action")


class UnknownActionError(RefusedError):
    """There is no action of that name."""

    def __init__(self) -> None:
        super().__init__("Internal error. Action result not defined")


class AllocationError(RefusedError):
    """The machine cannot be created; `reason` is OpenNebula's text, which can be empty."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Error allocating a new virtual machine. {reason}".rstrip())


class QuotaError(RefusedError):
    """The user has the permitted number of machines already."""


class DriverError(Exception):
    """A driver of the cloud cannot do its part for a machine, for this reason."""


class NoSuchDiskError(RefusedError):
    """There is no such persistent disk."""


class NoSuchMountError(RefusedError):
    """The disk is not in that machine."""


class DiskRefusedError(RefusedError):
    """The user may not do this with the disk."""


class DiskBusyError(RefusedError):
    """The disk's, or the machine's, state does not permit it."""


class InvalidDiskError(RefusedError):
    """A disk cannot have these values."""


class StorageBackendError(RefusedError):
    """A command of the storage failed."""


class UnhandledInputError(RefusedError):
    """An input that the real service does not handle: it fails with an internal error."""


class InvalidEntryError(RefusedError):
    """A Marketplace entry is not valid; the message is the Marketplace's."""
