"""The errors of a load run. Each message is one sentence that says what to do."""

from receipt_sync.errors import SyncError


class LoadError(SyncError):
    """Base class of the errors of this package."""


class OptionError(LoadError):
    """An option, or a combination of options, makes no sense."""


class UnsafeTargetError(LoadError):
    """The run would write to the real AWS, and the caller did not name its table."""


class WatcherError(LoadError):
    """The watcher process ended too early or did not start."""


class NotBegunError(LoadError):
    """The run was stopped before users could write."""

    def __init__(self) -> None:
        super().__init__(
            "the run was stopped before the watcher was ready, so nothing was written: start it "
            "again"
        )


class NeverArrivedError(LoadError):
    """A change was not visible to readers within the limit."""
