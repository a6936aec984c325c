"""Builders of repairs and of their adapters for a connection."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from random import SystemRandom
from typing import Final

from compactor.cycle.projection import delta_of
from receipt_index.delta_sender import DeltaSender
from receipt_index.reader import Reader, Readers
from receipt_ops.connection import Connection
from receipt_ops.deployment.discovery import Deployment
from receipt_ops.deployment.parts import NotDeployedError, number_of
from receipt_ops.loading.dimensions import dimension_of
from receipt_ops.repair.changes import LastError, QueueChanges
from receipt_ops.repair.delta_objects import S3DeltaObjects
from receipt_ops.repair.dimension_choice import ChooseDimension, most_records
from receipt_ops.repair.guard import DeleteLimit, Guard
from receipt_ops.repair.ledger import Ledger
from receipt_ops.repair.newest_vectors import NewestVectors, newest_vectors
from receipt_ops.repair.repair import Repair
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection
from receipt_sync.null_telemetry import NullTelemetry
from receipt_sync.retries.retry_until_accepted import RetryUntilAccepted
from receipt_sync.settings import CompactorSettings
from stream_processor.sqs_publisher import SQSChangePublisher

_DEFAULTS: Final = CompactorSettings.model_fields
DEFAULT_LIMIT: Final = DeleteLimit(
    float(_DEFAULTS["max_delete_share"].default), int(_DEFAULTS["max_delete_floor"].default)
)
"""The limit on a repair's deletions, unless the operator gives another one."""


class ReaderRecords:
    """Records of a published collection. There are none before the first publish."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def count(self) -> int:
        return self._reader.count() if self._reader.version else 0

    def delta_ids(self, ids: Sequence[str]) -> Mapping[str, str]:
        records = self._reader.get(ids) if self._reader.version else {}
        return {i: delta_of(record.metadata) for i, record in records.items()}


class ReaderDimensions:
    """Returns the dimension of each published collection. It reads each dimension once."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._known: dict[Collection, int] = {}

    def __call__(self, collection: Collection) -> int | None:
        if collection not in self._known:
            found = dimension_of(self._readers[collection])
            if found is None:
                return None
            self._known[collection] = found
        return self._known[collection]


@contextmanager
def newest_of(
    connection: Connection, readers: Readers, choose: ChooseDimension = most_records
) -> Iterator[NewestVectors]:
    """Give a NewestVectors of the connection's bucket for a `with` block.

    `choose` selects the dimension of a collection that never held a vector.
    """
    objects = S3DeltaObjects(connection.s3, connection.names.bucket)
    with newest_vectors(objects, ReaderDimensions(readers), SystemClock(), choose) as newest:
        yield newest


@contextmanager
def repair_of(
    connection: Connection, readers: Readers, newest: NewestVectors, own: DeleteLimit
) -> Iterator[Repair]:
    """Give a repair that sends to the connection's queue, for a `with` block."""
    ledger = Ledger()
    try:
        yield Repair(
            changes=changes_of(connection),
            deltas=deltas_of(connection),
            newest=newest,
            records={name: ReaderRecords(reader) for name, reader in readers.items()},
            guard=Guard(own, compactor_limit(connection)),
            clock=SystemClock(),
            randomness=SystemRandom(),
            ledger=ledger,
        )
    finally:
        ledger.close()


def compactor_limit(connection: Connection) -> DeleteLimit:
    """Return the limit on the deletions of one cycle of the deployed compactor."""
    try:
        compactor = Deployment(connection).compactor
    except NotDeployedError:  # A compactor that is deployed later starts with the defaults.
        return DEFAULT_LIMIT
    variables = compactor.variables
    return DeleteLimit(
        number_of(variables, "MAX_DELETE_SHARE", DEFAULT_LIMIT.share),
        int(number_of(variables, "MAX_DELETE_FLOOR", DEFAULT_LIMIT.floor)),
    )


def changes_of(connection: Connection) -> QueueChanges:
    """Return a sender of change messages to the connection's queue."""
    url = connection.names.compaction_queue_url
    last = LastError()
    publisher = SQSChangePublisher(
        connection.sqs, url, SystemRandom(), NullTelemetry(), on_error=last.note
    )
    return QueueChanges(publisher, SystemClock(), last)


def deltas_of(connection: Connection) -> DeltaSender:
    """Return a sender of existing deltas to the connection's queue."""
    names = connection.names
    retry = RetryUntilAccepted(SystemClock(), SystemRandom())
    return DeltaSender(
        connection.s3,
        names.bucket,
        connection.sqs,
        names.compaction_queue_url,
        retry,
        new_id=_no_new_id,
    )


def _no_new_id() -> str:
    raise AssertionError("a repair only sends existing vectors again, so it needs no new delta id")
