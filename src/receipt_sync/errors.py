"""The errors of this system. Their base class says whether trying again can help."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class SyncError(Exception):
    """Base of every error that this project raises on purpose."""


class TransientError(SyncError):
    """Trying again later may succeed: the message stays in its queue."""


class PermanentError(SyncError):
    """Trying again can never succeed: the input is set aside with its reason (I7)."""


class MalformedKeyError(PermanentError):
    """A key has the shape of ours but not its digits, so some producer has a bug."""


class MalformedValueError(PermanentError):
    """An attribute is not one of DynamoDB's ten types."""


class MalformedRecordError(PermanentError):
    """A stream record lacks what every stream record has."""


class PoisonMessageError(PermanentError):
    """A queue message breaks its contract."""


class DeltaRefusedError(PermanentError):
    """An embedding delta can never be applied: absent, unreadable or of the wrong shape."""


class DeltaExistsError(PermanentError):
    """The bucket already has an object for this delta's id: make another id."""


class ProjectionError(PermanentError):
    """An item holds what a Chroma record can't."""


class RecordRefusedError(PermanentError):
    """Chroma can't take this record, found by bisecting the batch that it spoiled."""


class SettingsError(SyncError):
    """The environment is incomplete or wrong; names the variable."""


class DeadlineNearError(TransientError):
    """The invocation's remaining time does not allow another step."""


class TableReadError(TransientError):
    """The table could not be read whole, so nothing is known about absence (I5)."""


class LeaseUnavailableError(TransientError):
    """Another worker holds the lease for longer than this cycle can wait."""


class LockTableError(TransientError):
    """The row of a lease could not be written, or nobody knows whether it was."""


class LeaseLostError(TransientError):
    """The lease could not be extended in time, so this holder must not publish."""


class PublishRefusedError(TransientError):
    """The manifest changed since checkout: another worker has published (HTTP 412)."""


class IndexFailedError(TransientError):
    """Chroma raised an internal error; the working copy can't be trusted any more."""


class IndexUnavailableError(TransientError):
    """The Chroma server doesn't serve, or a copy can't be opened: no record is at fault."""


class UnsettledError(TransientError):
    """Another worker may still be writing to the Chroma server: nothing is acknowledged yet.

    `until` is the moment after which it surely no longer is. It is worth no try before.
    """

    def __init__(self, message: str, until: "datetime") -> None:
        super().__init__(message)
        self.until = until


class ReadBackError(TransientError):
    """What was read back from Chroma is not what was written."""


class MassDeleteRefusedError(TransientError):
    """A cycle would delete more than the set share of a collection (I5)."""


class SnapshotForbiddenError(TransientError):
    """The bucket refuses to be read, so whether anything is published is not known."""


class ObjectsNotDeletedError(TransientError):
    """Objects of a snapshot that no version needs could not be deleted; `names` says which."""

    def __init__(self, names: list[str], reason: str) -> None:
        super().__init__(
            f"{len(names)} objects were not deleted ({reason}), {names[0]} among them: "
            "`receipt-sync snapshot gc` deletes them"
        )
        self.names = names


class SnapshotDamagedError(SyncError):
    """A manifest, block, pack or working copy is unreadable, unknown or does not fit its digest."""


class WorkspaceFullError(SyncError):
    """The disk can't hold the snapshot."""


class ReaderClosedError(SyncError):
    """A reader was used after it was closed."""


class ForkedError(SyncError):
    """A reader or Chroma was used by a process that was forked after it was opened."""


class QueueSendError(TransientError):
    """SQS took none of the messages of an invocation."""


class LettersNotParkedError(TransientError):
    """The dead-letter queue did not take some letters: their messages go back to the queue."""

    def __init__(self, message_ids: set[str], codes: set[str]) -> None:
        self.message_ids = frozenset(message_ids)
        super().__init__(
            f"the dead-letter queue refused {len(self.message_ids)} letters "
            f"({', '.join(sorted(codes)) or 'no code'}): their messages return and are tried again"
        )
