"""What ends a load run. Each is one sentence that says what to do."""

from receipt_sync.errors import SyncError


class LoadError(SyncError):
    """Base of the errors of this package."""


class OptionError(LoadError):
    """An option, or a combination of options, makes no sense."""


class UnsafeTargetError(LoadError):
    """The run would write to the real AWS without having been told so."""


class WatcherError(LoadError):
    """The watcher ended, or did not begin."""


class NeverArrivedError(LoadError):
    """A change was not visible to readers within the limit."""
