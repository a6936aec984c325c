"""Errors of the local AWS. Each message is one sentence that says what to do."""

from receipt_sync.errors import SyncError


class LocalAWSError(SyncError):
    """Base of the errors of this package."""


class StateFolderError(LocalAWSError):
    """A state folder is in use, belongs to something else, or holds an unreadable file."""


class NotRunningError(LocalAWSError):
    """No local AWS runs where one was expected."""


class StartError(LocalAWSError):
    """MiniStack ended, or did not become healthy in time."""


class StopError(LocalAWSError):
    """A process of the local AWS did not end."""


class EndpointError(LocalAWSError):
    """An endpoint is unusable: it does not answer, or it is the real AWS."""
