"""Errors of a deployment package. Each message is one sentence that says what to do."""

from receipt_sync.errors import SyncError


class PackageError(SyncError):
    """A package cannot be built from the present sources, lock file or package index."""


class TooLargeError(SyncError):
    """A package exceeds its limit."""
