"""Errors of the system. The base class of each error says whether a retry can help."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class SyncError(Exception):
    """Base of all errors that this project raises on purpose."""


class TransientError(SyncError):
    """A later retry may succeed. The message stays in its queue."""


class PermanentError(SyncError):
    """No retry can succeed. The input is set aside with the reason (I7)."""


class MalformedKeyError(PermanentError):
    """A key has the shape of a receipt entity's key, but its ids are invalid.

    A producer has a bug.
    """


class MalformedValueError(PermanentError):
    """An attribute has none of DynamoDB's ten types."""


class MalformedRecordError(PermanentError):
    """A stream record lacks a part that every stream record has."""


class PoisonMessageError(PermanentError):
    """A queue message breaks its contract."""


class DeltaRefusedError(PermanentError):
    """An embedding delta can never be applied: it is absent, unreadable or of the wrong shape."""


class DeltaExistsError(PermanentError):
    """The bucket already holds an object with this delta's id. Use another id."""


class ProjectionError(PermanentError):
    """An item holds a value that a Chroma record cannot hold."""


class SettingsError(SyncError):
    """An environment variable is missing or wrong. The message names it."""


class DeadlineNearError(TransientError):
    """The remaining time of the invocation is too short for another step."""


class TableReadError(TransientError):
    """The table was not read completely, so the absence of an item is not proved (I5)."""


class LeaseUnavailableError(TransientError):
    """Another worker holds the lease for longer than this cycle can wait.

    `until` is the time at which the lease has expired, if that worker is dead by now.
    """

    def __init__(self, message: str, until: "datetime") -> None:
        super().__init__(message)
        self.until = until


class LockTableError(TransientError):
    """The item of a lease was not written, or the result of the write is unknown."""


class LeaseLostError(TransientError):
    """The lease was not extended in time. Its former holder must not publish."""


class PublishRefusedError(TransientError):
    """The manifest changed after checkout because another worker published (HTTP 412)."""


class IndexFailedError(TransientError):
    """Chroma raised an internal error. The working copy is no longer reliable."""


class IndexUnavailableError(TransientError):
    """The Chroma server does not answer, or a copy cannot be opened. No record is the cause."""


class UnsettledError(TransientError):
    """Another worker may still write to the Chroma server, so no message is acknowledged yet.

    `until` is the time at which that worker has certainly stopped. A retry before that time is
    useless.
    """

    def __init__(self, message: str, until: "datetime") -> None:
        super().__init__(message)
        self.until = until


class ReadBackError(TransientError):
    """The data that was read back from Chroma differs from the data that was written."""


class WriteIgnoredError(ReadBackError):
    """Chroma, or a proxy in its place, confirmed a write that had no effect.

    `kind` is the kind of the write: inserted, updated, replaced or deleted.
    """

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(f"{message}, although Chroma confirmed the write")
        self.kind = kind


class MassDeleteRefusedError(TransientError):
    """A cycle would delete more than the allowed share of a collection (I5)."""


class SnapshotForbiddenError(TransientError):
    """The bucket denies read access, so it is unknown whether a snapshot is published."""


class ObjectsNotDeletedError(TransientError):
    """Snapshot objects that no version needs were not deleted. `names` lists them.

    `reason` holds the error codes of the store.
    """

    def __init__(self, names: list[str], reason: str) -> None:
        super().__init__(
            f"{len(names)} objects were not deleted ({reason}), for example {names[0]}: "
            "`receipt-sync snapshot gc` deletes them"
        )
        self.names, self.reason = names, reason


class SnapshotDamagedError(SyncError):
    """A manifest, block, pack or working copy is unreadable, unknown or not equal to its digest."""


class WorkspaceFullError(SyncError):
    """The disk has no room for the snapshot.

    `what` says which disk and how much is missing. The text adds the remedy for a function and for
    a reader.
    """

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}: give the function more ephemeral storage, or the reader a larger disk"
        )
        self.what = what


class ReaderClosedError(SyncError):
    """A reader was used after it was closed."""


class AlreadyFollowedError(SyncError):
    """A reader was followed while an earlier `follow` of it still runs."""


class ForkedError(SyncError):
    """A reader or Chroma was opened before a fork and then used in the child process."""


class QueueSendError(TransientError):
    """SQS refused to accept messages, or to delete applied ones."""


class DeadLettersNotParkedError(TransientError):
    """The dead-letter queue refused some dead letters. Their messages return to the queue."""

    def __init__(self, message_ids: set[str], codes: set[str]) -> None:
        self.message_ids = frozenset(message_ids)
        super().__init__(
            f"the dead-letter queue refused {len(self.message_ids)} dead letters "
            f"({', '.join(sorted(codes)) or 'no code'}): their messages return and are tried again"
        )
