"""The errors that end a command with exit code 2. Each text is one sentence for the operator."""

from receipt_sync.errors import SyncError, TransientError


class OperationError(SyncError):
    """A command cannot continue. The text says why and what to do."""


class MalformedReceiptError(OperationError):
    """A line of a receipts file breaks the format. The text names the file, line and rule."""


class ConnectionFailedError(OperationError):
    """AWS, or the local AWS, cannot be reached or refuses the call."""


class DisorderedScanError(OperationError):
    """A scan returned an image's items in two places, so a verdict on it could be wrong."""


class TableWriteError(TransientError):
    """DynamoDB did not accept all items of a BatchWriteItem in time."""


class EmptySelectionError(OperationError):
    """The selected part of the table is empty, so a verdict would have no meaning."""


class FetchFailedError(OperationError):
    """A part of an object did not arrive. The object itself may be sound."""


class OtherDimensionError(OperationError):
    """A collection holds vectors of another dimension than those of a command."""


class AmbiguousDimensionError(OperationError):
    """The deltas of a collection that never held a vector have several dimensions."""


class HalfDoneError(OperationError):
    """A command has published and then failed.

    The text says what is done, why the command failed, and what is left to do. It names the cause
    itself, so no other sentence replaces it.
    """
