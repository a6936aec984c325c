"""What can go wrong with a deployment package. Each is one sentence that says what to do."""

from receipt_sync.errors import SyncError


class PackageError(SyncError):
    """A function's package can't be built from the sources, the lock or the index at hand."""


class TooLargeError(SyncError):
    """A package is past its limit."""
