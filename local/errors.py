"""What can go wrong with the local AWS. Each is one sentence that says what to do."""

from receipt_sync.errors import SyncError


class LocalAWSError(SyncError):
    """Base of the errors of this package."""


class StateFolderError(LocalAWSError):
    """A state folder is in use, is not ours, or holds something unreadable."""


class NotRunningError(LocalAWSError):
    """There is no local AWS where one was expected."""


class StartError(LocalAWSError):
    """MiniStack ended, or did not become healthy in time."""


class StopError(LocalAWSError):
    """A process that belongs to the local AWS would not end."""


class EndpointError(LocalAWSError):
    """An endpoint is unusable: nothing answers there, or it is the real AWS."""
