"""What stops a benchmark. Each is one sentence that says what to do."""

from receipt_sync.errors import SyncError


class BenchmarkError(SyncError):
    """A benchmark can't be run here, or what it measured is not what it was to measure."""
