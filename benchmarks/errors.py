"""The error of a benchmark. Its message is one sentence that says what to do."""

from receipt_sync.errors import SyncError


class BenchmarkError(SyncError):
    """A benchmark cannot run here, or its measurement is not valid."""
