"""The errors that end a command. Each is one sentence for the operator; the exit code is 2."""

from receipt_sync.errors import SyncError, TransientError


class OperationError(SyncError):
    """A command can't go on; the text says why and what to do."""


class MalformedReceiptError(OperationError):
    """A line of a receipts file breaks the format; names file, line and rule."""


class ConnectionFailedError(OperationError):
    """AWS, or the local AWS, can't be reached, or does not let us in."""


class DisorderedScanError(OperationError):
    """A scan returned an image's items in two places, so no verdict on it would be sound."""


class TableWriteError(TransientError):
    """DynamoDB kept refusing items of a BatchWriteItem."""


class EmptySelectionError(OperationError):
    """The part of the table that a command was given holds nothing, so a verdict means nothing."""


class FetchFailedError(OperationError):
    """A part of an object did not arrive, which says nothing of what the object holds."""


class OtherDimensionError(OperationError):
    """A collection holds vectors of another dimension than a command has made."""


class HalfDoneError(OperationError):
    """A command has published and then failed; says what is done, why it failed and what is left.

    Its text tells the cause already, so no other sentence replaces it.
    """
